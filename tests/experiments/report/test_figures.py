"""Pictures must show what the records say: positions, boxes and titles are read back from the figures."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.report.curve_points import before_and_after
from experiments.report.figure_style import canvas, literal, new_rows, save, telling_columns
from experiments.report.figures import (
    caught_by_alerts,
    inline_svg,
    precision_recall,
    reliability,
    score_over_generations,
)
from loop.cycle.generation_codec import to_record
from loop.evaluation.judge_rows import JudgeRows
from loop.testing.trackers import SCHEMA, VERDICT, generation
from loop.types import Column, Condition, Region, Schema, Table


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
    records = [to_record(each) for each in (generation(1), generation(2, kept=False))]
    figure = score_over_generations(records, VERDICT.sentence, metric="ap")
    axes = figure.axes[0]
    champion = next(line for line in axes.lines if line.get_label() == "champion")
    np.testing.assert_allclose(champion.get_ydata(), [0.50, 0.51, 0.52])
    drawn = {each.get_label(): each.get_offsets().tolist() for each in axes.collections if len(each.get_offsets()) == 1}
    assert drawn.pop("challenger, kept") == [[1, 0.52]]
    assert drawn.pop("rolled back") == [[2, 0.52]]
    assert axes.get_title(loc="left") == VERDICT.sentence


def test_a_run_that_kept_nothing_has_a_picture() -> None:
    figure = score_over_generations([to_record(generation(1, kept=False))], metric="ap")
    assert "challenger, kept" not in {points.get_label() for points in figure.axes[0].collections}


def test_the_curve_passes_through_the_points() -> None:
    y = np.array([True, False, True, False, False])
    before, after = np.array([1, 2, 3, 4, 5.0]) / 5, np.array([5, 1, 4, 2, 3.0]) / 5
    curves = before_and_after(
        JudgeRows(y.astype(np.int64), 1), before, after, "recall_at_precision_90", np.random.default_rng(0)
    )
    lines = {line.get_label(): line.get_xydata().tolist() for line in precision_recall(curves, "fraud").axes[0].lines}
    assert lines["after: the delivered model"] == [[0, 1], [0.5, 1], [1, 1]]
    assert lines["before: real rows alone"] == [[0, pytest.approx(1 / 3)], [0.5, pytest.approx(1 / 3)], [1, 0.4]]


@pytest.mark.parametrize("name", ["$x_1$", "a $ b", "</svg><script>alert(1)</script>", "\\frac & \"'", "\x01\ud800"])
def test_names_are_no_formulas_and_break_no_picture(name: str, tmp_path: Path) -> None:
    figure, axes = canvas(name)
    axes.set_xlabel(name)
    axes.plot([0, 1], label=name)
    svg = inline_svg(figure, "p", name.replace("\x01\ud800", "?"), "words")
    assert svg.count("<svg") == svg.count("</svg>") == 1
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)
    shown = {each.text for each in root.iter("text")}
    assert (name if name.isprintable() else r"\x01\ud800") in shown


def test_pictures_of_a_page_do_not_meet() -> None:
    def drawn(name: str) -> set[str]:
        figure, axes = canvas()
        axes.plot([0, 1], [0, 2], marker="o")
        svg = inline_svg(figure, name, "title", "words")
        assert set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", svg)) <= {
            pair for each in re.findall(r' id="([^"]+)"', svg) for pair in ((each, ""), ("", each))
        }
        return set(re.findall(r' id="([^"]+)"', svg))

    assert drawn("one")
    assert not drawn("one") & drawn("two")
    assert drawn("one") == drawn("one")


def test_a_dollar_in_a_title_is_a_dollar(tmp_path: Path) -> None:
    figure, _ = canvas("from $5 to $\\nothing")
    save(figure, tmp_path / "dollar.png")
    literal(figure)
    assert figure.axes[0].get_title(loc="left") == "from $5 to $\\nothing"


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


def test_long_names_and_many_categories_leave_room(tmp_path: Path) -> None:
    names = tuple(f"{'a very long name indeed ' * 7}{code}" for code in range(300))
    schema = Schema((Column("shop", "categorical", "str", categories=names), Column("x", "numeric", "float64")), (0, 1))
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(300, size=400), rng.normal(size=400)])
    table = Table.real(X, (X[:, 1] > 0).astype(np.int64), schema)
    figure = new_rows(
        table, table.take(np.arange(20)), [Region((Condition(0, codes=frozenset({3})), Condition(1, 0.0)))]
    )
    save(figure, tmp_path / "rows.png")  # a picture without room warns, and warnings are errors
    labels = [text for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis) for text in axis.get_ticklabels()]
    named = [text.get_text() for text in labels if text.get_text().startswith("a very")]
    assert 10 <= len(named) <= 30
    assert max(map(len, named)) <= 24


def test_new_rows_are_coloured_by_their_soft_label(real: Table) -> None:
    rows = generation(1).rows
    region = Region((Condition(0, 50.0), Condition(1, 20.0, 40.0)))
    figure = new_rows(real, rows, [region])
    points = next(points for points in figure.axes[0].collections if points.get_array() is not None)
    np.testing.assert_array_equal(points.get_array(), rows.targets[:, 1])
    inside = np.mean(region.contains(rows.rows))
    assert f"{inside:.0%} lie inside" in figure.axes[0].get_title(loc="left")


def test_no_new_rows_is_a_picture_too(real: Table, tmp_path: Path) -> None:
    save(new_rows(real, generation(1).rows.take(np.zeros(0, dtype=int)), []), tmp_path / "pictures" / "rows.png")
    assert (tmp_path / "pictures" / "rows.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_table_gives_the_same_picture(real: Table, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(new_rows(real, generation(1).rows, []), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def rare(scale: float) -> dict[str, object]:
    """Curves of a rare class that no model knows well: its probabilities are small, and few alerts are right."""
    rng = np.random.default_rng(0)
    y = (rng.random(8000) < 0.02).astype(np.int64)
    before, after = (np.clip(scale * rng.gamma(1 + 0.5 * y), 0, 1) for _ in range(2))
    curves = before_and_after(JudgeRows(y, 1), before, after, "recall_at_precision_90", rng)
    return curves | {"plain": curves["before"]}


def test_precision_that_is_low_fills_the_picture() -> None:
    curves = rare(0.02)
    figure = precision_recall(curves, "fraud")
    highest = figure.axes[0].get_ylim()[1]
    steady = [p for r, p in zip(curves["after"]["recall"], curves["after"]["precision"], strict=True) if r >= 0.05]  # type: ignore[index]
    assert max(steady) <= highest < 0.3


def test_small_probabilities_do_not_huddle_in_a_corner() -> None:
    small, large = reliability(rare(0.02), "fraud").axes[0], reliability(rare(0.4), "fraud").axes[0]
    assert (small.get_xscale(), small.get_yscale()) == ("log", "log")
    assert large.get_xscale() == "linear"
    for axes in (small, large):
        low, high = axes.transAxes.inverted().transform(axes.transData.transform([[0.001, 0.001], [1, 1]]))
        points = axes.lines[1].get_xydata()
        places = axes.transAxes.inverted().transform(axes.transData.transform(points))
        assert np.ptp(places[:, 0]) > 0.2
        assert (low < high).all()


def test_catches_are_read_off_at_the_same_number_of_alerts() -> None:
    y = np.array([1] * 4 + [0] * 96)
    best, worst = np.linspace(1, 0, 100), np.linspace(0, 1, 100)
    curves = before_and_after(JudgeRows(y, 1), worst, best, "recall_at_precision_90", np.random.default_rng(0))
    figure = caught_by_alerts(curves | {"plain": curves["before"]}, "forest", "loop", 4)
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}
    assert [2, 0.5] in lines["loop (delivered)"].tolist()
    assert [98, 0.5] in np.round(lines["forest"], 6).tolist()
    assert figure.axes[0].get_xscale() == "log"


def test_a_run_that_delivers_the_best_plain_model_has_one_line() -> None:
    figure = caught_by_alerts(rare(0.1), "forest", "forest", 10)
    assert [line.get_label() for line in figure.axes[0].lines[:1]] == ["forest (delivered)"]
