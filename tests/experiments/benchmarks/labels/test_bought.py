"""Labels bought on tables: the same start for all, budgets kept, and readings on curves known by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.curves.cells import Sides
from experiments.benchmarks.labels import cells, labels
from experiments.benchmarks.labels.cells import RANDOM, Bought, beginning, sizes
from experiments.benchmarks.labels.picture import picture
from experiments.benchmarks.labels.readings import GRID, full_score, headline, needed, share_needed
from learners import ExtraTrees
from loop.testing.tables import numeric_table
from loop.types import Table


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = ExtraTrees(trees=10, min_leaf=2)
    monkeypatch.setattr(cells, "LEARNERS", {"extra trees": (forest, forest)})


def sides(seed: int = 0) -> Sides:
    return Sides(numeric_table(400), numeric_table(200, seed=1), None, seed)


def test_all_ways_begin_with_the_same_rows_and_the_same_score() -> None:
    first = [Bought("extra trees", way).rows(sides())[0] for way in ("doubt", "disagreement", "highest score")]
    assert len({(each["x"], each["average_precision"]) for each in first}) == 1


def test_a_beginning_holds_five_to_catch() -> None:
    table = numeric_table(400)
    order = np.random.default_rng(0).permutation(400)
    known = beginning(table, order)
    assert table.y[order[:known]].sum() == 5
    assert table.y[order[known - 1]] == 1
    few = Table.real(table.X[:10], np.arange(10) < 2, table.schema)
    assert beginning(few, np.arange(10)[::-1]) == 10


def test_batches_grow_by_a_fifth_and_lead_to_the_most() -> None:
    batches = sizes(40, 1000, 0.6, 0.2)
    assert batches[0] == 10
    assert batches[-2] == pytest.approx((40 + sum(batches[:-2])) * 0.2, abs=1)
    assert 600 <= 40 + sum(batches[:-1]) < 720
    assert batches[-1] == 1


def test_bought_labels_end_at_the_most() -> None:
    shares = [float(str(each["x"])) for each in Bought("extra trees", "doubt").rows(sides())]
    assert shares == sorted(shares)
    assert 0.6 <= shares[-1] < 0.73


def test_random_labels_go_on_to_all() -> None:
    assert Bought("extra trees", RANDOM).rows(sides())[-1]["x"] == 1.0


def hand_made(asked: float, drawn: float) -> pd.DataFrame:
    """Curves on one table that reach the full score of 1 at the shares given, straight from 0.5 at a share of 0.1."""
    rows = []
    for arm, share in (("doubt", asked), (RANDOM, drawn)):
        points = [(0.1, 0.5), (share, 1.0), (1.0, 1.0)]
        rows += [
            {"learner": "l", "table": "t", "split": 0, "arm": arm, "x": x, "average_precision": y} for x, y in points
        ]
    return pd.DataFrame(rows)


def test_the_share_needed_is_read_off_the_curve() -> None:
    shares = needed(hand_made(0.2, 0.6)).loc[("l", "t")]
    step = GRID[1] / GRID[0]
    assert 0.19 <= shares["doubt"] <= 0.19 * step
    assert 0.55 <= shares[RANDOM] <= 0.55 * step
    assert full_score(hand_made(0.2, 0.6)).loc[("l", "t")] == 1.0


def test_a_curve_that_never_gets_there_needs_all() -> None:
    assert share_needed(pd.Series(0.9, index=GRID), 1.0) == 1.0


@pytest.mark.parametrize(("asked", "drawn", "worse"), [(0.2, 0.6, []), (0.6, 0.2, ["t"])])
def test_tables_worse_than_random_are_named(asked: float, drawn: float, worse: list[str]) -> None:
    told = headline(hand_made(asked, drawn), "l")
    assert told["tables_worse_than_random"] == worse
    assert told["ap_full"] == 1.0


def test_a_picture_has_a_panel_for_each_table() -> None:
    figure = picture(hand_made(0.2, 0.6), "l")
    assert [axes.get_title(loc="left").split(":")[0] for axes in figure.axes] == ["t"]


def test_the_command_ends_with_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setattr(labels, "suite_sides", lambda table, seed: sides(int(seed)))
    monkeypatch.setattr(labels, "LEARNERS", cells.LEARNERS)
    labels.main(tables="kc1", seeds=2, askings="doubt", out=tmp_path, jobs=1)  # type: ignore[arg-type]
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert last.keys() >= {"median_share_for_95", "worst_share_for_95", "ap_asked_10", "ap_random_25", "ap_full"}
    assert 0 < last["median_share_for_95"] <= 1
