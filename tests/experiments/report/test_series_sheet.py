"""Contact sheets of series: what is drawn, and that any text and any series can be drawn."""

from pathlib import Path

import numpy as np

from experiments.report.arrays.series import SHOWN, figure
from experiments.report.figure_style import save


def test_groups_are_drawn_one_below_the_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(9, 2, 40)).cumsum(axis=2).astype(np.float32)
    real[:, :, 30:] = np.nan
    made = figure({"real": (real, [f"r{number}" for number in range(9)]), "kept": (real[:2], ["k0", "k1"])})
    lines = [[len(axes.lines) for axes in band.axes] for band in made.subfigs]
    assert lines == [[2] * SHOWN, [2, 2, 0, 0, 0, 0]]
    np.testing.assert_array_equal(made.subfigs[1].axes[1].lines[0].get_ydata(), real[1, 0, :30])
    limits = {axes.get_ylim() for band in made.subfigs for axes in band.axes if axes.lines}
    assert len(limits) == 1, "one scale for all"
    assert [axes.get_title() for axes in made.subfigs[1].axes[:2]] == ["k0", "k1"]
    save(made, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 5_000


def test_nothing_and_strange_things_are_drawn(tmp_path: Path) -> None:
    none = np.empty((0, 1, 5), dtype=np.float32)
    flat = np.full((1, 1, 3), 7.0)
    sheets: list[dict[str, tuple[np.ndarray, list[str]]]] = [
        {},
        {"none": (none, [])},
        {"$x$ \x1b[31m": (flat, ["$\\frac$"])},
    ]
    for groups in sheets:
        save(figure(groups), tmp_path / "sheet.png")
