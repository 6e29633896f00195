"""Which discrete values a conditional network is given: for training by sampling, and to meet a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from loop.rows import Rows
from loop.types import Condition, Request, Table

SHOWN = 0.25  # probability of each further column to be shown


@dataclass(frozen=True, eq=False)
class Conditions:
    """The discrete values of the real rows: a condition shows some values of one row, always including its label.

    One column, the pivot, is drawn uniformly, the label included; each other one is shown at random. So the network
    learns to complete a row given any set of columns.
    """

    columns: np.ndarray  # (c - 1,) numbers of the discrete columns
    values: np.ndarray  # (n, c) their values, NaN = missing; the label last

    @classmethod
    def of(cls, table: Table) -> Self:
        """Take the discrete values of a table."""
        columns = np.flatnonzero(table.schema.discrete)
        return cls(columns, np.column_stack([table.X[:, columns], table.y]))

    def shown(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw which columns are shown: a mask (n, c) bool, and the position of the pivot (n,)."""
        n_columns = self.values.shape[1]
        pivot = rng.integers(n_columns, size=n)
        shown = rng.random((n, n_columns)) < SHOWN
        shown[np.arange(n), pivot] = True
        shown[:, -1] = True
        return shown, pivot

    def meeting(self, request: Request, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Find rows of discrete values that meet the discrete part of a request.

        Where no real row meets all of it, values in rows of the label are replaced, each by one from a real row.

        Returns
        -------
        values : np.ndarray
            Shape (m, c): a uniform draw of rows gives real frequencies. Empty if no real row has an allowed value.
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
        """Replace values (m, c) outside a rule by real ones inside; return no rows if there are none."""
        for each in rule:
            outside = ~each.holds(Rows(rows))
            inside = self.values[each.holds(Rows(self.values)), each.column]
            if not len(inside):
                return rows[:0]
            rows[outside, each.column] = rng.choice(inside, size=outside.sum())
        return rows[np.logical_and.reduce([each.holds(Rows(rows)) for each in rule])]


class Balance:
    """Training by sampling: row numbers drawn so that rare values of the pivot occur more often.

    A value's probability is proportional to the logarithm of its frequency (Xu et al. 2019, section 4.3). This applies
    to training only: given the shown values rows keep their real frequencies, so real conditions give real shares.

    Parameters
    ----------
    values : np.ndarray
        Discrete values of the real rows, (n, c), NaN = missing; the label last.
    """

    def __init__(self, values: np.ndarray) -> None:
        levels = [np.unique(x, return_inverse=True, return_counts=True)[1:] for x in values.T]
        self._rows = np.concatenate([np.argsort(level, kind="stable") for level, _ in levels])  # (c * n,) by value
        self._count = np.concatenate([count for _, count in levels])  # of all values of all columns, in order
        self._start = np.cumsum(self._count) - self._count
        # Cumulative probabilities of column j lie in j..j + 1, so one search finds the value for any pivot.
        ends = [np.cumsum(np.log1p(count) / np.log1p(count).sum()) for _, count in levels]
        self._end = np.concatenate([column + np.append(end[:-1], 1) for column, end in enumerate(ends)])

    def rows(self, pivot: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a row number for each pivot (n,)."""
        value = np.searchsorted(self._end, pivot + rng.random(len(pivot)), side="right").clip(max=len(self._end) - 1)
        rows: np.ndarray = self._rows[self._start[value] + rng.integers(self._count[value])]
        return rows
