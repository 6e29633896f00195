"""Pictures must show what the records say: positions, boxes and titles are read back from the figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from contracts.trackers import SCHEMA, VERDICT, generation
from matplotlib.figure import Figure

from experiments.pictures import new_rows, precision_recall, save, score_over_generations, telling_columns
from loop.types import Condition, Region, Table


@pytest.fixture
def real() -> Table:
    """300 rows in which the amount alone tells fraud, with missing values and a long tail."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(3, 1.2, 300), rng.integers(18, 90, 300), rng.integers(0, 3, 300)]).astype(float)
    y = (X[:, 0] > 80).astype(np.int64)
    X[::10, 0] = np.nan
    return Table.real(X, y, SCHEMA)


def boxes(figure: Figure) -> list[tuple[float, float, float, float]]:
    return [tuple(np.round(box.get_bbox().extents, 6)) for box in figure.axes[0].patches]


def test_the_score_picture_shows_every_decision() -> None:
    generations = [generation(1), generation(2, kept=False)]
    figure = score_over_generations(generations, VERDICT)
    axes = figure.axes[0]
    champion = next(line for line in axes.lines if line.get_label() == "champion")
    np.testing.assert_allclose(champion.get_ydata(), [0.49, 0.51, 0.52])
    drawn = {points.get_label(): points.get_offsets().tolist() for points in axes.collections[1:]}
    assert drawn == {"challenger, kept": [[1, 0.52]], "rolled back": [[2, 0.52]]}
    assert axes.get_title(loc="left") == VERDICT.sentence


def test_a_run_that_kept_nothing_has_a_picture() -> None:
    figure = score_over_generations([generation(1, kept=False)], replace(VERDICT, kept=0, gain=0.0))
    assert "challenger, kept" not in {points.get_label() for points in figure.axes[0].collections}


def test_precision_recall_titles_the_average_precisions() -> None:
    y = np.array([True, False, True, False, False])
    figure = precision_recall(y, np.array([1, 2, 3, 4, 5.0]), np.array([5, 1, 4, 2, 3.0]), "fraud", "honest")
    assert "1.000 after" in figure.axes[0].get_title(loc="left")


def test_regions_name_the_columns_and_the_label_fills_up(real: Table) -> None:
    both = Region((Condition(2, codes=frozenset({1})), Condition(1, high=30.0)))
    assert telling_columns(real, [both]) == (2, 1)
    assert telling_columns(real, [Region((Condition(1, high=30.0),))]) == (1, 0)
    assert telling_columns(real, [])[0] == 0


def test_one_column_is_shown_against_itself(real: Table) -> None:
    schema = replace(SCHEMA, columns=SCHEMA.columns[:1])
    narrow = Table.real(real.X[:, :1], real.y, schema)
    assert telling_columns(narrow, []) == (0, 0)
    assert new_rows(narrow, narrow.take(np.arange(3)), []).axes


def test_boxes_are_those_of_the_regions(real: Table) -> None:
    region = Region((Condition(1, 20.0, 40.0), Condition(2, codes=frozenset({0, 2}))))
    figure = new_rows(real, generation(1).rows, [region])
    assert boxes(figure) == [(20, -0.4, 40, 0.4), (20, 1.6, 40, 2.4)]


def test_open_sides_end_at_the_axes(real: Table) -> None:
    figure = new_rows(real, generation(1).rows, [Region((Condition(0, 50.0), Condition(1, 20.0, 40.0)))])
    ((left, _, right, _),) = boxes(figure)
    assert left == 50
    assert right == pytest.approx(figure.axes[0].get_xlim()[1])


def test_new_rows_are_coloured_by_their_soft_label(real: Table) -> None:
    rows = generation(1).rows
    region = Region((Condition(0, 50.0), Condition(1, 20.0, 40.0)))
    figure = new_rows(real, rows, [region])
    points = next(points for points in figure.axes[0].collections if points.get_array() is not None)
    np.testing.assert_array_equal(points.get_array(), rows.targets[:, 1])
    inside = np.mean(region.contains(rows.X))
    assert f"{inside:.0%} lie inside" in figure.axes[0].get_title(loc="left")


def test_no_new_rows_is_a_picture_too(real: Table, tmp_path: Path) -> None:
    save(new_rows(real, generation(1).rows.take(np.zeros(0, dtype=int)), []), tmp_path / "pictures" / "rows.png")
    assert (tmp_path / "pictures" / "rows.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_table_gives_the_same_picture(real: Table, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(new_rows(real, generation(1).rows, []), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
