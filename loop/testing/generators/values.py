"""Laws of the values: columns can hold them, rare ones stay, and rows differ."""

from collections.abc import Callable

import numpy as np

from loop.testing.generators.common import ANYWHERE, FAR, HOT, Make, fitted, new_rng
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request, Table


def does_not_repeat_one_row(make: Make) -> None:
    generator = fitted(make)
    for region in (ANYWHERE, HOT, Region((Condition(5, codes=frozenset({1})),))):
        made = generator.sample(Request(region, None, 100), new_rng()).table
        distinct = len(np.unique(np.nan_to_num(made.X, nan=-FAR), axis=0))  # NaN would equal nothing
        assert distinct > len(made) / 4, f"{distinct} distinct rows among {len(made)}"


def keeps_values_that_columns_can_hold(make: Make) -> None:
    generator = fitted(make)
    for label in (None, 1):
        check_values(generator.sample(Request(ANYWHERE, label, 500), new_rng()).table)


def keeps_rare_categories(make: Make) -> None:
    made = fitted(make).sample(Request(ANYWHERE, None, 5000), new_rng()).table
    assert (made.X[:, 5] == 3).any(), "the category of 2 % is gone"


def keeps_constant_and_empty_columns(make: Make) -> None:
    made = make().fit(mixed_table(), new_rng()).sample(Request(ANYWHERE, None, 500), new_rng()).table
    assert (made.X[:, 7] == 7).all()
    assert np.isnan(made.X[:, 8]).all()


LAWS: tuple[Callable[[Make], None], ...] = (
    does_not_repeat_one_row,
    keeps_values_that_columns_can_hold,
    keeps_rare_categories,
    keeps_constant_and_empty_columns,
)


def check_values(made: Table) -> None:
    """Assert that every column can hold its values."""
    for number, column in enumerate(made.schema.columns):
        x = made.X[:, number]
        assert column.missing or not np.isnan(x).any(), f"missing value in {column.name}"
        x = x[~np.isnan(x)]
        assert np.isfinite(x).all(), column.name
        if column.kind != "numeric":
            assert (x == np.round(x)).all(), f"{column.name} must be whole"
        if column.decimals is not None:
            assert (x == np.round(x, column.decimals)).all(), f"{column.name} has too many digits"
        assert ((x >= column.low) & (x <= column.high)).all(), f"{column.name} left its range"
