"""The rows that a model is judged on, as one value."""

from dataclasses import dataclass, replace

import numpy as np

from loop.data.split import duplicate_groups, merge_groups
from loop.types import Table


@dataclass(frozen=True, eq=False)
class JudgeRows:
    """Rows on which scores, intervals, decisions and guards judge a model; predictions are passed beside them.

    Parameters
    ----------
    y : ndarray of shape (n,), int64
        Class codes.
    positive : int
        Code of the class to catch.
    weight : ndarray of shape (n,), optional
        Weight of each row in scores; None = all equal.
    unit : ndarray of shape (n,), int64, optional
        Rows of one unit, such as a card, are not independent; None = all rows are.
    rows : ndarray of shape (n,), int64, optional
        Row numbers in the input; None = not known.
    """

    y: np.ndarray  # (n,) int64
    positive: int
    weight: np.ndarray | None = None  # (n,) float64
    unit: np.ndarray | None = None  # (n,) int64
    rows: np.ndarray | None = None  # (n,) int64

    @classmethod
    def of(cls, table: Table, at: np.ndarray | None = None) -> "JudgeRows":
        """Return the rows of a table of real rows, or those at some positions (m,), in their order."""
        weight = table.weight if table.judging is None else table.weight * table.judging
        judged = cls(table.y, table.schema.positive, weight, table.unit, table.row_number)
        return judged if at is None else judged.take(at)

    def take(self, at: np.ndarray) -> "JudgeRows":
        """Return the rows chosen by an index or mask of shape (m,)."""
        weight, unit, rows = (None if each is None else each[at] for each in (self.weight, self.unit, self.rows))
        return JudgeRows(self.y[at], self.positive, weight, unit, rows)

    def copies_together(self, X: np.ndarray) -> "JudgeRows":
        """Return the rows with copies as one unit, as they are one piece of evidence.

        Parameters
        ----------
        X : ndarray of shape (n, d), float64
            The encoded rows. If no row of the class to catch has a copy, the units stay as they are.
        """
        copies = duplicate_groups(X)
        caught = copies[self.is_positive]
        if len(np.unique(caught)) == len(caught):
            return self
        return replace(self, unit=copies if self.unit is None else merge_groups(copies, self.unit))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_positive(self) -> np.ndarray:  # (n,) bool
        """Whether each row is of the class to catch."""
        mask: np.ndarray = self.y == self.positive
        return mask

    @property
    def weights(self) -> np.ndarray:  # (n,) float64
        """Weight of each row; ones if there are no weights."""
        return np.ones(len(self)) if self.weight is None else self.weight

    @property
    def fewest(self) -> int:
        """Number of independent rows or units in the class that has the fewest; absent classes do not count."""
        if self.unit is None:
            return int(np.unique(self.y, return_counts=True)[1].min())
        return min(len(np.unique(self.unit[self.y == code])) for code in np.unique(self.y))

    def against_rest(self) -> "JudgeRows":
        """Return the same rows with two classes: 1 = the class to catch, 0 = the rest."""
        return JudgeRows(self.is_positive.astype(np.int64), 1, self.weight, self.unit, self.rows)
