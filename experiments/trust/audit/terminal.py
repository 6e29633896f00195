"""An audit in the terminal: what it means in words, then the figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from experiments.report.console import say, say_marked, shown
from experiments.report.formatting import between, number
from experiments.trust.audit.states import LEAKS, NONE_SEEN

SHOWN_COLUMNS = 5


def show(told: Mapping[str, Any], console: Console) -> None:
    """Print the record of an audit."""
    colour = {LEAKS: "red", NONE_SEEN: "green"}.get(told["state"], "yellow")
    say_marked(console, f"\n[bold {colour}]{shown(told['verdict'])}[/]")
    for sentence in told["said"]:
        say(console, sentence)
    console.print()
    if told["attacked"] is not None:
        console.print(_leaks(told["attacked"]["leaks"]))
        console.print(_attacks(told["attacked"]["curves"]))
    console.print(_copies(told["copies"]))
    if told["utility"] is not None:
        say(console, told["utility"]["sentence"])
        console.print(_trained(told["utility"]["trained"]))
        if told["utility"]["groups"]:
            console.print(_groups(told["utility"]["groups"]))
    likeness = told["likeness"]
    say(console, likeness["sentence"])
    say(console, f"Columns alike {likeness['shapes']:.3f}, pairs {likeness['pairs']:.3f} (1 = the same).")
    columns = ", ".join(f"{name} {distance:.2f}" for name, distance in likeness["by_column"][:SHOWN_COLUMNS])
    say(console, f"Columns that differ most: {columns}.")


def _leaks(leaks: Iterable[Mapping[str, Any]]) -> Table:
    columns = ("rows", "members", "controls", "AUC", "found at 1 %", "found at 0.1 %", "epsilon at least")
    table = _table("Whose rows were used? Attacks chosen on one half, reported on the other; 99 % intervals", columns)
    for leak in leaks:
        counts = (f"{leak['members']:,}", f"{leak['controls']:,}")
        if leak["auc"] is None:
            table.add_row(shown(leak["group"]), *counts, "too few rows")
            continue
        rates = (between(rate["found"]) if rate["found"] else "too few rows" for rate in leak["rates"])
        bound = f"{leak['epsilon']:.2f} (of {leak['epsilon_most']:.2f})"
        table.add_row(shown(leak["group"]), *counts, between(leak["auc"]), *rates, bound)
    return table


def _attacks(curves: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("Every attack, all rows", ("attack", "AUC"))
    for curve in curves:
        table.add_row(shown(curve["attack"]), number(curve["auc"]))
    return table


def _copies(copies: Mapping[str, Any]) -> Table:
    table = _table("Copies", ("", "of synthetic rows", "of held-out real rows"))
    table.add_row("equal a real row", between(copies["equal"]), between(copies["equal_usual"]))
    table.add_row("nearly equal one", between(copies["near"]), between(copies["near_usual"]))
    table.add_row("mean distance to one", number(copies["distance"]), number(copies["distance_usual"]))
    return table


def _trained(trained: Iterable[Mapping[str, Any]]) -> Table:
    columns = ("model", "AUC", "real", "average precision", "real", "difference")
    table = _table("Trained on synthetic rows, tested on real ones; of the class to catch", columns)
    for each in trained:
        figures = (number(each[name]) for name in ("auc", "auc_real", "precision", "precision_real"))
        table.add_row(shown(each["kind"]), *figures, between(each["lost"]))
    return table


def _groups(groups: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("By group, XGBoost", ("group", "rows", "to catch", "AUC", "real"))
    for each in groups:
        figures = (number(each["auc"]), number(each["auc_real"]))
        table.add_row(shown(each["group"]), f"{each['rows']:,}", f"{each['positives']:,}", *figures)
    return table


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    return table
