"""Lanes: every row judges once, nothing judges what fitted it, and copies and groups stay together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.cycle.lanes import DELIVERABLE, FOLDS_OF_MANY, TEACHER_FOLDS, deal, lanes, training_spread
from loop.errors import ConfigError, DataError
from loop.testing.tables import numeric_table
from loop.types import Table


@given(st.integers(2, 8), st.integers(20, 60), st.integers(0, 2**32))
def test_every_row_judges_in_exactly_one_lane(k: int, n: int, seed: int) -> None:
    folds = np.random.default_rng(seed).permutation(np.arange(n) % k)
    *judging, deliverable = lanes(folds)
    assert [lane.index for lane in judging] == list(range(k))
    np.testing.assert_array_equal(np.sort(np.concatenate([lane.judge for lane in judging])), np.arange(n))
    for lane in judging:
        assert not np.intersect1d(lane.fit, lane.judge).size
        assert len(lane.fit) + len(lane.judge) == n
        assert lane.without == lane.index
        assert (folds[lane.judge] == lane.without).all()
        assert not lane.delivers
    assert deliverable.delivers
    assert (deliverable.index, deliverable.without) == (DELIVERABLE, None)
    np.testing.assert_array_equal(deliverable.fit, np.arange(n))
    assert not len(deliverable.judge)


def test_a_hold_out_is_one_lane_whose_teacher_never_sees_the_judge_rows() -> None:
    holdout, deliverable = lanes(np.array([0, 1, -1, 0, -1]))
    np.testing.assert_array_equal(holdout.judge, [2, 4])
    np.testing.assert_array_equal(holdout.fit, [0, 1, 3])
    assert holdout.without is None  # no member of the teacher has rows of fold -1
    assert deliverable.delivers


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_are_stratified(k: int) -> None:
    table = numeric_table()
    folds = deal(table, np.random.default_rng(0), k=k)
    positives = np.bincount(folds, weights=table.y)
    assert np.ptp(np.bincount(folds)) <= 1 + table.n_classes
    assert np.ptp(positives) <= 1


def test_hold_out_deals_teacher_folds_among_its_fit_rows() -> None:
    folds = deal(numeric_table(), np.random.default_rng(0), k=1)
    assert set(folds) == {-1, *range(TEACHER_FOLDS)}
    assert (folds == -1).mean() == pytest.approx(0.3, abs=0.01)


def test_a_hold_out_of_many_rows_has_few_teacher_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    table = numeric_table()
    monkeypatch.setattr("loop.cycle.lanes.MANY", len(table))
    assert set(deal(table, np.random.default_rng(0), k=1)) == {-1, *range(FOLDS_OF_MANY)}


@pytest.mark.parametrize("k", [1, 3])
def test_copies_and_groups_never_straddle(k: int) -> None:
    table = numeric_table(300)
    twice = Table.concat([table, table])
    groups = np.arange(600) % 300 // 7
    folds = deal(twice, np.random.default_rng(0), k=k, groups=groups)
    np.testing.assert_array_equal(folds[:300], folds[300:])
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))


def test_same_seed_same_folds() -> None:
    table = numeric_table()
    np.testing.assert_array_equal(*(deal(table, np.random.default_rng(4)) for _ in range(2)))


def test_too_few_rows_of_a_class_name_the_class() -> None:
    table = numeric_table()
    few = table.take(np.concatenate([np.flatnonzero(table.y == 0), np.flatnonzero(table.y == 1)[:3]]))
    with pytest.raises(DataError, match=r"at least 5 rows, .* got 3 of class 'yes': use fewer lanes"):
        deal(few, np.random.default_rng(0), k=5)


def test_copies_count_once() -> None:
    table = numeric_table()
    copies = np.repeat(np.flatnonzero(table.y == 1)[:2], 10)
    with pytest.raises(DataError, match="got 2 of class 'yes'"):
        deal(table.take(np.concatenate([np.flatnonzero(table.y == 0), copies])), np.random.default_rng(0), k=3)


def test_no_lanes_are_refused() -> None:
    with pytest.raises(ConfigError, match="lanes must be at least 1, got 0"):
        deal(numeric_table(), np.random.default_rng(0), k=0)


def test_the_spread_of_claims_is_that_of_overlapping_training_rows() -> None:
    five = lanes(np.arange(100) % 5)[:-1]
    assert training_spread(five) == pytest.approx(np.sqrt(1 + 5 * 20 / 80))
    one = lanes(np.where(np.arange(100) < 20, -1, np.arange(100) % 5))[:-1]
    assert training_spread(one) == pytest.approx(np.sqrt(1 + 20 / 80))


@pytest.mark.parametrize("folds", [np.arange(60) % 3, np.where(np.arange(60) < 20, -1, np.arange(60) % 5)])
def test_rows_that_a_model_chose_judge_nowhere_and_are_held_out_with_their_fold(folds: np.ndarray) -> None:
    judging = np.where(np.arange(60) % 4 == 0, 0.0, 2.5)
    *ways, deliverable = lanes(folds, judging)
    for plain, lane in zip(lanes(folds)[:-1], ways, strict=True):
        np.testing.assert_array_equal(lane.fit, plain.fit)
        assert (judging[lane.judge] > 0).all()
        assert (judging[lane.aside] == 0).all()
        np.testing.assert_array_equal(np.sort(np.concatenate([lane.judge, lane.aside])), plain.judge)
    np.testing.assert_array_equal(deliverable.fit, np.arange(60))
    assert not len(deliverable.aside)
