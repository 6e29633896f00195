"""The report of a run in the terminal: tables, and the verdict in words."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.report.console import empty_table, say, say_marked, shown
from experiments.report.decision import CHECK, DEPLOY, KEEP
from experiments.report.formatting import number, spread, threshold, words
from experiments.report.mended import ANSWERS
from experiments.report.report import Report
from experiments.storage import run_folder
from experiments.trust.fairness.terminal import tables_of_groups
from loop.supplies.supply import TAUGHT
from loop.support.commands import NONE, command, tracking_words
from loop.support.plain_json import Record

SHOWN_REGIONS = 10


def show_again(folder: Path, console: Console) -> None:
    """Print the report of a finished run.

    Raises
    ------
    DataError
        If the folder holds none, or a damaged one.
    """
    show(Report.load(folder), folder, console)


def show(report: Report, folder: Path, console: Console) -> None:
    """Print the decision, warnings, tables, verdict and the names of the files."""
    for line in decision_lines(report):
        say_marked(console, line)
    print_lines(report.warning_lines, console)
    console.print(_generations(report))
    console.print(_regions(report))
    if report.planted:
        console.print(_planted(report.planted))
    if len(report.supplies) > 1:
        console.print(_supplies(report.supplies))
    if report.patterns:
        console.print(_patterns(report.patterns))
    for sentence in report.real_caught:
        say(console, sentence)
    console.print(_arms(report))
    if report.operating:
        console.print(_operating(report))
    for table in tables_of_groups(report):
        console.print(table)
    if report.calibration:
        say_marked(console, calibration_line(report.calibration))
    for line in verdict_lines(report):
        say_marked(console, line)
    say_marked(console, f"\n[bold]{shown(report.decision.headline)}[/]")
    _show_files(folder, console)


def _show_files(folder: Path, console: Console) -> None:
    console.print()
    say(console, f"{folder}: report.html, report.json, arms.csv, regions.csv, synthetic.parquet, pictures/, model/")
    for line in _commands(folder):
        say(console, line)


def print_lines(warnings: Iterable[str], console: Console) -> None:
    """Print warnings so that they are seen."""
    for line in warnings:
        say(console, line, "bold yellow")


def decision_lines(report: Report) -> tuple[str, ...]:
    """Write what to do, why, and what may be expected."""
    decision = report.decision
    colour = {DEPLOY: "green", CHECK: "red", KEEP: "red" if decision.harm else "yellow"}.get(decision.action, "yellow")
    told = (decision.evidence, *decision.expected)
    return (f"\n[bold {colour}]{shown(decision.headline)}[/]", *(f"  {shown(each)}" for each in told), "")


def verdict_lines(report: Report) -> tuple[str, ...]:
    """Write in words what was proven: on the judge rows during the run, and on the sealed test rows."""
    colour = "green" if report.gain["proven"] else "yellow"
    lines = [
        f"\nJudge rows: {shown(report.verdict['sentence'])}",
        f"            {shown(report.delivery['sentence'])}",
        f"Test rows:  [bold {colour}]{shown(report.gain['sentence'])}[/]",
    ]
    lines += [f"            [bold red]Harm: {shown(each)}[/]" for each in report.harm]
    if report.answers:
        lines.append(f"            {shown(report.answers['sentence'])}")
    if report.macro:
        lines.append(f"            Average precision is here the mean over all {report.n_classes} classes.")
    if report.delivered != report.loop_gain["arm"]:
        lines.append(f"            The loop's own model: {shown(report.loop_gain['sentence'])}")
    if not report.gain["proven"] and not report.loop_gain["proven"]:
        rival = shown(repr(report.gain["against"]))
        lines.append(f"            This too is a result: nothing here shows a model that beats {rival}.")
    return tuple(lines)


def calibration_line(calibration: Record) -> str:
    """Write the effect of calibration on the scores of the test rows."""
    method = calibration["parameters"]["method"]
    if method == "none":
        return "Calibration: none; probabilities are delivered as the learner states them."
    names = {"brier": "Brier", "log_loss": "log-loss", "calibration_error": "ECE"}
    told = {short: calibration["test"][name] for name, short in names.items()}
    changes = [f"{name} {float(each['before']):.4f} -> {float(each['after']):.4f}" for name, each in told.items()]
    return f"Calibration by {words(method)}, fitted on judge rows; on test rows: {', '.join(changes)}"


def _generations(report: Report) -> Table:
    columns = ("", "decision", "average precision", "change", "new\nrows", "refused", "drift\nAUC", "s")
    table = empty_table(f"Generations, on the judge rows{report.macro}", columns, left=("decision",))
    for record in report.generations:
        decision = record["decision"]
        refused = sum(count for reason, count in record["counts"].items() if reason.startswith("refused"))
        table.add_row(
            str(record["index"]),
            f"{_by(record)}{'kept' if decision['kept'] else 'rolled back'}: {shown(decision['reason'])}",
            _interval(record["scores"]["average_precision"]),
            f"{float(decision['difference']['estimate']):+.3f}",
            f"{record['n_rows']:,}",
            f"{refused:,}",
            _number(record["drift"].get("drift/detection_auc")),
            f"{sum(map(float, record['seconds'].values())):.0f}",
        )
    table.caption = (
        "drift AUC: how well a classifier tells new rows from real ones, 0.5 = not at all; s: of all processors"
    )
    return table


def _regions(report: Report) -> Table:
    columns = ("weak region", "test\nrows", "to\ncatch", "error\nbefore", "after", "error falls by", "mended?")
    table = empty_table(
        "Weak regions of the first generation, on the test rows", columns, left=("weak region", "mended?")
    )
    for region in report.mended[:SHOWN_REGIONS]:
        errors = (_number(region[when]["error"]) for when in ("before", "after"))
        change = "" if region["change"] is None else spread(region["change"]).replace("−", "-")
        counts = (f"{region[name]:,}" for name in ("rows", "positives"))
        table.add_row(shown(region["rule"]), *counts, *errors, change, ANSWERS[region["answer"]])
    rest = len(report.mended) - SHOWN_REGIONS
    told = "error: log-loss of the learner on real rows alone, and of the delivered model"
    none = "none could be confirmed" if report.aimed else report.none_sought
    table.caption = none if not report.mended else f"{told}; and {rest} more on the page" if rest > 0 else told
    return table


def _planted(planted: Iterable[Mapping[str, Any]]) -> Table:
    columns = ("planted weak region", "found", "share of its frauds inside")
    table = empty_table("Answer key of the simulation", columns, left=columns[:2])
    for finding in planted:
        table.add_row(shown(finding["name"]), "found" if finding["found"] else "missed", f"{finding['recall']:.0%}")
    return table


def _supplies(supplies: Iterable[Mapping[str, Any]]) -> Table:
    columns = ("supply", "generations", "rows\nmade", "rows in\nthe model", "s", "brings on judge rows")
    table = empty_table("Supplies of new rows", columns, left=columns[:1])
    for supply in supplies:
        made = (f"{supply[key]:,}" for key in ("generations", "rows", "kept"))
        brings = "" if supply["brings"] is None else spread(supply["brings"]).replace("−", "-")
        table.add_row(shown(supply["supply"]), *made, f"{supply['seconds']:.0f}", brings)
    table.caption = "brings: average precision of the final learner with the supply's rows minus without them"
    return table


def _patterns(patterns: Iterable[Mapping[str, Any]]) -> Table:
    columns = (
        "stated pattern",
        "rows\nheld back",
        "caught by real\nrows alone",
        "caught with\nstated rows",
        "in the model",
    )
    table = empty_table("Stated patterns, on rows held back", columns, left=columns[:1])
    for pattern in patterns:
        caught = (_interval(pattern[when]) for when in ("before", "after"))
        table.add_row(shown(pattern["supply"]), f"{pattern['rows']:,}", *caught, "yes" if pattern["kept"] else "no")
    table.caption = "caught: scored above 99 % of the judge rows of other classes; no judge row shows the pattern"
    return table


def _arms(report: Report) -> Table:
    level = report.recall_at_precision.rpartition("_")[2]
    metrics = {
        "average_precision": "AP",
        "recall_at_fpr_01": "recall at\n1 % FPR",
        report.recall_at_precision: f"recall at\n{level} % prec",
        "brier": "Brier",
    }
    title = f"Arms, on the sealed test rows{report.macro}"
    table = empty_table(title, ("arm", *metrics.values(), "s to\nfit", "s per\n1M rows", "MB"), ("arm",))
    for arm in report.arms:
        scores = [f"{float(arm[metric]):.4f}" if metric == "brier" else _number(arm[metric]) for metric in metrics]
        costs = [f"{arm[cost]:.1f}" for cost in ("seconds_fit", "seconds_per_million")]
        size = "" if arm["megabytes"] is None else f"{float(arm['megabytes']):.1f}"
        style = "bold" if arm["arm"] == report.delivered else None
        table.add_row(shown(arm["arm"]), *scores, *costs, size, style=style)
    notes = [shown(f"{arm['arm']}: {arm['note']}") for arm in report.arms if arm["note"]]
    rank = "only plain model that was fitted" if report.one_plain else "best plain model, chosen on judge rows"
    best = f"{rank}: {shown(str(report.delivery['best_plain']))}"
    table.caption = "; ".join(["bold: delivered", best, *notes])
    return table


def _operating(report: Report) -> Table:
    columns = ("operating point", "threshold", "promised on\njudge rows", "delivered on\ntest rows", "difference")
    title = f"Operating points: thresholds chosen on judge rows{shown(report.one_class)}"
    table = empty_table(title, columns, left=columns[:1])
    for point in report.operating:
        table.add_row(shown(point["point"]))
        for arm, name in (("before", "real only"), ("after", report.delivered)):
            told = point[arm]
            pairs = (told[when] for when in ("promised", "delivered"))
            figures = (f"{number(each[point['figure']])} / {number(each['precision'])}" for each in pairs)
            cells = threshold(told["threshold"]), *figures, spread(point["difference"]) if arm == "after" else ""
            table.add_row(
                f"  {shown(name)}", *(cell.replace("−", "-") for cell in cells)
            )  # as the other tables write it
    table.caption = (
        "recall / precision, or cost per row / precision, of calibrated answers; "
        "difference: on test rows, positive = the delivered model is better"
    )
    return table


def _commands(folder: Path) -> list[str]:
    """Return what may be done next, as commands to be copied."""
    tracking = run_folder.tracking_of(folder)
    told = {f"{command('predict', folder)} --data FILE": "scores new rows"}
    if tracking != NONE:
        told[command("ui", *tracking_words(tracking))] = "opens the records in MLflow"
    width = max(map(len, told))
    return [f"{words:{width}}   {what}" for words, what in told.items()]


def _by(record: Mapping[str, Any]) -> str:
    """Write which supply made the rows, unless it is the usual one."""
    return "" if record["supply"] == TAUGHT else f"{shown(record['supply'])}, "


def _interval(interval: Mapping[str, Any]) -> str:
    estimate, low, high = (float(interval[key]) for key in ("estimate", "low", "high"))
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


def _number(value: object) -> str:
    return "" if value is None else f"{float(str(value)):.3f}"
