"""Rows for groups that are short of them: as even as can be, in the groups asked for, and counted as they came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.trust.fairness.balance import balanced, filled_up
from generators import Resample, TreeChain
from loop.errors import DataError
from loop.testing.tables import mixed_table
from loop.types import Request, Samples, Table

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=8).map(np.array)


@given(COUNTS, st.integers(0, 300))
def test_as_even_as_can_be(counts: np.ndarray, n: int) -> None:
    given = filled_up(counts, n)
    after = counts + given
    assert given.sum() == n
    assert (given >= 0).all()
    filled = after[given > 0]
    if len(filled):
        assert filled.max() - filled.min() <= 1
        assert after.min() >= filled.max() - 1  # no group that was left out is smaller


def test_rows_are_of_the_groups_that_were_short() -> None:
    table = mixed_table()
    generator = TreeChain().fit(table, np.random.default_rng(0))
    made = balanced(generator, table, ("channel", "night"), 120, None, np.random.default_rng(1))
    assert made.asked.sum() == 120
    assert made.delivered.sum() == len(made.rows)
    for group, asked, came in zip(made.groups, made.asked, made.delivered, strict=True):
        inside = np.ones(len(made.rows), dtype=bool)
        for side in group.rule:
            inside &= side.holds(made.rows.rows)
        assert inside.sum() == came <= asked
    assert len(made.lines) == (made.asked > 0).sum()


def test_what_does_not_come_is_told() -> None:
    class Lame(Resample):
        def sample(self, request: Request, rng: np.random.Generator) -> Samples:
            made = super().sample(request, rng)
            return Samples(made.table.take(np.arange(len(made.table) // 2)), request, request.n)

    table = mixed_table()
    made = balanced(
        Lame().fit(table, np.random.default_rng(0)), table, ("channel",), 50, None, np.random.default_rng(1)
    )
    short = made.asked > 1
    assert (made.delivered[short] < made.asked[short]).all()
    assert any(f"{made.delivered[short][0]:,} of {made.asked[short][0]:,} rows" in line for line in made.lines)


@pytest.mark.parametrize("columns", [("amount",), ("nobody",)])
def test_columns_that_make_no_groups(columns: tuple[str, ...]) -> None:
    table = mixed_table()
    generator = Resample().fit(table, np.random.default_rng(0))
    with pytest.raises(DataError, match="categorical or boolean"):
        balanced(generator, table, columns, 10, None, np.random.default_rng(0))


def test_a_class_may_be_asked_for() -> None:
    table = mixed_table()
    generator = TreeChain().fit(table, np.random.default_rng(0))
    rows: Table = balanced(generator, table, ("night",), 30, 1, np.random.default_rng(1)).rows
    assert set(rows.y) == {1}
