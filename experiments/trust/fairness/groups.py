"""The groups that columns such as sex and race define: each value, and each pair of values of two columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from loop.regions.groups import MISSING, positions, side
from loop.types import Condition, Schema, Table

MOST_PAIRS = 200  # the largest ones; with many categories there are thousands, of a few rows each


@dataclass(frozen=True, eq=False)
class Group:
    """Rows with the same value of a column, or of two columns."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    inside: np.ndarray  # (n,) bool
    rule: tuple[Condition, ...] = ()  # the group as a region

    @property
    def column(self) -> str:
        """The columns in words."""
        return ", ".join(self.columns)

    @property
    def value(self) -> str:
        """The values in words."""
        return ", ".join(self.values)

    @property
    def name(self) -> str:
        """Columns and values in words, such as ``sex, race = female, black``."""
        return f"{self.column} = {self.value}"


def groups_of(table: Table, columns: Sequence[str]) -> list[Group]:
    """Return the groups with rows: all values of each column, a missing one too, then the largest pairs of values.

    Raises
    ------
    DataError
        If a column is missing or cannot form groups.
    """
    at = positions(table.schema, tuple(columns))
    single = [group for one in at for group in _groups(table, (one,))]
    pairs = [group for two in combinations(at, 2) for group in _groups(table, two)]
    largest = sorted(pairs, key=lambda group: -int(group.inside.sum()))[:MOST_PAIRS]
    return single + [group for group in pairs if group in largest]


def cells_of(table: Table, columns: Sequence[str]) -> list[Group]:
    """Return the groups with rows that all columns together define.

    Raises
    ------
    DataError
        If a column is missing or cannot form groups.
    """
    return list(_groups(table, tuple(positions(table.schema, tuple(columns)))))


def codes_of(table: Table, at: int) -> np.ndarray:  # (n,) int64
    """Return the code of each row in a column, -1 where the value is missing."""
    codes: np.ndarray = np.nan_to_num(table.X[:, at], nan=MISSING).astype(np.int64)
    return codes


def _groups(table: Table, at: tuple[int, ...]) -> Iterator[Group]:
    codes = np.column_stack([codes_of(table, one) for one in at])
    values, row_group = np.unique(codes, axis=0, return_inverse=True)
    names = tuple(table.schema.columns[one].name for one in at)
    for number, own in enumerate(values):
        told = tuple(_value(table.schema, one, int(code)) for one, code in zip(at, own, strict=True))
        rule = tuple(side(one, int(code)) for one, code in zip(at, own, strict=True))
        yield Group(names, told, row_group.ravel() == number, rule)


def _value(schema: Schema, at: int, code: int) -> str:
    if code == MISSING:
        return "missing"
    return str((schema.columns[at].categories or (False, True))[code])
