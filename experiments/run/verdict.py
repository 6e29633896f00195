"""The verdict of a finished run in words, the same in MLflow's tags, the description of the run and of its model."""

from collections.abc import Mapping

from experiments.report.report import Report
from loop.support.visible import in_markdown

NOTE = "mlflow.note.content"  # the tag that MLflow shows as the description of a run
SHOWN = 12  # arms in the table of a description


def verdict_tags(report: Report) -> Mapping[str, str]:
    """Return what the test rows say, first of all, what the judge rows say, and what was delivered.

    The tag ``verdict`` is the claim of the sealed test rows: the one that report and terminal show in colour.
    """
    return {
        "verdict": str(report.gain["sentence"]),
        "judge_verdict": str(report.verdict["sentence"]),
        "decision": report.decision.headline,
        "delivery": str(report.delivery["sentence"]),
        "delivered": report.delivered,
        "best_plain": str(report.delivery["best_plain"]),
        "proven": "yes" if report.gain["proven"] else "no",
    }


def improves(report: Report) -> bool:
    """Tell whether the sealed test rows prove the delivered model better than the best plain one, and nothing harmed.

    Only such a version becomes the champion of its registered model.
    """
    return bool(report.gain["proven"]) and not report.harm


def description(report: Report) -> str:
    """Return the verdict and the best arms as Markdown."""
    told = {name: in_markdown(each) for name, each in verdict_tags(report).items()}
    ranked = sorted(report.arms, key=lambda arm: -float(str(arm["average_precision"])))[:SHOWN]
    rows = [
        f"| {_marked(str(arm['arm']), report)} | {float(str(arm['average_precision'])):.3f} "
        f"| {float(str(arm['recall_at_fpr_01'])):.3f} | {float(str(arm['seconds_per_million'])):.0f} |"
        for arm in ranked
    ]
    return "\n".join(
        [
            f"**{told['decision']}**",
            "",
            told["verdict"],
            "",
            *(f"- {in_markdown(sentence)}" for sentence in report.decision.expected),
            "",
            told["delivery"],
            "",
            f"Judge rows: {told['judge_verdict']}",
            "",
            "| arm, on the sealed test rows | average precision | recall at 1 % false positives | s per million rows |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _marked(arm: str, report: Report) -> str:
    """Write the name of an arm, the delivered one in bold."""
    name = in_markdown(arm)
    return f"**{name}** (delivered)" if arm == report.delivered else name
