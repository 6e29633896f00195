"""The common style of figures, and the figure of the new rows.

Figures are made without pyplot, which keeps global state and is not safe with threads. Colours are those of Okabe and
Ito (2008), which people with colour-blindness can tell apart; markers differ as well.
"""

import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from loop.support import atomic
from loop.support.visible import visible
from loop.types import Condition, Region, Table

TITLE_WIDTH = 66  # characters of a line
BLUE, ORANGE, GREEN, GREY, BLACK, GRID = "#0072B2", "#D55E00", "#009E73", "#B0B0B0", "#222222", "#E6E6E6"
LONGEST_NAME, LONGEST_LABEL, MOST_NAMES = 24, 50, 30  # characters of a name at a tick and of an axis, and ticks


def new_rows(real: Table, new: Table, regions: Sequence[Region]) -> Figure:
    """Draw the new rows among the real ones, in the two most informative columns.

    These are the columns used most often in the rules of the regions; where the rules name fewer than two, those with
    the largest mutual information with the label on real rows. Codes of discrete columns are jittered.
    """
    schema, columns = real.schema, telling_columns(real, regions)
    inside = np.zeros(len(new), dtype=bool)
    for region in regions:
        inside |= region.contains(new.rows)
    title = f"{len(new):,} new rows for {len(real):,} real ones"
    figure, axes = canvas(
        title + (f"; {inside.mean():.0%} lie inside the weak regions" if regions and len(new) else "")
    )
    rng = np.random.default_rng(0)  # jitter only: the same table always gives the same picture
    points, made = _positions(real, columns, rng), _positions(new, columns, rng)
    name, chance = shorten(str(schema.classes[schema.positive])), new.targets[:, schema.positive]
    others, positives = points[real.y != schema.positive], points[real.y == schema.positive]
    scatter(axes, others, s=6, color=GREY, alpha=0.5, linewidths=0, label="real, other classes")
    dots = scatter(axes, made, s=16, c=chance, cmap="viridis", vmin=0, vmax=1, linewidths=0, alpha=0.8)
    scatter(axes, positives, s=34, color=BLACK, marker="+", linewidths=1.1, label=f"real, {name}")
    _scale(axes, points, columns, real)
    for region in regions:
        _draw_box(axes, region, columns)
    figure.colorbar(dots, ax=axes, label=f"new rows: probability of {name} by the labeller", pad=0.02)
    for box in axes.patches[:1]:
        box.set_label("weak regions")
    legend_below(figure)
    return figure


def telling_columns(real: Table, regions: Sequence[Region]) -> tuple[int, int]:
    """Return the two columns in which to draw the regions; the same one twice if the table has only one."""
    used = Counter(condition.column for region in regions for condition in region.rule)
    ranked = [column for column, _ in used.most_common(2)]
    if len(ranked) < 2:
        from sklearn.feature_selection import mutual_info_classif  # imported here, so that a page is made fast

        rows = np.random.default_rng(0).permutation(len(real))[:10_000]  # enough to rank columns
        X = np.where(np.isnan(real.X), np.nanmedian(real.X, axis=0), real.X)[rows]
        gains = mutual_info_classif(X, real.y[rows], discrete_features=real.schema.discrete, random_state=0)
        ranked += [int(column) for column in np.argsort(-gains, kind="stable") if column not in ranked]
    return ranked[0], ranked[min(1, len(ranked) - 1)]


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the folder is made if it is missing."""
    literal(figure)
    with any_glyph():
        atomic.write_file(path, partial(figure.savefig, dpi=150, format="png"))


def canvas(title: str = "") -> tuple[Figure, Axes]:
    """Return a figure with one empty pair of axes."""
    figure = Figure(figsize=(7.5, 5.2) if title else (5.2, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # Matplotlib's own wrapping parses formulas even with parse_math=False.
    axes.set_title(textwrap.fill(title, TITLE_WIDTH), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def scatter(axes: Axes, points: np.ndarray, **look: Any) -> PathCollection:
    """Draw points (n, 2) as dots; ``look`` is what Matplotlib's own method takes."""
    return axes.scatter(points[:, 0], points[:, 1], **look)


def legend_below(figure: Figure) -> None:
    """Put one legend below everything else."""
    wide = figure.get_figwidth() > 6
    figure.legend(loc="outside lower left", ncols=3 if wide else 2, frameon=False, fontsize=9 if wide else 10)


def literal(figure: Figure) -> None:
    """Show all text literally: ``$`` begins no formula, and what is not seen is written out."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_text(visible(text.get_text(), lines=True))


def shorten(name: str, most: int = LONGEST_NAME) -> str:
    """Cut a name to so many characters, all of them seen."""
    name = visible(name)
    return name if len(name) <= most else f"{name[: most - 1]}…"


@contextmanager
def any_glyph() -> Iterator[None]:
    """Draw names in any writing: what the font lacks becomes a box, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def _positions(table: Table, columns: tuple[int, int], rng: np.random.Generator) -> np.ndarray:  # (n, 2)
    X = table.X[:, columns].copy()
    jitter = rng.uniform(-0.3, 0.3, X.shape)
    X[:, table.schema.discrete[list(columns)]] += jitter[:, table.schema.discrete[list(columns)]]
    return X


def _scale(axes: Axes, points: np.ndarray, columns: tuple[int, int], table: Table) -> None:
    """Label both axes; give long-tailed columns a logarithmic scale and discrete ones their names."""
    sides = ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale))
    for (axis, set_scale), values, index in zip(sides, points.T, columns, strict=True):
        column = table.schema.columns[index]
        name = shorten(column.name, LONGEST_LABEL)
        axis.set_label_text(name)
        if column.kind == "categorical":
            every = -(-len(column.categories) // MOST_NAMES)  # rounded up
            shown = range(0, len(column.categories), every)
            axis.set_ticks(shown, [shorten(str(column.categories[code])) for code in shown])
        elif column.kind == "boolean":
            axis.set_ticks([0, 1], ["no", "yes"])
        elif column.kind == "datetime":
            axis.set_major_formatter(FuncFormatter(lambda seconds, _: str(np.datetime64(int(seconds), "D"))))
            axis.set_label_text(f"{name} (UTC)")
        elif _long_tailed(values):
            set_scale("asinh", linear_width=float(np.nanmedian(values)) / 10)  # unlike log, it can show 0
            axis.set_major_formatter("{x:,.6g}")
            axis.set_label_text(f"{name} (logarithmic scale)")


def _long_tailed(values: np.ndarray) -> bool:
    low, middle, high = np.nanquantile(values, [0, 0.5, 0.99])
    return bool(low >= 0 and middle > 0 and high > 10 * middle)


def _draw_box(axes: Axes, region: Region, columns: tuple[int, int]) -> None:
    """Draw the box of a region in these two columns; nothing if its rule uses neither."""
    if not any(condition.column in columns for condition in region.rule):
        return
    x_sides, y_sides = (
        _sides([condition for condition in region.rule if condition.column == column], limits)
        for column, limits in zip(columns, (axes.get_xlim(), axes.get_ylim()), strict=True)
    )
    for left, right in x_sides:
        for bottom, top in y_sides:
            box = Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=ORANGE, linewidth=1.6)
            axes.add_patch(box)


def _sides(conditions: Sequence[Condition], limits: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the intervals of one axis that satisfy all conditions, clipped to the limits of the axis."""
    codes = [condition.codes for condition in conditions if condition.codes is not None]
    if codes:
        return [(code - 0.4, code + 0.4) for code in sorted(frozenset.intersection(*codes))]
    low = max([limits[0], *(condition.low for condition in conditions)])
    high = min([limits[1], *(condition.high for condition in conditions)])
    return [(low, high)]
