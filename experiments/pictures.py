"""Pictures of a run: the score over generations, precision against recall, and where the new rows went.

Figures are made without pyplot, so nothing is left in global state and threads do not meet. Colours are those of
Okabe and Ito (2008), which people with colour-blindness can tell apart; markers differ as well.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import average_precision_score, precision_recall_curve

from loop.types import Condition, Generation, LoopVerdict, Region, Table

BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#B0B0B0", "#222222"


def score_over_generations(
    generations: Sequence[Generation], verdict: LoopVerdict, metric: str = "ap", name: str = "average precision"
) -> Figure:
    """Draw the champion's score with its interval, every challenger, and the learner on real rows alone.

    The baseline is the last champion's score minus the verdict's difference. The title is the verdict's sentence.

    Parameters
    ----------
    generations : sequence of Generation
        All of a run, in order; at least one.
    verdict : LoopVerdict
        Of the same run.
    metric : str
        Key of `Generation.scores`.
    name : str
        What the axis calls it.
    """
    figure, axes = _canvas(verdict.sentence)
    scores = [generation.scores[metric] for generation in generations]
    baseline = scores[-1].estimate - verdict.gain
    turns = np.arange(len(generations) + 1)
    champion = np.array([baseline, *(score.estimate for score in scores)])
    axes.axhline(baseline, color=BLACK, linestyle="--", linewidth=1.2, label=f"real rows alone ({baseline:.3f})")
    axes.plot(turns, champion, color=BLUE, linewidth=2, marker="o", markersize=4, label="champion")
    band = f"{scores[0].level:.0%} interval of the champion"
    axes.fill_between(
        turns[1:],
        [score.low for score in scores],
        [score.high for score in scores],
        color=BLUE,
        alpha=0.15,
        linewidth=0,
        label=band,
    )
    for kept, colour, marker, label in ((True, GREEN, "^", "challenger, kept"), (False, ORANGE, "X", "rolled back")):
        chosen = [generation for generation in generations if generation.decision.kept == kept]
        if chosen:
            x = [generation.index for generation in chosen]
            y = [generation.challenger[metric].estimate for generation in chosen]
            axes.scatter(x, y, s=80, color=colour, marker=marker, edgecolors="white", zorder=3, label=label)
    axes.set_xlabel("generation (0 = real rows alone)")
    axes.set_ylabel(f"{name} on the judge rows")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend_below(figure)
    return figure


def precision_recall(y: np.ndarray, before: np.ndarray, after: np.ndarray, positive: str, negative: str) -> Figure:
    """Draw precision against recall before and after the loop; the title gives both average precisions.

    Parameters
    ----------
    y : array of bool, shape (n,)
        Is the row of the class to catch?
    before, after : array, shape (n,)
        Scores for it by the learner on real rows alone and by the final learner.
    positive, negative : str
        Names of the class to catch and of the rest.
    """
    aps = [float(average_precision_score(y, score)) for score in (before, after)]
    figure, axes = _canvas(f"Average precision for {positive}: {aps[0]:.3f} before, {aps[1]:.3f} after")
    arms = ((before, ORANGE, "--", "before: real rows alone"), (after, BLUE, "-", "after: with new rows"))
    for score, colour, style, label in arms:
        precision, recall, _ = precision_recall_curve(y, score)
        axes.step(recall, precision, where="post", color=colour, linestyle=style, linewidth=1.8, label=label)
    share = float(np.mean(y))
    chance = f"chance ({int(np.sum(y)):,} {positive} in {len(y):,} rows)"
    axes.axhline(share, color=BLACK, linewidth=1.2, linestyle=":", label=chance)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xlabel(f"recall: share of {positive} that is caught")
    axes.set_ylabel(f"precision: share of alerts that are {positive}, not {negative}")
    _legend_below(figure)
    return figure


def new_rows(real: Table, new: Table, regions: Sequence[Region]) -> Figure:
    """Draw where the new rows went, in the two columns that tell most.

    These are the columns used most often in the rules of the regions; where the rules name fewer than two, those with
    the largest mutual information with the label on real rows. Codes of discrete columns are jittered for the eye.
    """
    schema, columns = real.schema, telling_columns(real, regions)
    inside = np.zeros(len(new), dtype=bool)
    for region in regions:
        inside |= region.contains(new.X)
    title = f"{len(new):,} new rows for {len(real):,} real ones"
    figure, axes = _canvas(
        title + (f"; {inside.mean():.0%} lie inside the weak regions" if regions and len(new) else "")
    )
    rng = np.random.default_rng(0)  # jitter only: the same table always gives the same picture
    points, made = _positions(real, columns, rng), _positions(new, columns, rng)
    positive = real.y == schema.positive
    name = schema.classes[schema.positive]
    axes.scatter(
        points[~positive, 0],
        points[~positive, 1],
        s=6,
        color=GREY,
        alpha=0.5,
        linewidths=0,
        label="real, other classes",
    )
    dots = axes.scatter(
        made[:, 0],
        made[:, 1],
        s=16,
        c=new.targets[:, schema.positive],
        cmap="viridis",
        vmin=0,
        vmax=1,
        linewidths=0,
        alpha=0.8,
    )
    axes.scatter(
        points[positive, 0], points[positive, 1], s=34, color=BLACK, marker="+", linewidths=1.1, label=f"real, {name}"
    )
    _scale(axes, points, columns, real)
    for region in regions:
        _draw_box(axes, region, columns)
    figure.colorbar(dots, ax=axes, label=f"new rows: probability of {name} by the labeller", pad=0.02)
    for box in axes.patches[:1]:
        box.set_label("weak regions")
    _legend_below(figure)
    return figure


def telling_columns(real: Table, regions: Sequence[Region]) -> tuple[int, int]:
    """Return the two columns in which to look at the regions; the same one twice if there is only one."""
    used = Counter(condition.column for region in regions for condition in region.rule)
    ranked = [column for column, _ in used.most_common(2)]
    if len(ranked) < 2:
        rows = np.random.default_rng(0).permutation(len(real))[:10_000]  # enough to rank columns
        X = np.where(np.isnan(real.X), np.nanmedian(real.X, axis=0), real.X)[rows]
        gains = mutual_info_classif(X, real.y[rows], discrete_features=real.schema.discrete, random_state=0)
        ranked += [int(column) for column in np.argsort(-gains, kind="stable") if column not in ranked]
    return ranked[0], ranked[min(1, len(ranked) - 1)]


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, making the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, format="png")


def _canvas(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.5, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", wrap=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _legend_below(figure: Figure) -> None:
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=9)


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
        axis.set_label_text(column.name)
        if column.kind == "categorical":
            axis.set_ticks(range(len(column.categories)), [str(value) for value in column.categories])
        elif column.kind == "boolean":
            axis.set_ticks([0, 1], ["no", "yes"])
        elif column.kind == "datetime":
            axis.set_major_formatter(FuncFormatter(lambda seconds, _: str(np.datetime64(int(seconds), "D"))))
            axis.set_label_text(f"{column.name} (UTC)")
        elif _long_tailed(values):
            set_scale("asinh", linear_width=float(np.nanmedian(values)) / 10)  # unlike log, it has a place for 0
            axis.set_major_formatter("{x:,.6g}")
            axis.set_label_text(f"{column.name} (logarithmic scale)")


def _long_tailed(values: np.ndarray) -> bool:
    low, middle, high = np.nanquantile(values, [0, 0.5, 0.99])
    return bool(low >= 0 and middle > 0 and high > 10 * middle)


def _draw_box(axes: Axes, region: Region, columns: tuple[int, int]) -> None:
    """Draw the part of a region's box that these two columns show; a rule on neither draws nothing."""
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
    """Return the stretches of one axis that satisfy all conditions, cut to what the axis shows."""
    codes = [condition.codes for condition in conditions if condition.codes is not None]
    if codes:
        return [(code - 0.4, code + 0.4) for code in sorted(frozenset.intersection(*codes))]
    low = max([limits[0], *(condition.low for condition in conditions)])
    high = min([limits[1], *(condition.high for condition in conditions)])
    return [(low, high)]
