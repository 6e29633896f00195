"""One figure with three panels: gain against new rows on the suite and on card fraud, and cost."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from experiments.arms.names import UNTARGETED
from experiments.benchmarks.curves.cells import AIMED
from experiments.benchmarks.curves.readings import (
    COST,
    FRAUD,
    SUITE,
    advantages,
    costs,
    mean_curve,
    middle,
)
from experiments.report.figure_style import BLACK, BLUE, ORANGE


def picture(results: pd.DataFrame) -> Figure:
    """Draw the curves that were measured; bands and bars are 95 % intervals over splits.

    Parameters
    ----------
    results : DataFrame
        Columns ``curve``, ``table``, ``split``, ``arm``, ``x``, ``average_precision``, ``seconds``.
    """
    there = [draw for curve, draw in _PANELS.items() if curve in set(results["curve"])]
    across, down = min(len(there), 2), -(-len(there) // 2)
    figure = Figure(figsize=(6.5 * across, 4.75 * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(there) :]:
        axes.set_axis_off()
    for axes, draw in zip(panels, there, strict=False):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E6E6E6", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.margins(y=0.12)  # room for the labels beside the points
        draw(axes, results)
    return figure


def _rows_panel(where: str, curve: str) -> Callable[[Axes, pd.DataFrame], None]:
    def draw(axes: Axes, results: pd.DataFrame) -> None:
        aimed, untargeted = (mean_curve(results, curve, arm) for arm in (AIMED, UNTARGETED))
        axes.axhline(0, color=BLACK, linewidth=1, linestyle="--")
        _line(axes, aimed, "gain", BLUE, "aimed")
        _line(axes, untargeted, "gain", ORANGE, "untargeted")
        read = advantages(results, curve)
        half = middle(read)
        if half.value:
            gained = [budget for budget, each in read.items() if each.value]
            budget = min(gained, key=lambda each: abs(read[each].value - half.value))
            _span(axes, budget, budget * read[budget].value, float(aimed["gain"][budget]))
        said = f"aim needs {half} times fewer rows (median)" if half.value else "aim mostly brings no gain"
        _title(axes, f"{where}: {said}")
        _log_axis(axes, sorted({*aimed.index, *untargeted.index}), lambda x: f"{x:g}×")
        axes.set_xlabel("new rows, as multiples of the real ones")
        axes.set_ylabel("Δ average precision over real rows alone")

    return draw


def _cost_panel(axes: Axes, results: pd.DataFrame) -> None:
    points = costs(results)
    turns = points[[name.split()[-1].startswith("generation") for name in points.index]]
    axes.axhline(0, color=BLACK, linewidth=1, linestyle="--")
    axes.plot(turns["seconds"], turns["gain"], color=BLUE, linewidth=1.5, zorder=2)
    for name, point in points.iterrows():
        own = name in turns.index
        colour, filled = (BLUE if own else ORANGE), bool(point["efficient"])
        seconds, gain = float(point["seconds"]), float(point["gain"])
        bar = float(np.nan_to_num(point["gain_half"]))
        axes.errorbar(seconds, gain, bar, color=colour, alpha=0.3, capsize=0, zorder=1)
        axes.scatter(seconds, gain, 55, colour if filled else "white", edgecolors=colour, linewidths=1.5, zorder=3)
        label = str(name).split()[0] if own else str(name)
        _text(axes, label, seconds, gain, (0, 8) if own else (8, -11), colour, align="center" if own else "left")
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 2.2)  # room for the labels
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    _title(axes, "Cost: blue numbers are generations; filled = nothing gains as much in less time")
    axes.set_xlabel("seconds to fit, mean over tables")
    axes.set_ylabel("Δ average precision over real rows alone")


_PANELS: Mapping[str, Callable[[Axes, pd.DataFrame], None]] = {
    SUITE: _rows_panel("Rare-class suite", SUITE),
    FRAUD: _rows_panel("Card fraud", FRAUD),
    COST: _cost_panel,
}


def _line(axes: Axes, curve: pd.DataFrame, value: str, colour: str, label: str) -> None:
    """Draw a curve with its band, and its name at its end."""
    x, y, half = curve.index.to_numpy(), curve[value], curve[f"{value}_half"]
    axes.plot(x, y, color=colour, linewidth=2, marker="o", markersize=4, zorder=2)
    axes.fill_between(x, y - half, y + half, color=colour, alpha=0.13, linewidth=0)
    _text(axes, label, float(x[-1]), float(y.iloc[-1]), (7, -3), colour)


def _span(axes: Axes, start: float, end: float, level: float) -> None:
    """Draw a horizontal line from a point to where the other curve reaches the same level."""
    arrow = {"arrowstyle": "<->", "color": BLACK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (end, level), (start, level), arrowprops=arrow, zorder=4)


def _text(
    axes: Axes, text: str, x: float, y: float, offset: tuple[float, float], colour: str, align: str = "left"
) -> None:
    axes.annotate(text, (x, y), offset, textcoords="offset points", color=colour, ha=align, fontsize=9, zorder=5)


def _log_axis(axes: Axes, ticks: list[float], shown: Callable[[float], str]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(ticks, [shown(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(ticks[0] * 0.9, ticks[-1] * 1.6)  # room for the names at the end


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10.5, fontweight="bold", color=BLACK)
