"""Judge rows keep together what belongs to one row, whether they are read from a table or taken from others."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.evaluation.judge_rows import JudgeRows
from loop.types import Column, Schema, Table

NAMES = [field.name for field in fields(JudgeRows)]


def table(seed: int, *, n: int = 30, units: bool = True) -> Table:
    """Rows of three classes whose labels, weights, units and row numbers all differ."""
    rng = np.random.default_rng(seed)
    schema = Schema((Column("x", "numeric", "float64"),), ("a", "b", "c"), positive=2)
    rows = Table.real(rng.normal(size=(n, 1)), rng.integers(0, 3, n), schema, rng.uniform(0.5, 2, n))
    rows = rows.numbered(rng.permutation(10 * n)[:n])
    return replace(rows, unit=rng.integers(0, n // 2, n) if units else None)


def assert_same(one: JudgeRows, other: JudgeRows) -> None:
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


places = st.lists(st.integers(0, 29), max_size=40).map(lambda at: np.array(at, dtype=np.int64))
seeds = st.integers(0, 10**6)


@given(seed=seeds, at=places, units=st.booleans())
def test_judge_rows_of_taken_rows_are_taken_judge_rows(seed: int, at: np.ndarray, units: bool) -> None:
    rows = table(seed, units=units)
    judged = JudgeRows.of(rows, at)
    assert len(judged) == len(at)
    assert_same(judged, JudgeRows.of(rows.take(at)))
    assert_same(judged, JudgeRows.of(rows).take(at))
    np.testing.assert_array_equal(judged.rows, rows.row_number[at])
    np.testing.assert_array_equal(judged.weight, rows.weight[at])
    np.testing.assert_array_equal(judged.is_positive, rows.y[at] == 2)
    assert (judged.unit is None) == (not units)


@given(seed=seeds, first=places, second=st.lists(st.booleans(), min_size=40, max_size=40))
def test_taking_twice_is_taking_once_by_mask_or_by_index(seed: int, first: np.ndarray, second: list[bool]) -> None:
    judged, mask = JudgeRows.of(table(seed)), np.array(second)[: len(first)]
    once = judged.take(first[mask])
    assert_same(judged.take(first).take(mask), once)
    assert_same(judged.take(first).take(np.flatnonzero(mask)), once)


def test_what_is_not_known_stays_unknown_and_counts_one() -> None:
    judged = JudgeRows(np.array([0, 1, 1]), 1)
    assert [getattr(judged.take(np.array([2, 0])), name) for name in ("weight", "unit", "rows")] == [None] * 3
    np.testing.assert_array_equal(judged.weights, [1, 1, 1])
    np.testing.assert_array_equal(replace(judged, weight=np.array([2.0, 0.5, 1])).weights, [2, 0.5, 1])


def test_the_fewest_pieces_of_evidence() -> None:
    y = np.array([0, 0, 0, 1, 1])
    assert JudgeRows(y, 1).fewest == 2
    assert JudgeRows(y, 1, unit=np.array([0, 1, 2, 3, 3])).fewest == 1
    assert JudgeRows(np.array([2, 2, 0]), 1).fewest == 1  # a class that is not there has none to count


@pytest.mark.parametrize("positive", [0, 1, 2])
def test_against_the_rest_there_are_two_classes(positive: int) -> None:
    judged = replace(JudgeRows.of(table(0)), positive=positive)
    two = judged.against_rest()
    np.testing.assert_array_equal(two.y, judged.y == positive)
    np.testing.assert_array_equal(two.is_positive, judged.is_positive)
    assert_same(replace(two, y=judged.y, positive=positive), judged)


def test_copies_are_one_piece_of_evidence() -> None:
    y, X = np.array([1, 1, 1, 0, 0, 1]), np.array([[1.0], [np.nan], [np.nan], [3.0], [3.0], [1.0]])
    judged = JudgeRows(y, 1)
    together = judged.copies_together(X)
    assert together.unit is not None
    assert len(set(together.unit[[0, 5]])) == len(set(together.unit[[1, 2]])) == 1
    assert (judged.fewest, together.fewest) == (2, 1)
    assert judged.unit is None
    linked = JudgeRows(y, 1, unit=np.array([7, 8, 7, 9, 9, 6])).copies_together(X)  # copies link groups
    assert linked.fewest == 1
    assert linked.unit is not None
    assert len(np.unique(linked.unit)) == 2


def test_without_copies_of_the_class_to_catch_units_stay() -> None:
    judged = JudgeRows(np.array([1, 0, 0]), 1)
    assert judged.copies_together(np.array([[1.0], [2.0], [2.0]])) is judged
