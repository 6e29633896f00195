"""Large whole numbers in single precision, in which trees compute, without merging different values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loop.support import record_checks as checks
from loop.types import Schema, Table

OFFSETS = checks.listed(checks.pair(checks.count, checks.finite))  # what `ColumnOffsets.to_json` returns
EXACT = 2.0**24  # whole numbers up to here are exact in single precision


@dataclass(frozen=True)
class ColumnOffsets:
    """Offsets subtracted from columns of large whole numbers, such as points in time, before they are rounded.

    Without them, seconds since 1970 would be rounded to steps of two minutes, and milliseconds to steps of hours.
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

    def beyond(self, schema: Schema) -> str | None:
        """Return which column is none of numbers of a schema, None if all are."""
        numbers = np.flatnonzero(~schema.categorical)
        odd = next((at for at in self.offsets if at not in numbers), None)
        return None if odd is None else f"an offset of column {odd}, which holds no numbers"

    def to_json(self) -> list[list[float]]:
        """Return pairs of column position and offset, as JSON can hold them."""
        return [[at, offset] for at, offset in self.offsets.items()]

    @classmethod
    def from_json(cls, pairs: Sequence[Sequence[float]]) -> "ColumnOffsets":
        """Rebuild from what `to_json` returned."""
        return cls({int(at): offset for at, offset in pairs})
