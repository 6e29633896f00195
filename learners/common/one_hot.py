"""Categories as columns of zeros and ones, for learners that would take their codes for an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loop.support import record_checks as checks
from loop.types import Schema, Table

CODES = checks.listed(checks.pair(checks.count, checks.listed(checks.count)))  # what `OneHot.to_json` returns
MOST = 32  # categories of a column; one that holds more stays a column of codes, as the time to fit grows with each


@dataclass(frozen=True)
class OneHot:
    """Columns of zeros and ones, one for each category, in place of categorical columns.

    The columns of categories stand behind all others. A category without a column of its own, because it is missing or
    unknown, gives zeros.

    Examples
    --------
    >>> OneHot({0: [2, 5]}).encoded(np.array([[5.0, 0.3], [7.0, 0.4]]))
    array([[0.3, 0. , 1. ],
           [0.4, 0. , 0. ]])
    """

    codes: Mapping[int, Sequence[int]] = field(default_factory=dict)  # codes with a column, by position of the column

    @classmethod
    def of(cls, table: Table) -> "OneHot":
        """Give a column to each category that the rows hold, but for columns that hold more than `MOST`."""
        chosen: dict[int, list[int]] = {}
        for at in np.flatnonzero(table.schema.categorical).tolist():
            held = ~np.isnan(table.X[:, at])
            mass = np.bincount(table.X[held, at].astype(np.int64), table.weight[held])
            if (mass > 0).sum() <= MOST:
                chosen[at] = np.flatnonzero(mass).tolist() or [0]  # at least one column is left
        return cls(chosen)

    def encoded(self, X: np.ndarray) -> np.ndarray:
        """Return features (n, d) with their categorical columns replaced, in the dtype of X."""
        if not self.codes:
            return X
        others = np.delete(X, list(self.codes), axis=1)
        return np.hstack([others, *(X[:, [at]] == np.array(codes) for at, codes in self.codes.items())], dtype=X.dtype)

    def width(self, columns: int) -> int:
        """Return how many columns `encoded` returns for so many."""
        return columns - len(self.codes) + sum(map(len, self.codes.values()))

    def beyond(self, schema: Schema) -> str | None:
        """Return which column is none of categories of a schema, None if all are."""
        sizes = {at: len(column.categories) for at, column in enumerate(schema.columns) if column.kind == "categorical"}
        odd = next((at for at, codes in self.codes.items() if not all(code < sizes.get(at, 0) for code in codes)), None)
        return None if odd is None else f"categories of column {odd}, which has others"

    def to_json(self) -> list[list[object]]:
        """Return pairs of column position and codes, as JSON can hold them."""
        return [[at, list(codes)] for at, codes in self.codes.items()]

    @classmethod
    def from_json(cls, pairs: Sequence[tuple[int, Sequence[int]]]) -> "OneHot":
        """Rebuild from what `to_json` returned."""
        return cls({at: tuple(codes) for at, codes in pairs})
