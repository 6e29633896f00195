import warnings
from pathlib import Path

import numpy as np
import pytest

from experiments.report import figure_style
from experiments.report.arrays.images import ACROSS, MOST, figure


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 1), ("float32", 3), ("uint8", 2)])
def test_every_image_is_drawn_with_its_caption(dtype: str, channels: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    high = 255 if dtype == "uint8" else 1
    groups = {
        title: ((rng.random((n, channels, 8, 8)) * high).astype(dtype), [f"{title} {number}" for number in range(n)])
        for title, n in (("real", 15), ("kept $x$", 1), ("refused", 200), ("none", 0))
    }
    drawn = figure(groups)
    counts = [len(part.axes) for part in drawn.subfigs]
    assert counts == [15, 1, MOST]
    texts = {text.get_text() for axes in drawn.subfigs[1].axes for text in axes.texts}
    assert texts == {"kept $x$…"}, "shortened, and no formula"
    boxes = np.array([axes.get_position().bounds for axes in drawn.subfigs[2].axes])
    assert len(np.unique(boxes[:, 0].round(6))) == ACROSS
    assert (boxes[:, 1] >= 0).all()
    shown = np.asarray(drawn.subfigs[0].axes[3].images[0].get_array())
    expected = groups["real"][0][3] / (255 if dtype == "uint8" else 1)
    np.testing.assert_allclose(shown, np.moveaxis(expected, 0, 2) if channels == 3 else expected[0], atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure_style.save(drawn, tmp_path / "it.png")
    assert (tmp_path / "it.png").stat().st_size > 1000


def test_no_groups_are_an_empty_figure(tmp_path: Path) -> None:
    figure_style.save(figure({}), tmp_path / "it.png")
    assert (tmp_path / "it.png").is_file()
