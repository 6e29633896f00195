"""The stream in one table and one picture: cards found against the quality of the model at the end, by policy."""

import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table as RichTable

from experiments.report.figure_style import BLACK, BLUE, GREEN, GREY, ORANGE

COLOURS = (GREY, BLUE, GREEN, BLACK, ORANGE)


def table_of(results: pd.DataFrame) -> RichTable:
    """Return the compromised cards found by the last day, and the average precision on the week after, by policy."""
    table = RichTable("labels of unchecked", "policy", "cards found", "average precision", title="100 cards a day")
    for row in _last(results).reset_index().to_dict("records"):
        table.add_row(str(row["labels"]), str(row["policy"]), str(row["found"]), f"{row['average_precision']:.3f}")
    return table


def picture(results: pd.DataFrame, start: str) -> Figure:
    """Draw a point for each policy, in a panel for each way in which the labels of unchecked payments arrive."""
    last = _last(results).reset_index()
    ways, policies = list(dict.fromkeys(last["labels"])), list(dict.fromkeys(last["policy"]))
    figure = Figure(figsize=(6.5 * len(ways), 4.8), layout="constrained")
    for number, labels in enumerate(ways, start=1):
        axes, points = figure.add_subplot(1, len(ways), number), last[last["labels"] == labels]
        for row in points.to_dict("records"):
            at = (float(row["found"]), float(row["average_precision"]))
            left = at[0] > points["found"].mean()
            axes.scatter(*at, 60, COLOURS[policies.index(row["policy"]) % len(COLOURS)])
            axes.annotate(
                str(row["policy"]),
                at,
                (-9 if left else 9, -3),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize=8,
            )
        axes.set_title(f"labels of unchecked payments: {labels}", loc="left", fontsize=10)
        axes.set_xlabel("compromised cards found by checking 100 a day")
        axes.set_ylabel("average precision on the week after")
        axes.grid(alpha=0.3)
        axes.margins(x=0.45, y=0.15)
    figure.suptitle(f"What a check is spent on: frauds today or a better model (from {start})", x=0.01, ha="left")
    return figure


def _last(results: pd.DataFrame) -> pd.DataFrame:
    found = results.sort_values("day", kind="stable").groupby(["labels", "policy"], sort=False).last()
    return pd.DataFrame(found[["found", "average_precision"]])
