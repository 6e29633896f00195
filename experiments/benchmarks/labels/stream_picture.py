"""The stream in one table and one picture: cards found against the quality of the model at the end, by policy."""

import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table as RichTable

from experiments.report.figure_style import BLUE, ORANGE


def table_of(results: pd.DataFrame) -> RichTable:
    """Return the compromised cards found by the last day, and the average precision on the week after, by policy."""
    table = RichTable("labels of unchecked", "policy", "cards found", "average precision", title="100 cards a day")
    for row in _last(results).reset_index().to_dict("records"):
        table.add_row(str(row["labels"]), str(row["policy"]), str(row["found"]), f"{row['average_precision']:.3f}")
    return table


def picture(results: pd.DataFrame, start: str) -> Figure:
    """Draw a point for each policy, one colour for each way in which unchecked labels arrive."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    last = _last(results).reset_index()
    for labels, colour in zip(last["labels"].unique(), (BLUE, ORANGE), strict=False):
        points = last[last["labels"] == labels]
        axes.scatter(points["found"], points["average_precision"], 60, colour, label=f"unchecked labels: {labels}")
        for row in points.to_dict("records"):
            at = (float(row["found"]), float(row["average_precision"]))
            axes.annotate(str(row["policy"]), at, (6, 6), textcoords="offset points", fontsize=8)
    axes.set_xlabel("compromised cards found by checking 100 a day")
    axes.set_ylabel("average precision on the week after")
    axes.grid(alpha=0.3)
    axes.margins(x=0.25, y=0.15)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"What a check is spent on: frauds today or a better model (from {start})", x=0.01, ha="left")
    return figure


def _last(results: pd.DataFrame) -> pd.DataFrame:
    found = results.sort_values("day", kind="stable").groupby(["labels", "policy"], sort=False).last()
    return pd.DataFrame(found[["found", "average_precision"]])
