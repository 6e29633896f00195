"""The tables and the last line of the benchmark of unseen patterns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table as RichTable

from experiments.benchmarks.unseen.measures import AP, FIGURES, OTHERS, RECALL
from experiments.benchmarks.unseen.stating import ALIKE

if TYPE_CHECKING:
    from rich.console import Console

HIDDEN, SEEN = "hidden", "seen"
ROWS = "rows"  # stated rows that entered training
PREFIXES = {"extra trees": "", "XGBoost": "xgboost_", "best plain": "best_plain_"}


def stated(n: int) -> str:
    """Return the name of the arm with n stated rows at random."""
    return f"stated, {n}"


def aimed(n: int) -> str:
    """Return the name of the arm with n stated rows where the model is blind."""
    return f"aimed, {n}"


Patterns = Mapping[int, str]  # number of a pattern -> its name
Figures = dict[tuple[str, int, str], dict[str, float]]  # (learner, hidden pattern, arm or rule) -> figures


def means(results: pd.DataFrame, by: str) -> Figures:
    """Average the records of each learner, hidden pattern and arm (or rule) over the parts."""
    shown = [figure for figure in (*FIGURES, ALIKE, ROWS) if figure in results]
    groups = results[results[by].notna()].groupby(["learner", "hidden", by], sort=False)
    return {
        (str(learner), int(str(hidden)), str(name)): {figure: float(of[figure].mean()) for figure in shown}
        for (learner, hidden, name), of in groups
    }


def show(console: "Console", title: str, results: pd.DataFrame, patterns: Patterns) -> None:
    """Print the arms of each learner and hidden pattern, seen last."""
    table = means(results, "arm")
    printed = RichTable("learner", "hidden pattern", "arm", ROWS, *FIGURES.values(), title=title)
    places = {key[:2]: place for place, key in enumerate(reversed(table))}
    for key in sorted(table, key=lambda key: (-places[key[:2]], key[2] == SEEN)):
        learner, hidden, arm = key
        rows = "" if arm in (HIDDEN, SEEN) else f"{table[key][ROWS]:.0f}"
        figures = (f"{table[key][figure]:.3f}" for figure in FIGURES)
        printed.add_row(learner, _named(hidden, patterns), arm, rows, *figures, end_section=arm == SEEN)
    console.print(printed)


def show_aim(console: "Console", results: pd.DataFrame, rows: Sequence[int], patterns: Patterns) -> None:
    """Print what aim adds to the same number of rows at random: the mean over the parts, the least and the most."""
    printed = RichTable("learner", "hidden pattern", ROWS, RECALL, AP, title="Aimed minus at random")
    by = ["learner", "hidden", "part"]
    for (learner, hidden), own in results.groupby(["learner", "hidden"], sort=False):
        of = {str(arm): each.set_index(by) for arm, each in own.groupby("arm")}
        for n in rows:
            differences = (of[aimed(n)][figure] - of[stated(n)][figure] for figure in (RECALL, AP))
            cells = (f"{each.mean():+.3f} ({each.min():+.3f} to {each.max():+.3f})" for each in differences)
            printed.add_row(str(learner), _named(int(str(hidden)), patterns), str(n), *cells, end_section=n == rows[-1])
    console.print(printed)


def show_rules(console: "Console", title: str, results: pd.DataFrame, patterns: Patterns) -> None:
    """Print what wrong rules do, and how many of their rows are like honest ones in all that is stated."""
    printed = RichTable("hidden pattern", "rule", *FIGURES.values(), "rows like honest ones", title=title)
    for (_, hidden, rule), row in means(results, "rule").items():
        figures = (f"{row[figure]:.3f}" for figure in (*FIGURES, ALIKE))
        printed.add_row(_named(hidden, patterns), rule, *figures)
    console.print(printed)


def _named(number: int, patterns: Patterns) -> str:
    return f"{number}: {patterns[number]}"


def headline(results: pd.DataFrame, usual: int, patterns: Patterns, rows: Sequence[int] = ()) -> dict[str, float]:
    """Return the figures of the last line: means over the parts.

    Parameters
    ----------
    results : DataFrame
    usual : int
        Number of stated rows of the figures ``stated`` and ``aimed``.
    patterns : mapping of int to str
        Figures end with the number of the pattern if there are several.
    rows : sequence of int
        Numbers of stated rows of more figures, such as ``stated_25_rows``.
    """
    table, told = means(results, "arm"), dict[str, float]()
    shown = {HIDDEN: HIDDEN, stated(usual): "stated", aimed(usual): "aimed", SEEN: SEEN}
    every = [*shown.items()]
    for n in rows:
        every += [(stated(n), f"stated_{n}_rows"), (aimed(n), f"aimed_{n}_rows")]
    for learner, prefix in PREFIXES.items():
        if (learner, next(iter(patterns)), SEEN) not in table:
            continue
        for number in patterns:
            end = f"_{number}" if len(patterns) > 1 else ""
            for figure, short in ((RECALL, "recall"), (AP, "ap")):
                told |= {
                    f"{prefix}{short}_{name}{end}": round(table[learner, number, arm][figure], 4) for arm, name in every
                }
        kept = {arm: [table[learner, number, arm][OTHERS] for number in patterns] for arm in shown}
        lost = [before - after for before, after in zip(kept[HIDDEN], kept[stated(usual)], strict=True)]
        told[f"{prefix}others_lost"] = round(max(lost), 4)
    return told
