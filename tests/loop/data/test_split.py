"""Laws of splitting: copies and groups stay together, classes are shared out, time runs one way, seeds decide."""

import time as clock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop.data.split import duplicate_groups, folds, holdout, merge_groups
from loop.data.split import train_test as split_rows
from loop.errors import ConfigError, DataError
from loop.types import Column, Schema, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tabled(X: np.ndarray, y: np.ndarray, classes: tuple[str, ...] = ("legit", "fraud")) -> Table:
    columns = tuple(Column(f"x{i}", "numeric", "float64") for i in range(X.shape[1]))
    return Table.real(X, y, Schema(columns, classes))


def train_test(table: Table, draw: np.random.Generator, **parts: object) -> tuple[np.ndarray, np.ndarray]:
    return split_rows(table.y, duplicate_groups(table.X), draw, classes=table.schema.classes, **parts)  # type: ignore[arg-type]


def card_table(n: int = 4000, seed: int = 0) -> tuple[Table, np.ndarray, np.ndarray]:
    """Rare frauds, cards of very different activity, some rows copied, times with ties."""
    draw = rng(seed)
    X = draw.normal(size=(n, 3))
    X[draw.random(X.shape) < 0.05] = np.nan
    copied = draw.choice(n, size=n // 10, replace=False)
    X[copied] = X[draw.choice(n, size=n // 10)]
    cards = (draw.pareto(1.0, size=n) * 40).astype(int)
    y = (draw.random(n) < 0.03).astype(int)
    return tabled(X, y), cards, draw.integers(0, n // 4, size=n)


def shared(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.intersect1d(a, b).size)


def equal_rows(X: np.ndarray) -> np.ndarray:  # (n, n) bool, the definition spelt out
    return ((X[:, None] == X[None]) | (np.isnan(X[:, None]) & np.isnan(X[None]))).all(axis=2)


values = st.sampled_from([0.0, -0.0, 1.0, np.nan, 1e300])


@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_duplicate_groups_are_the_equal_rows(rows: list[tuple[float, ...]]) -> None:
    X = np.array(rows)
    ids = duplicate_groups(X)
    np.testing.assert_array_equal(ids[:, None] == ids[None], equal_rows(X))


def test_rows_of_a_frame_are_equal_as_the_user_wrote_them() -> None:
    frame = pd.DataFrame(
        {
            "shop": ["a", "b", "a", None, None],
            "paid": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01", None, None]),
            "kind": pd.Categorical(["x", "y", "x", None, "x"]),
        }
    )
    np.testing.assert_array_equal(duplicate_groups(frame), [0, 1, 0, 2, 3])


def test_duplicate_groups_of_many_rows_take_moments() -> None:
    X = rng().integers(0, 4, size=(200_000, 15)).astype(float)
    started = clock.perf_counter()
    ids = duplicate_groups(X)
    assert clock.perf_counter() - started < 5
    assert len(np.unique(ids)) == len(np.unique(X, axis=0))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_merged_groups_are_the_connected_rows(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs).T
    reach = (a[:, None] == a[None]) | (b[:, None] == b[None])
    for _ in a:
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    ids = merge_groups(a, b)
    np.testing.assert_array_equal(ids[:, None] == ids[None], reach)


def test_a_missing_group_is_shared_with_nobody() -> None:
    cards = np.array(["a", None, "a", None, np.nan], dtype=object)
    ids = merge_groups(cards, np.arange(5))
    np.testing.assert_array_equal(np.unique(ids, return_counts=True)[1], [2, 1, 1, 1])


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("timed", [False, True])
def test_no_copy_and_no_group_is_on_both_sides(grouped: bool, timed: bool) -> None:
    for seed in range(3):
        table, cards, times = card_table(seed=seed)
        parts = {"groups": cards if grouped else None, "time": times if timed else None}
        train, test = train_test(table, rng(seed), **parts)
        copies = duplicate_groups(table.X)
        assert not shared(copies[train], copies[test])
        assert not grouped or not shared(cards[train], cards[test])
        assert not shared(train, test)
        assert timed or len(train) + len(test) == len(table)


def test_time_runs_from_train_to_test() -> None:
    table, _, times = card_table()
    train, test = train_test(table, rng(), time=times, test_size=0.3)
    assert times[train].max() < times[test].min()
    assert abs(len(train) / len(table) - 0.7) < 0.01
    stamped = times.astype("datetime64[s]")
    np.testing.assert_array_equal(train_test(table, rng(1), time=stamped, test_size=0.3)[1], test)


def test_of_a_group_on_both_sides_of_the_boundary_the_later_rows_are_left_out() -> None:
    X, y = np.arange(8.0)[:, None], np.array([0, 1] * 4)
    groups = np.array([0, 1, 2, 3, 0, 5, 6, 7])
    train, test = train_test(tabled(X, y), rng(), test_size=0.5, time=np.arange(8), groups=groups)
    np.testing.assert_array_equal(train, [0, 1, 2, 3])
    np.testing.assert_array_equal(test, [5, 6, 7])


@given(st.integers(0, 10**6), st.sampled_from([2, 3, 5]))
@settings(max_examples=30, deadline=None)
def test_free_rows_are_shared_out_to_within_one_row_of_each_class(seed: int, k: int) -> None:
    y = rng(seed).permutation(np.repeat([0, 1, 2], [211, 37, k]))
    fold = folds(y, rng(seed), k=k)
    for label in range(3):
        counts = np.bincount(fold[y == label], minlength=k)
        assert counts.max() - counts.min() <= 1
    judge = holdout(y, rng(seed), share=0.3) == -1
    for label in range(2):
        assert abs(judge[y == label].sum() - 0.3 * (y == label).sum()) <= 1


def test_groups_are_whole_and_classes_still_shared_out() -> None:
    for seed in range(3):
        table, cards, _ = card_table(seed=seed)
        cards = np.where(cards > 200, cards, cards + 1000 * rng(seed).integers(1, 9, size=len(cards)))
        fold = folds(table.y, rng(seed), k=5, groups=cards)
        judge = holdout(table.y, rng(seed), share=0.3, groups=cards)
        for part in (fold, judge):
            assert all(len(np.unique(part[cards == card])) == 1 for card in np.unique(cards))
        for label in (0, 1):
            of_class = table.y == label
            np.testing.assert_allclose(np.bincount(fold[of_class]) / of_class.sum(), 0.2, atol=0.03)
            assert abs((judge[of_class] == -1).mean() - 0.3) < 0.03


def test_every_fold_and_every_side_gets_rare_rows() -> None:
    y = np.repeat([0, 1], [500, 10])
    groups = np.concatenate([np.arange(500) // 4, 124 + np.arange(10) // 2])  # five groups hold all frauds
    fold = folds(y, rng(), k=5, groups=groups)
    np.testing.assert_array_equal(np.bincount(fold[y == 1]), [2] * 5)


def test_the_seed_decides_and_nothing_else() -> None:
    table, cards, _ = card_table()
    for deal in (folds, holdout):
        np.testing.assert_array_equal(deal(table.y, rng(1), groups=cards), deal(table.y, rng(1), groups=cards))
        assert (deal(table.y, rng(1)) != deal(table.y, rng(2))).any()
    np.testing.assert_array_equal(train_test(table, rng(1))[0], train_test(table, rng(1))[0])
    assert set(np.unique(folds(table.y, rng(), k=4))) == {0, 1, 2, 3}
    assert set(np.unique(holdout(table.y, rng()))) == {-1, 0}


def test_any_row_may_fall_in_any_fold() -> None:
    y = np.repeat([0, 1], [7, 3])
    dealt = np.array([folds(y, rng(seed), k=3) for seed in range(200)])
    share = np.stack([(dealt == fold).mean(axis=0) for fold in range(3)])
    np.testing.assert_allclose(share, 1 / 3, atol=0.13)


def test_folds_of_many_groups_take_moments() -> None:
    draw = rng()
    y, groups = (draw.random(100_000) < 0.01).astype(int), draw.integers(0, 100_000, size=100_000)
    started = clock.perf_counter()
    folds(y, rng(), k=5, groups=groups)
    assert clock.perf_counter() - started < 3


def test_inputs_are_not_changed() -> None:
    table, cards, times = card_table(400)
    before = [array.copy() for array in (table.X, table.y, cards, times)]
    train_test(table, rng(), time=times, groups=cards)
    folds(table.y, rng(), k=2, groups=cards)
    for array, copy in zip((table.X, table.y, cards, times), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_what_cannot_be_split_is_refused() -> None:
    X, y = np.arange(20.0)[:, None], np.repeat([0, 1], [17, 3])
    table = tabled(X, y)
    with pytest.raises(DataError, match="in 5 rows or more, got 3 of class 1: use fewer folds"):
        folds(y, rng(), k=5)
    with pytest.raises(DataError, match="in 2 groups or more, got 1 of class 1"):
        folds(y, rng(), k=2, groups=np.minimum(np.arange(20), 17))
    with pytest.raises(DataError, match="none of class 1"):
        holdout(y, rng(), groups=np.minimum(np.arange(20), 17))
    with pytest.raises(DataError, match=r"training part, got none of class 'fraud' \(3 rows in all; 0 rows left out"):
        train_test(table, rng(), time=np.arange(20))
    with pytest.raises(DataError, match="test part, got none of class 'fraud'"):
        train_test(table, rng(), time=-np.arange(20))
    with pytest.raises(DataError, match="every row must have a time, got 1 without"):
        train_test(table, rng(), time=np.append(np.arange(19.0), np.nan))
    with pytest.raises(DataError, match="at least two times, got 1"):
        train_test(table, rng(), time=np.zeros(20))
    for share in (0.0, 1.0, 40):
        with pytest.raises(ConfigError, match="strictly between 0 and 1"):
            train_test(table, rng(), test_size=share)
    with pytest.raises(ConfigError, match="at least 2, got 1"):
        folds(y, rng(), k=1)
