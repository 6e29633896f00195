"""Images beside each other: a block for each group, in a frame of its own, with a caption under each image."""

import textwrap
from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from experiments.report.figure_style import literal, shorten

ACROSS = 12  # images in a row
MOST = 60  # images of a group
CELL, TITLE = 0.78, 0.42  # inches
CAPTION = 9  # characters


def figure(groups: Mapping[str, tuple[np.ndarray, Sequence[str]]]) -> Figure:
    """Draw images (n, c, h, w) of each group, at most 60, under its title; groups without any are left out.

    Images of one channel are grey, of three red, green and blue; of others the first channel is shown. Values are shown
    as they are: uint8 from 0 to 255, floats from 0 to 1.
    """
    shown = {title: (entries[:MOST], captions[:MOST]) for title, (entries, captions) in groups.items() if len(entries)}
    rows = [ceil(len(entries) / ACROSS) for entries, _ in shown.values()]
    heights = [TITLE + CELL * 1.25 * count for count in rows] or [1.0]
    drawn = Figure(figsize=(CELL * ACROSS + 0.2, sum(heights)))
    FigureCanvasAgg(drawn)
    parts = np.atleast_1d(np.array(drawn.subfigures(max(len(shown), 1), 1, height_ratios=heights)))
    for part, (title, (entries, captions)), height, count in zip(parts, shown.items(), heights, rows, strict=False):
        _block(part, title, entries, captions, (height, count))
    literal(drawn)
    return drawn


def _block(part: SubFigure, title: str, entries: np.ndarray, captions: Sequence[str], size: tuple[float, int]) -> None:
    height, count = size
    told = textwrap.shorten(title, 90, placeholder="…")
    part.text(0.01, 1 - 0.12 / height, told, fontsize=11, fontweight="bold", va="top", parse_math=False)
    top = 1 - TITLE / height
    each = top / count
    for number, (entry, caption) in enumerate(zip(entries, captions, strict=True)):
        row, column = divmod(number, ACROSS)
        place = (0.01 + 0.98 * column / ACROSS, top - (row + 0.8) * each, 0.94 / ACROSS, 0.78 * each)
        axes = part.add_axes(place)
        axes.imshow(_values(entry), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        name = shorten(str(caption), CAPTION)
        axes.text(0.5, -0.03, name, transform=axes.transAxes, ha="center", va="top", fontsize=8, parse_math=False)


def _values(entry: np.ndarray) -> np.ndarray:
    """Return what Matplotlib shows, (h, w) or (h, w, 3) from 0 to 1."""
    values = entry.astype(np.float64) / (255 if entry.dtype == np.uint8 else 1)
    shown: np.ndarray = np.moveaxis(values, 0, 2) if len(values) == 3 else values[0]
    return shown.clip(0, 1)
