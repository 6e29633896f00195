"""Laws of what a generator says of its rows: how they were made, how many there are and whom they come from."""

import time
from collections.abc import Callable
from typing import get_args

import numpy as np

from loop.testing.generators.common import ANYWHERE, HOT, Make, column_regions, fitted, new_rng, sample_or_refuse
from loop.testing.tables import mixed_table
from loop.types import OUTSIDE, Condition, Region, Request, SamplingMethod


def says_which_way_was_taken(make: Make) -> None:
    generator = fitted(make)
    for region in (ANYWHERE, HOT):
        for label in (None, 1):
            samples = generator.sample(Request(region, label, 100), new_rng())
            assert samples.sampling_method in get_args(SamplingMethod)
            assert 0 <= samples.acceptance <= 1
            if region is ANYWHERE and label is None:
                assert samples.sampling_method in ("native", "seeds"), f"{samples.sampling_method} without a condition"


def reports_what_it_delivered(make: Make) -> None:
    table = mixed_table()
    generator = fitted(make)
    narrow = Region((Condition(1, low=float(np.quantile(table.X[:, 1], 0.997))),), text="two rows wide")
    for region in (ANYWHERE, narrow):
        request = Request(region, 1, 300)
        samples = generator.sample(request, new_rng())
        assert samples.request is request
        assert 0 <= len(samples.table) <= 300, f"{len(samples.table)} rows for 300"
        assert len(samples.table) + samples.shortfall == 300
        assert samples.tried >= len(samples.table)


def answers_zero_with_an_empty_table(make: Make) -> None:
    table = mixed_table()
    generator = make().fit(table, new_rng())
    for label in (None, 1):
        samples = generator.sample(Request(column_regions(table)[0], label, 0), new_rng())
        assert samples.table.X.shape == (0, table.X.shape[1])
        assert samples.shortfall == samples.tried == 0


def gives_up_on_an_impossible_region(make: Make) -> None:
    generator = fitted(make)
    start = time.perf_counter()
    for label in (None, 1):
        samples = sample_or_refuse(generator, Request(Region((Condition(1, low=1e9),)), label, 50))
        assert samples is None or (len(samples.table) == 0 and samples.tried <= 1000 * 50)
    assert time.perf_counter() - start < 20


def names_parents_that_exist(make: Make) -> None:
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    generator = make().fit(table, new_rng())
    for region in (ANYWHERE, HOT, Region((Condition(5, codes=frozenset({1})),)), Region(seeds=np.arange(50))):
        made = generator.sample(Request(region, None, 200), new_rng()).table
        assert made.parents.dtype == np.int64
        assert made.parents.ndim == 2
        assert set(made.parents.flat) <= {-1, *table.row_number.tolist()}, "a parent is no row that was learnt from"


def marks_rows_as_synthetic(make: Make) -> None:
    table = mixed_table()
    made = make().fit(table, new_rng()).sample(Request(ANYWHERE, 1, 50), new_rng()).table
    assert (made.generation == OUTSIDE).all(), "rows that no loop has marked claim a generation, or to be real"
    assert (made.supply == -1).all()
    assert (made.row_number == -1).all()
    assert not made.is_real.any()
    assert (made.weight == 1).all()
    assert made.soft is None
    assert made.schema is table.schema
    assert {len(made.y), len(made.generation), len(made.supply), len(made.parents), len(made.weight)} == {len(made)}


def names_every_parent_of_a_discrete_value(make: Make) -> None:
    """For generators that copy rows or move single ones: what is not averaged was taken from a row that is named."""
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    of_row = {row: place for place, row in enumerate(table.row_number.tolist())}
    generator = make().fit(table, new_rng())
    for region in (ANYWHERE, HOT, *column_regions(table), Region(seeds=np.arange(50))):
        made = generator.sample(Request(region, None, 200), new_rng()).table
        for x, parents in zip(made.X, made.parents, strict=True):
            named = table.X[[of_row[row] for row in parents.tolist() if row >= 0]]
            assert len(named), "a row without parents"
            held = ((named == x) | (np.isnan(named) & np.isnan(x))).any(axis=0)
            assert held[table.schema.discrete].all(), "a discrete value that no parent has"


LAWS: tuple[Callable[[Make], None], ...] = (
    says_which_way_was_taken,
    reports_what_it_delivered,
    answers_zero_with_an_empty_table,
    gives_up_on_an_impossible_region,
    names_parents_that_exist,
    marks_rows_as_synthetic,
)
COPYING_LAWS: tuple[Callable[[Make], None], ...] = (names_every_parent_of_a_discrete_value,)
