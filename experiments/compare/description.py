"""What trackers are told of a comparison as a whole: its name and settings at the beginning, its outcome at the end."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY
from experiments.arms.scoring import SCORE
from experiments.compare.child_runs import short_names
from experiments.compare.claims import Comparison, in_sentences
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.run.tracking import flat, shared_params, short_name
from experiments.run.verdict import NOTE
from loop.support.plain_json import Record
from loop.support.visible import in_markdown, visible

SHOWN = 12  # arms in the table


def begun(
    config: CompareConfig, runs: Sequence[RunConfig], folder: Path, tables: Sequence[Record]
) -> Mapping[str, object]:
    """Return name, parameters, tags and tables of a comparison in the form that trackers take."""
    sources = list(dict.fromkeys(run.data.source for run in runs))
    shared = [shared_params(run) for run in runs]
    several = {name: ", ".join(dict.fromkeys(str(each[name]) for each in shared)) for name in shared[0]}
    params = flat(config.model_dump(mode="json", exclude={"sources", "strategies", "seeds"}))
    tags = {"command": "compare", "learner": several["learner"], "folder": folder.name}
    names = ", ".join(dict.fromkeys(short_name(source) for source in sources))
    told = names if len(sources) <= 3 else f"{len(sources)} sources"
    strategies, seeds = len(config.strategies), len(config.seeds)
    what = config.strategies[0] if strategies == 1 else f"{strategies} strategies"
    return {
        "name": visible(f"compare · {told} · {what} · {seeds} seed{'' if seeds == 1 else 's'}"),
        "params": several | dict(params),
        "tags": tags | {"weakspot": version("weakspot")},
        "datasets": tables,
    }


def ended(results: pd.DataFrame, comparisons: Sequence[Comparison], overall: str) -> Mapping[str, str]:
    """Return the tags of a finished comparison: what is best on which source, and what is proven.

    Parameters
    ----------
    results : DataFrame
        One row for each arm, source and seed.
    comparisons : sequence of Comparison
        The first strategy against every other arm; against the best plain model, if it was asked for, is the verdict.
    overall : str
        What was found of all arms together.
    """
    told = {each.against: each.sentence for each in comparisons}
    rival = next((name for name in (BEST_PLAIN, REAL_ONLY) if name in told), None)
    verdict = overall if rival is None else told[rival]
    scores = results.pivot_table(SCORE, "arm", "source", aggfunc="mean")
    scores = scores.rename(columns=short_names(list(scores.columns)))
    arms = scores.drop(index=[BEST_PLAIN, DELIVERED], errors="ignore")  # roles of models that have rows of their own
    best = "; ".join(f"{source}: {own.idxmax()} ({own.max():.3f})" for source, own in arms.items())
    others = in_sentences([each for each in comparisons if each.against != rival])
    listed = "\n".join(f"- {in_markdown(sentence)}" for sentence in (*([] if rival is None else [overall]), *others))
    note = "\n\n".join([f"**Best on average, {in_markdown(best)}.**", in_markdown(verdict), _table(scores), listed])
    return {"verdict": verdict, "best": best, NOTE: note}


def figures(results: pd.DataFrame, comparisons: Sequence[Comparison]) -> Mapping[str, float]:
    """Return the metrics of a finished comparison: means of the models in their roles, and what is proven."""
    means = results.groupby("arm")[SCORE].mean()
    named = {f"test_{SCORE}": DELIVERED, f"test_{SCORE}_best_plain": BEST_PLAIN, f"test_{SCORE}_real_only": REAL_ONLY}
    better = sum(each.proven and each.difference.estimate > 0 for each in comparisons)
    counts = {"proven_better": better, "proven_worse": sum(each.proven for each in comparisons) - better}
    return {name: float(means[arm]) for name, arm in named.items() if arm in means} | counts


def _table(scores: pd.DataFrame) -> str:
    """Return scores by arm and source as Markdown, the best arms first and the best score of a source in bold."""
    shown = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index[:SHOWN]]
    best = scores.max()
    rows = [
        [in_markdown(arm), *(_figure(value, value == top) for value, top in zip(own, best, strict=True))]
        for arm, own in shown.iterrows()
    ]
    head = ["average precision on test rows", *(in_markdown(source) for source in scores.columns)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: float, bold: bool) -> str:
    return f"**{value:.3f}**" if bold else f"{value:.3f}"
