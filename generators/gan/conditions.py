"""Which discrete values a conditional network is shown: for training by sampling, and to meet a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from loop.rows import Rows
from loop.types import Condition, Request, Table

SHOWN = 0.25  # chance of each further column to be shown


@dataclass(frozen=True, eq=False)
class Conditions:
    """The discrete values of the real rows: a condition shows some of those of one row, always its label.

    One column, the pivot, is chosen evenly among all, the label included; each other one is shown by chance. So a
    network that has learnt to complete the row can be told any set of columns, not the first only.
    """

    columns: np.ndarray  # (c - 1,) numbers of the discrete columns
    values: np.ndarray  # (n, c) their values, NaN = missing; the label last

    @classmethod
    def of(cls, table: Table) -> Self:
        """Take the discrete values of a table."""
        columns = np.flatnonzero(table.schema.discrete)
        return cls(columns, np.column_stack([table.X[:, columns], table.y]))

    def shown(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw which columns are shown: a mask (n, c), and the pivot among them (n,)."""
        n_columns = self.values.shape[1]
        pivot = rng.integers(n_columns, size=n)
        shown = rng.random((n, n_columns)) < SHOWN
        shown[np.arange(n), pivot] = True
        shown[:, -1] = True
        return shown, pivot

    def meeting(self, request: Request, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Find rows of values that meet the discrete part of a request.

        Where no real row meets all of it, values of rows of the label are replaced, each by one that a real row has.

        Returns
        -------
        values : np.ndarray
            Shape (m, c): drawn from evenly they have their real frequencies. Empty if a value was never seen.
        needed : np.ndarray
            Shape (c,) bool: the columns that must be shown.
        """
        rows = self.values if request.label is None else self.values[self.values[:, -1] == request.label]
        place = {int(column): position for position, column in enumerate(self.columns)}
        rule = [replace(each, column=place[each.column]) for each in request.region.rule if each.column in place]
        needed = np.zeros(self.values.shape[1], dtype=bool)
        needed[[each.column for each in rule]] = True
        met = np.logical_and.reduce([np.ones(len(rows), dtype=bool), *(each.holds(Rows(rows)) for each in rule)])
        if met.any():
            return rows[met], needed
        return self._replaced(rows.copy(), rule, rng), needed

    def _replaced(self, rows: np.ndarray, rule: list[Condition], rng: np.random.Generator) -> np.ndarray:
        """Replace values (m, c) outside a rule by real ones inside; no rows are left if there are none."""
        for each in rule:
            outside = ~each.holds(Rows(rows))
            inside = self.values[each.holds(Rows(self.values)), each.column]
            if not len(inside):
                return rows[:0]
            rows[outside, each.column] = rng.choice(inside, size=outside.sum())
        return rows[np.logical_and.reduce([each.holds(Rows(rows)) for each in rule])]


class Balance:
    """Training by sampling: row numbers drawn so that rare values of the pivot are seen more often.

    A value's chance is in proportion to the logarithm of its frequency (Xu et al. 2019, section 4.3). That is for
    training alone: rows given a shown set keep their real frequencies, so conditions drawn by those give real shares.
    """

    def __init__(self, values: np.ndarray) -> None:
        levels = [np.unique(x, return_inverse=True, return_counts=True)[1:] for x in values.T]
        self._rows = np.concatenate([np.argsort(level, kind="stable") for level, _ in levels])  # (c * n,) by value
        self._count = np.concatenate([count for _, count in levels])  # of all values of all columns, in order
        self._start = np.cumsum(self._count) - self._count
        # The values of column j end at chances j..j + 1, so one search finds the value for any pivot.
        ends = [np.cumsum(np.log1p(count) / np.log1p(count).sum()) for _, count in levels]
        self._end = np.concatenate([column + np.append(end[:-1], 1) for column, end in enumerate(ends)])

    def rows(self, pivot: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a row number for each pivot (n,)."""
        value = np.searchsorted(self._end, pivot + rng.random(len(pivot)), side="right").clip(max=len(self._end) - 1)
        rows: np.ndarray = self._rows[self._start[value] + rng.integers(self._count[value])]
        return rows
