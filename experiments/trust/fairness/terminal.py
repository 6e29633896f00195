"""Groups in the terminal: who is caught, who is suspected, and of whom the probabilities say too much."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from experiments.report.console import empty_table, shown
from experiments.report.report import Report


def tables_of_groups(report: Report) -> Iterator[Table]:
    """Yield the tables of groups; none where the run was told of no groups."""
    if report.groups:
        yield _rates(report)
    if any(group["after"].get("calibration") is not None for group in report.groups):
        yield _believed(report)


def _rates(report: Report) -> Table:
    columns = ("group", "rows", "positives", "AP\nbefore", "after", "recall\nbefore", "after ", "FPR\nbefore", " after")
    table = empty_table(f"Groups, on the test rows{shown(report.one_class)}", columns, left=("group",))
    metrics = ("average_precision", "recall", "false_positive_rate")
    for group in report.groups:
        scores = [_number(group[when][metric]) for metric in metrics for when in ("before", "after")]
        name = f"{group['column']} = {group['group']}"
        table.add_row(shown(name), f"{group['rows']:,}", f"{group['positives']:,}", *scores)
    changes = [
        f"{shown(column)} {_number(gap['before'])} -> {_number(gap['after'])}"
        for column, gap in report.group_gaps.items()
    ]
    told = "one threshold for all, chosen on judge rows at 1 % false positives"
    table.caption = "; largest gap in recall: ".join([told, *([", ".join(changes)] if changes else [])])
    if report.worst_group:
        table.caption += f"\nworst on one half of the test rows, told on the other: {shown(report.worst_in_words)}"
    return table


def _believed(report: Report) -> Table:
    columns = ("group", "rows", "positives", "before", "after")
    table = empty_table(f"Believed too much, by group{shown(report.one_class)}", columns, left=("group",))
    for group in report.groups:
        told = (_signed(group[when], "calibration") for when in ("before", "after"))
        name = shown(f"{group['column']} = {group['group']}")
        table.add_row(name, f"{group['rows']:,}", f"{group['positives']:,}", *told)
    table.caption = "calibration: mean probability minus share to catch, 0 = as it is; empty: too few rows to catch"
    return table


def _number(value: object) -> str:
    return "" if value is None else f"{float(str(value)):.3f}"


def _signed(figures: Mapping[str, Any], name: str) -> str:
    """Write a difference that may be told, with its interval where that is known."""
    told = [figures.get(f"{name}{end}") for end in ("", "_low", "_high")]
    if told[0] is None:
        return ""
    value, *ends = ("" if each is None else f"{float(each):+.3f}" for each in told)
    return f"{value} [{', '.join(ends)}]" if all(ends) else value
