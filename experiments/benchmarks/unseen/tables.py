"""The tables and the last line of the benchmark of unseen frauds."""

from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table as RichTable

from experiments.benchmarks.unseen.measures import AP, FIGURES, OTHERS, RECALL
from experiments.benchmarks.unseen.stating import ALIKE
from experiments.benchmarks.unseen.weeks import SCENARIOS

if TYPE_CHECKING:
    from rich.console import Console

HIDDEN, SEEN = "hidden", "seen"
PREFIXES = {"extra trees": "", "XGBoost": "xgboost_", "best plain": "best_plain_"}


def stated(n: int) -> str:
    """Return the name of the arm with n stated rows at random."""
    return f"stated, {n}"


def aimed(n: int) -> str:
    """Return the name of the arm with n stated rows where the model is blind."""
    return f"aimed, {n}"


Figures = dict[tuple[str, int, str], dict[str, float]]  # (learner, hidden scenario, arm or rule) -> figures


def means(results: pd.DataFrame, by: str) -> Figures:
    """Average the records of each learner, hidden scenario and arm (or rule) over the starts."""
    shown = [figure for figure in (*FIGURES, ALIKE) if figure in results]
    groups = results[results[by].notna()].groupby(["learner", "hidden", by], sort=False)
    return {
        (str(learner), int(str(hidden)), str(name)): {figure: float(of[figure].mean()) for figure in shown}
        for (learner, hidden, name), of in groups
    }


def show(console: "Console", title: str, results: pd.DataFrame) -> None:
    """Print the arms of each learner and hidden scenario, seen last."""
    table = means(results, "arm")
    printed = RichTable("learner", "hidden scenario", "arm", *FIGURES.values(), title=title)
    places = {key[:2]: place for place, key in enumerate(reversed(table))}
    for key in sorted(table, key=lambda key: (-places[key[:2]], key[2] == SEEN)):
        learner, hidden, arm = key
        figures = (f"{table[key][figure]:.3f}" for figure in FIGURES)
        printed.add_row(learner, f"{hidden}: {SCENARIOS[hidden]}", arm, *figures, end_section=arm == SEEN)
    console.print(printed)


def show_rules(console: "Console", title: str, results: pd.DataFrame) -> None:
    """Print what wrong rules do, and how many of their rows are like honest ones in all that is stated."""
    printed = RichTable("hidden scenario", "rule", *FIGURES.values(), "rows like honest ones", title=title)
    for (_, hidden, rule), row in means(results, "rule").items():
        figures = (f"{row[figure]:.3f}" for figure in (*FIGURES, ALIKE))
        printed.add_row(f"{hidden}: {SCENARIOS[hidden]}", rule, *figures)
    console.print(printed)


def headline(results: pd.DataFrame, rows: int) -> dict[str, float]:
    """Return the figures of the last line: means over the starts, with the usual number of stated rows."""
    table, told = means(results, "arm"), dict[str, float]()
    shown = {HIDDEN: HIDDEN, stated(rows): "stated", aimed(rows): "aimed", SEEN: SEEN}
    for learner, prefix in PREFIXES.items():
        if (learner, 1, SEEN) not in table:
            continue
        for number in SCENARIOS:
            for figure, short in ((RECALL, "recall"), (AP, "ap")):
                told |= {
                    f"{prefix}{short}_{name}_{number}": round(table[learner, number, arm][figure], 4)
                    for arm, name in shown.items()
                }
        kept = {arm: [table[learner, number, arm][OTHERS] for number in SCENARIOS] for arm in shown}
        lost = [before - after for before, after in zip(kept[HIDDEN], kept[stated(rows)], strict=True)]
        told[f"{prefix}others_lost"] = round(max(lost), 4)
    return told
