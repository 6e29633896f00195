"""Figures of synthetic tables: utility against privacy, columns and pairs beside real ones, rows of a request."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.report.figure_style import BLACK, BLUE, GREEN, GREY, ORANGE, scatter
from loop.types import Region, Table

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h")
SHOWN = 2_000  # points of a scatter plot


def frontier(results: pd.DataFrame) -> Figure:
    """Draw, for each table, utility on real test rows against the area of a membership attack.

    Up and left is better. The dashed line is the utility of the real rows. The two worst generators may lie below the
    axes, so that the others can be told apart.

    Parameters
    ----------
    results : DataFrame
        Columns ``table``, ``generator``, ``utility``, ``real``, ``attack_auc``; repeats are averaged.
    """
    tables, generators = list(dict.fromkeys(results["table"])), list(dict.fromkeys(results["generator"]))
    figure, axes = _panels(len(tables), "Utility against what an attacker learns: up and left is better")
    colours = [BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", BLACK, "#8C564B", "#7F7F7F", "#F0E442", GREY]
    for panel, table in zip(axes, tables, strict=True):
        own = results[results["table"] == table].groupby("generator").mean(numeric_only=True)
        for number, name in enumerate(generators):
            if name not in own.index:
                continue
            x, y = own.loc[name, "attack_auc"], own.loc[name, "utility"]
            label = name if panel is axes[0] else None
            colour, marker = colours[number % len(colours)], MARKERS[number % len(MARKERS)]
            panel.scatter(x, y, 70, colour, marker=marker, edgecolors="white", linewidths=0.6, label=label, zorder=3)
        panel.axhline(own["real"].mean(), color=BLACK, linestyle="--", linewidth=1)
        panel.set_title(table, loc="left", fontsize=10)
        panel.set_xlim(0.47, 1.02)
        panel.set_xlabel("ROC AUC of the membership attack")
        low = max(own["utility"].nlargest(max(len(own) - 2, 1)).min() - 0.01, 0.45)
        panel.set_ylim(low, own["real"].mean() + 0.01)
    axes[0].set_ylabel("utility: ROC AUC on real test rows")
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return figure


def beside(real: Table, made: Mapping[str, Table], columns: tuple[int, int]) -> Figure:
    """Draw two columns of the real and of synthetic tables: first each column by itself, then the pairs."""
    names = list(made)
    figure, axes = _panels(2 + 1 + len(names), "Real and synthetic rows (orange points: the class to catch)")
    for panel, column in zip(axes[:2], columns, strict=True):
        _marginal(panel, real, made, column)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    pairs = [("real rows", real), *made.items()]
    limits = [_limits(real, column) for column in columns]
    for panel, (name, table) in zip(axes[2:], pairs, strict=True):
        _scatter(panel, table, columns)
        panel.set(xlim=limits[0], ylim=limits[1])
        panel.set_title(name, loc="left", fontsize=10)
    return figure


def landed(real: Table, made: Mapping[str, Table], region: Region, columns: tuple[int, int]) -> Figure:
    """Draw the rows that were requested inside a region, one panel for each generator."""
    figure, axes = _panels(len(made), f"Rows asked for where {region.text}")
    limits = [_limits(real, column) for column in columns]
    few = real.take(np.random.default_rng(0).permutation(len(real))[:SHOWN])
    for panel, (name, table) in zip(axes, made.items(), strict=True):
        looks = ((few, 4, GREY, "real rows"), (table, 8, ORANGE, "made"))
        for rows, size, color, told in looks:
            points, label = rows.X[:, columns], _once(told, panel, axes)
            scatter(panel, points, s=size, color=color, linewidths=0, label=label)
        panel.set(xlim=limits[0], ylim=limits[1], xlabel=real.schema.names[columns[0]])
        panel.set_title(f"{name}: {len(table)} rows", loc="left", fontsize=10)
    axes[0].set_ylabel(real.schema.names[columns[1]])
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return figure


def _panels(n: int, title: str) -> tuple[Figure, Sequence[Axes]]:
    rows = -(-n // 4)
    columns = -(-n // rows)
    figure = Figure(figsize=(4.2 * columns, 4.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[n:]:
        spare.set_axis_off()
    for panel in axes[:n]:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#E6E6E6", linewidth=0.7)
        panel.set_axisbelow(True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure, list(axes[:n])


def _marginal(panel: Axes, real: Table, made: Mapping[str, Table], column: int) -> None:
    low, high = _limits(real, column)
    edges = np.linspace(low, high, 41).tolist()
    for (name, table), colour in zip(
        [("real rows", real), *made.items()], [BLACK, BLUE, ORANGE, GREEN, GREY], strict=False
    ):
        x = table.X[:, column]
        panel.hist(x[~np.isnan(x)], edges, density=True, histtype="step", color=colour, linewidth=1.4, label=name)
    panel.set_title(f"{real.schema.names[column]}: density", loc="left", fontsize=10)


def _scatter(panel: Axes, table: Table, columns: tuple[int, int]) -> None:
    few = table.take(np.random.default_rng(0).permutation(len(table))[:SHOWN])
    caught = few.y == table.schema.positive
    for mask, colour in ((~caught, GREY), (caught, ORANGE)):
        scatter(panel, few.X[mask][:, columns], s=5, color=colour, linewidths=0)
    panel.set_xlabel(table.schema.names[columns[0]])
    panel.set_ylabel(table.schema.names[columns[1]])


def _limits(table: Table, column: int) -> tuple[float, float]:
    low, high = np.nanquantile(table.X[:, column], [0.002, 0.998])
    return float(low), float(high if high > low else low + 1)


def _once(label: str, panel: Axes, axes: Sequence[Axes]) -> str | None:
    return label if panel is axes[0] else None
