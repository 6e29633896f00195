"""Rows drawn of large classes stand for those left out."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import rare_table

from loop.data.thinning import drawn_counts, weighted_sample
from loop.testing.learners import blobs


@pytest.mark.parametrize(
    ("counts", "most", "kept"),
    [
        ([90, 10], 100, [90, 10]),
        ([90, 10], 50, [40, 10]),
        ([90, 10], 10, [5, 5]),
        ([0, 70, 7], 20, [0, 13, 7]),
        ([30, 30, 30], 10, [3, 3, 4]),
    ],
)
def test_small_classes_stay_whole(counts: list[int], most: int, kept: list[int]) -> None:
    assert drawn_counts(np.array(counts), most).tolist() == kept


def test_drawn_rows_weigh_as_much_as_all() -> None:
    table = replace(blobs(n_classes=3), weight=np.full(len(blobs(n_classes=3)), 0.5))
    some = weighted_sample(table, 90, np.random.default_rng(0))
    assert len(some) == 90
    for code in range(3):
        assert some.weight[some.y == code].sum() == pytest.approx(table.weight[table.y == code].sum())


def test_a_small_table_is_taken_as_it_is() -> None:
    table = rare_table()
    assert weighted_sample(table, len(table), np.random.default_rng(0)) is table


def test_rows_drawn_within_some_are_those_drawn_of_them() -> None:
    table, some = rare_table(n=2000), np.arange(500, 1900)
    one = weighted_sample(table.take(some), 300, np.random.default_rng(3))
    other = weighted_sample(table, 300, np.random.default_rng(3), within=some)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.weight, other.weight)
    assert len(weighted_sample(table, 5000, np.random.default_rng(3), within=some)) == len(some)
