"""Values as single-precision floats, which trees compute with, without losing what tells them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loop.types import Table

EXACT = 2.0**24  # whole numbers up to here are exact in single precision


@dataclass(frozen=True)
class ColumnOffsets:
    """What is taken from columns of large whole numbers, such as moments in time, before they are rounded.

    Seconds since 1970 would come in steps of two minutes, and milliseconds in steps of hours.
    """

    offsets: Mapping[int, float]  # by position of the column

    @classmethod
    def of(cls, table: Table) -> "ColumnOffsets":
        """Return the lowest value of each column that goes beyond what single precision holds exactly."""
        return cls(
            {
                at: column.low
                for at, column in enumerate(table.schema.columns)
                if np.isfinite([column.low, column.high]).all() and max(-column.low, column.high) > EXACT
            }
        )

    def moved(self, X: np.ndarray) -> np.ndarray:
        """Return features (n, d) with their large columns counted from the lowest value seen."""
        if not self.offsets:
            return X
        X = X.copy()
        for at, offset in self.offsets.items():
            X[:, at] -= offset
        return X

    def to_json(self) -> list[list[float]]:
        return [[at, offset] for at, offset in self.offsets.items()]

    @classmethod
    def from_json(cls, pairs: Sequence[Sequence[float]]) -> "ColumnOffsets":
        return cls({int(at): offset for at, offset in pairs})
