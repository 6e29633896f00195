"""The values that stages exchange keep their trail, their order and their counts."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.rows import Rows
from loop.supplies.pool import Pool
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Condition, Interval, Region, Request, Samples, Table, Verdict

TABLE = numeric_table(12)
TRAIL = ("weight", "generation", "supply", "parents")


def soft_table(n: int = 5) -> Table:
    table = numeric_table(n, seed=1)
    soft = np.random.default_rng(0).dirichlet([1, 1], n)
    return replace(table, soft=soft, y=soft.argmax(axis=1), generation=np.full(n, 2))


# Tables


def test_real_rows_are_their_own_parents() -> None:
    table = numeric_table(4)
    assert table.is_real.all()
    np.testing.assert_array_equal(table.row_number, np.arange(4))
    np.testing.assert_array_equal(table.parents, np.arange(4)[:, None])
    np.testing.assert_array_equal(table.supply, -1)
    np.testing.assert_array_equal(table.numbered(np.array([7, 5, 3, 1])).row_number, [7, 5, 3, 1])
    np.testing.assert_array_equal(table.weight, 1)


@given(st.lists(st.integers(0, 11), max_size=20))
def test_take_chooses_rows_with_their_trail(rows: list[int]) -> None:
    chosen = np.array(rows, dtype=np.int64)
    taken = TABLE.take(chosen)
    for name in ("X", "y", *TRAIL):
        np.testing.assert_array_equal(getattr(taken, name), getattr(TABLE, name)[chosen])
    assert len(taken) == len(rows)


def test_take_by_mask_equals_take_by_index() -> None:
    mask = TABLE.X[:, 0] > 0
    np.testing.assert_array_equal(TABLE.take(mask).X, TABLE.take(np.flatnonzero(mask)).X)


def test_concat_undoes_take() -> None:
    parts = [TABLE.take(np.arange(0, 5)), TABLE.take(np.arange(5, 5)), TABLE.take(np.arange(5, 12))]
    whole = Table.concat(parts)
    assert whole.soft is None
    for name in ("X", "y", *TRAIL):
        np.testing.assert_array_equal(getattr(whole, name), getattr(TABLE, name))


def test_concat_pads_parents_to_the_widest_and_only_real_rows_have_a_row_number() -> None:
    real, made = TABLE.take(np.arange(2)), replace(soft_table(2), parents=np.array([[4, 5, 6], [7, -1, 8]]))
    joined = Table.concat([real, made])
    np.testing.assert_array_equal(joined.parents, [[0, -1, -1], [1, -1, -1], [4, 5, 6], [7, -1, 8]])
    np.testing.assert_array_equal(joined.row_number, [0, 1, -1, -1])


@pytest.mark.parametrize("order", [1, -1])
def test_one_soft_table_makes_the_hard_ones_one_hot(order: int) -> None:
    hard, soft = TABLE, soft_table()
    joined = Table.concat([hard, soft][::order])
    np.testing.assert_array_equal(joined.targets[joined.generation == 0], np.eye(2)[hard.y])
    np.testing.assert_array_equal(joined.targets[joined.generation == 2], soft.soft)
    assert joined.soft is not None


def test_hard_targets_are_one_hot() -> None:
    np.testing.assert_array_equal(TABLE.targets.argmax(axis=1), TABLE.y)
    np.testing.assert_array_equal(TABLE.targets.sum(axis=1), 1)


@pytest.mark.parametrize("value", [TABLE, TABLE.schema, Region(), Condition(0), Interval(0, 0, 0)])
def test_values_are_frozen(value: object) -> None:
    name = fields(value)[0].name  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)


def test_schema_tells_kinds_apart() -> None:
    schema = mixed_table().schema
    kinds = np.array([column.kind for column in schema.columns])
    np.testing.assert_array_equal(schema.categorical, kinds == "categorical")
    np.testing.assert_array_equal(schema.discrete, np.isin(kinds, ["categorical", "boolean"]))
    assert schema.names[0] == "amount"


# Regions


def test_a_side_is_open_below_and_closed_above() -> None:
    x = np.array([[0.0], [0.5], [1.0], [1.5], [np.nan]])
    np.testing.assert_array_equal(Condition(0, low=0.0, high=1.0).holds(Rows(x)), [False, True, True, False, False])
    np.testing.assert_array_equal(Condition(0, high=0.5, missing=True).holds(Rows(x)), [True, True, False, False, True])


def test_codes_hold_by_membership_on_their_column() -> None:
    x = np.array([[9.0, 0.0], [9.0, 2.0], [9.0, np.nan], [0.0, 1.0]])
    np.testing.assert_array_equal(Condition(1, codes=frozenset({0, 1})).holds(Rows(x)), [True, False, False, True])
    missing_too = Condition(1, codes=frozenset({2}), missing=True)
    np.testing.assert_array_equal(missing_too.holds(Rows(x)), [False, True, True, False])


def test_anywhere_holds_everything_even_missing_values() -> None:
    assert Region().contains(Rows(np.full((3, 2), np.nan))).all()


@given(st.integers(0, 2**32))
def test_a_region_is_the_intersection_of_its_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.random((50, 3))
    rule = tuple(Condition(int(rng.integers(3)), *np.sort(rng.random(2))) for _ in range(3))
    by_hand = np.all([side.holds(Rows(X)) for side in rule], axis=0)
    np.testing.assert_array_equal(Region(rule).contains(Rows(X)), by_hand)


# Pools, samples and verdicts


def test_a_pool_takes_all_it_holds() -> None:
    proba = np.random.default_rng(0).dirichlet([1, 1], 12)
    pool = Pool(TABLE, proba, 1 - proba, proba[:, 0]).take(np.array([3, 1]))
    np.testing.assert_array_equal(pool.table.X, TABLE.X[[3, 1]])
    np.testing.assert_array_equal(pool.learner, proba[[3, 1]])
    np.testing.assert_array_equal(pool.teacher, 1 - proba[[3, 1]])
    np.testing.assert_array_equal(pool.variance, proba[[3, 1], 0])
    assert Pool(TABLE, proba).take(np.array([0])).teacher is None


def test_a_shortfall_is_visible() -> None:
    assert Samples(TABLE, Request(Region(), None, 20), tried=30).shortfall == 8


masks = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)


@given(masks)
def test_of_two_verdicts_the_first_reason_stands_and_counts_add_up(rows: list[tuple[bool, bool]]) -> None:
    first, second = (np.array([row[side] for row in rows], dtype=bool) for side in (0, 1))
    both = Verdict.refuse(first, "copy").then(Verdict.refuse(second, "domain"))
    np.testing.assert_array_equal(both.keep, ~(first | second))
    assert (both.reason[first] == "copy").all()
    assert (both.reason[~first & second] == "domain").all()
    assert (both.reason[both.keep] == "").all()
    assert sum(both.counts().values()) == (~both.keep).sum()


def test_an_interval_reads_well() -> None:
    assert str(Interval(0.0312, -0.0004, 0.1)) == "+0.031 [-0.000, +0.100]"
