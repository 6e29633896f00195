"""Contact sheets of series: groups such as real, proposed, kept and refused rows, one below the other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.report.figure_style import BLUE, GREEN, GREY, ORANGE, literal, shorten

SHOWN = 6  # series of a group, at most
MOST_CHANNELS = 4  # drawn of a series
WIDTH, HEIGHT, TITLE = 1.6, 1.0, 0.32  # inches of a series and above a group
MOST_POINTS = 2_000  # of a line
COLOURS = (BLUE, ORANGE, GREEN, GREY)


def figure(groups: Mapping[str, tuple[np.ndarray, Sequence[str]]]) -> Figure:
    """Draw groups of series.

    Parameters
    ----------
    groups : mapping of str to pair
        Title of a group to series (n, channels, time), NaN behind their end, and a caption for each. The first six of
        a group are drawn, and four channels of each; all axes have one scale.
    """
    shown = {title: (entries[:SHOWN], captions) for title, (entries, captions) in groups.items()}
    rows = max(len(shown), 1)
    made = Figure(figsize=(SHOWN * WIDTH, rows * (HEIGHT + TITLE) + 0.2), layout="constrained")
    FigureCanvasAgg(made)
    low, high = _range([entries for entries, _ in shown.values()])
    bands = np.atleast_1d(np.asarray(made.subfigures(rows, 1), dtype=object))
    for band, (title, (entries, captions)) in zip(bands, shown.items(), strict=False):
        count = len(groups[title][0])
        band.suptitle(f"{shorten(title, 60)} ({count:,})", x=0.01, ha="left", fontsize=9, fontweight="bold")
        axes = np.atleast_1d(np.asarray(band.subplots(1, SHOWN), dtype=object))
        for place, each in enumerate(axes):
            each.set_axis_off()
            if place < len(entries):
                _draw(each, entries[place], captions[place] if place < len(captions) else "", (low, high))
    literal(made)
    return made


def _draw(axes: Axes, series: np.ndarray, caption: str, limits: tuple[float, float]) -> None:
    own = np.flatnonzero(~np.isnan(series).all(axis=0))
    end = int(own[-1]) + 1 if len(own) else 1
    times = np.linspace(0, end - 1, min(end, MOST_POINTS)).astype(int)
    for channel, colour in zip(series[:MOST_CHANNELS], COLOURS, strict=False):
        axes.plot(times, channel[times], color=colour, linewidth=0.9)
    axes.set_ylim(*limits)
    axes.set_title(shorten(caption), fontsize=7, pad=2, parse_math=False)


def _range(entries: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the limits of the values of all series, a little wider; 0 to 1 if there are none."""
    values = [each[:, :MOST_CHANNELS][np.isfinite(each[:, :MOST_CHANNELS])] for each in entries if each.size]
    joined = np.concatenate(values) if values else np.zeros(0)
    if not len(joined):
        return 0.0, 1.0
    low, high = float(joined.min()), float(joined.max())
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
