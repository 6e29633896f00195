"""Figures of a comparison: average ranks with the critical difference, and gain against seconds to fit."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Bbox

from experiments.report.figure_style import BLACK, BLUE, GREY, ORANGE, canvas

WIDTH, LINE = 9.0, 0.3  # inches: width of the diagram, and distance between its labels
SIDES = (2.7, 6.3)  # inches: where the axis of ranks begins and ends
NEAR = 12  # distance in points above which a line joins a label to its point
PLACES = tuple(
    (radius * math.cos(angle), radius * math.sin(angle))
    for radius in (9, 16, 26, 38, 52)
    for angle in np.radians([0, 180, 90, 270, 45, 315, 135, 225])
)


def critical_difference_diagram(ranks: pd.Series, difference: float, title: str) -> Figure:
    """Draw average ranks on a line, best to the left; bars join arms that do not differ in Nemenyi's test.

    After Demšar (2006, figure 1).

    Parameters
    ----------
    ranks : Series
        Average rank by arm, 1 = best.
    difference : float
        By how much ranks must differ, see `experiments.arms.statistics.critical_difference`.
    title : str
    """
    ordered = ranks.sort_values(kind="stable")
    groups, rows = cliques(ordered.to_numpy(), difference), math.ceil(len(ordered) / 2)
    top = 0.45 + 0.16 * len(groups)  # from the axis down to the first label
    height = 1.0 + top + LINE * rows
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))  # in inches from here on, downwards from the axis
    axes.set(xlim=(0, WIDTH), ylim=(top + LINE * rows, -1.0))
    axes.set_axis_off()
    axes.text(0.2, -0.75, title, fontsize=11, fontweight="bold", va="center")
    if groups:
        axes.text(WIDTH - 0.2, -0.4, "bars join arms that are not told apart", ha="right", va="center", fontsize=9)

    def x(rank: float) -> float:
        return SIDES[0] + (SIDES[1] - SIDES[0]) * (rank - 1) / (len(ordered) - 1)

    _rank_axis(axes, x, len(ordered), difference)
    for number, (arm, rank) in enumerate(ordered.items()):
        left = number < rows
        y = top + LINE * (number if left else len(ordered) - 1 - number)
        end, side = (SIDES[0] - 0.2, "right") if left else (SIDES[1] + 0.2, "left")
        axes.plot([x(rank), x(rank), end], [0, y, y], color=GREY, linewidth=1, solid_joinstyle="round", zorder=1)
        axes.plot(x(rank), 0, "o", color=BLUE, markersize=5, zorder=3)
        axes.text(end - 0.08 if left else end + 0.08, y, f"{arm}  ({rank:.2f})", ha=side, va="center", fontsize=9.5)
    for level, (first, last) in enumerate(groups):
        y = 0.22 + 0.16 * level
        stretch = [x(ordered.iloc[first]) - 0.05, x(ordered.iloc[last]) + 0.05]
        axes.plot(stretch, [y, y], color=ORANGE, linewidth=3.5, solid_capstyle="round", zorder=2)
    return figure


def cliques(ranks: Sequence[float] | np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Return first and last position of each largest group of ascending ranks within ``difference`` of each other."""
    last = [int(np.searchsorted(ranks, rank + difference, side="left")) - 1 for rank in ranks]
    return [(start, end) for start, end in enumerate(last) if end > start and (start == 0 or end > last[start - 1])]


def pareto(summary: pd.DataFrame, against: str) -> Figure:
    """Draw mean gain against the median seconds to fit; a line joins the arms that no other beats in both.

    Parameters
    ----------
    summary : DataFrame
        One row for each arm in the index, with the columns ``seconds_fit`` and ``difference``.
    against : str
        Name of the arm that differences are taken from.
    """
    figure, axes = canvas("Cost and difference: no arm is both faster and better than an orange one")
    x, y = np.maximum(summary["seconds_fit"].to_numpy(), 1e-3), summary["difference"].to_numpy()
    best = front(x, y)
    axes.axhline(0, color=BLACK, linestyle="--", linewidth=1)
    axes.plot(x[best], y[best], color=ORANGE, linewidth=1.5, drawstyle="steps-post", zorder=2)
    colours = [ORANGE if position in best else GREY for position in range(len(x))]
    axes.scatter(x, y, s=55, color=colours, edgecolors="white", zorder=3)
    axes.set_xscale("log")
    axes.margins(0.12, 0.12)
    axes.set_xlabel("median seconds to fit (logarithmic scale)")
    axes.set_ylabel(f"mean difference in average precision from {against}")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    figure.draw_without_rendering()  # fixes the scales, so that labels can be placed in pixels
    _label(axes, x, y, [str(arm) for arm in summary.index], _boxes(axes, x[best], y[best]))
    return figure


def front(seconds: np.ndarray, gain: np.ndarray) -> list[int]:
    """Return the positions of the arms on the Pareto front, fastest first."""
    order = np.lexsort((-gain, seconds))
    so_far = np.concatenate([[-np.inf], np.maximum.accumulate(gain[order])[:-1]])
    return [int(position) for position in order[gain[order] > so_far]]


def _label(axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str], lines: Sequence[Bbox]) -> None:
    """Write names beside their points, each at the nearest place that covers no point, line or earlier label."""
    points = axes.transData.transform(np.column_stack([x, y]))
    taken = [*lines, *(Bbox.from_bounds(left - 6, bottom - 6, 12, 12) for left, bottom in points)]
    frame = axes.get_window_extent()
    for position, name in enumerate(names):
        text = axes.annotate(name, (x[position], y[position]), (0, 0), textcoords="offset points", fontsize=9)
        for dx, dy in PLACES:
            text.set(position=(dx, dy), ha=_side(dx, "left", "right"), va=_side(dy, "bottom", "top"))
            box = text.get_window_extent()
            if not box.count_overlaps(taken) and frame.containsx(box.x0) and frame.containsx(box.x1):
                break
        taken.append(box)
        if math.hypot(*text.get_position()) > NEAR:
            line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 4}
            place = (x[position], y[position])
            axes.annotate("", place, text.get_position(), textcoords="offset points", arrowprops=line)


def _boxes(axes: Axes, x: np.ndarray, y: np.ndarray) -> list[Bbox]:
    """Return thin boxes, in pixels, around the zero line and the front, which labels must not cover."""
    corners_x, corners_y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    corners = axes.transData.transform(np.column_stack([corners_x, corners_y]))
    level = axes.transData.transform([[axes.get_xlim()[0], 0], [axes.get_xlim()[1], 0]])
    pairs = [level, *(corners[start : start + 2] for start in range(len(corners) - 1))]
    return [Bbox([pair.min(axis=0) - 1, pair.max(axis=0) + 1]) for pair in pairs]


def _side(offset: float, positive: str, negative: str) -> str:
    return "center" if abs(offset) < 1 else positive if offset > 0 else negative


def _rank_axis(axes: Axes, x: Callable[[float], float], arms: int, difference: float) -> None:
    """Draw the axis of ranks and, above it, the critical difference as a bar."""
    axes.plot([x(1), x(arms)], [0, 0], color=BLACK, linewidth=1.2)
    for rank in range(1, arms + 1):
        axes.plot([x(rank)] * 2, [-0.06, 0], color=BLACK, linewidth=1)
        axes.text(x(rank), -0.1, str(rank), ha="center", va="bottom", fontsize=9)
    axes.text(x(1) - 0.25, 0, "average rank", ha="right", va="center", fontsize=9)
    stretch = [x(1), min(x(1 + difference), SIDES[1])]
    axes.plot(stretch, [-0.4] * 2, color=BLACK, linewidth=1.2, marker="|", markersize=7)
    axes.text(stretch[1] + 0.12, -0.4, f"critical difference {difference:.2f}", va="center", fontsize=9)
