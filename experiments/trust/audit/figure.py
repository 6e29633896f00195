"""The picture of an audit: members found against false positives, both on logarithmic scales."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.report.figure_style import BLACK, BLUE, GREEN, GREY, ORANGE, canvas, legend_below

LOOKS = ((BLUE, "-"), (ORANGE, "-"), (GREEN, "-"), ("#CC79A7", "-"), (GREY, "--"))


def curves_figure(curves: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the curve of each attack; the corner of few false positives is what matters (Carlini et al. 2022).

    Parameters
    ----------
    curves : sequence of mapping
        Records of `experiments.trust.audit.privacy.judging.Curve`.
    """
    figure, axes = canvas()
    least = min((x for curve in curves for x in curve["false_positives"] if x > 0), default=1e-3)
    for curve, (colour, line) in zip(curves, LOOKS, strict=False):
        points = [(x, y) for x, y in zip(curve["false_positives"], curve["found"], strict=True) if x > 0 and y > 0]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=line, linewidth=1.6, label=curve["attack"])
    axes.plot([least, 1], [least, 1], color=BLACK, linestyle=":", linewidth=1, label="chance")
    axes.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1.05))
    axes.set(xlabel="controls called members", ylabel="members found")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    legend_below(figure)
    return figure
