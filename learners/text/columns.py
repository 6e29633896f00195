"""The columns that a learner reads beside the texts, as features of a linear model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from learners.common.tabular_encoding import NetInput
from learners.text.arrays import Beside, chosen_columns, columns_alone
from loop.errors import DataError
from loop.rows import Rows
from loop.support.model_files.arrays import Form
from loop.types import Table

CHOSEN = "chosen"  # name of the array of positions


@dataclass(frozen=True, eq=False)
class ColumnFeatures:
    """Numbers standardised and clipped, with a mark where one is missing; categories as columns of zeros and ones."""

    chosen: np.ndarray  # (m,) positions of the columns
    encoding: NetInput | None  # None = there are no columns

    @classmethod
    def of(cls, table: Table, beside: Beside) -> Self:
        """Learn means, deviations and categories from rows of weight above zero."""
        chosen = chosen_columns(table.schema, beside)
        return cls(chosen, NetInput().fit(columns_alone(table, chosen)) if len(chosen) else None)

    def features(self, rows: Rows) -> np.ndarray:
        """Return the features (n, p) of rows."""
        if self.encoding is None:
            return np.empty((len(rows), 0))
        _, linear, slots = self.encoding.transform(rows.X[:, self.chosen])
        onehot = np.zeros((len(rows), self.encoding.n_slots))
        np.put_along_axis(onehot, slots, 1.0, axis=1)
        return np.hstack([linear, onehot])

    @property
    def width(self) -> int:
        """How many features there are."""
        return 0 if self.encoding is None else self.encoding.widths[1] + self.encoding.n_slots

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learnt as named arrays."""
        return {CHOSEN: self.chosen} | ({} if self.encoding is None else self.encoding.arrays())

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], columns: int) -> Self:
        """Rebuild from what `arrays` returned, for rows of so many columns.

        Raises
        ------
        DataError
            If an array is missing or of another shape.
        """
        chosen = arrays.get(CHOSEN)
        if fault := Form("iu", (None,), 0, columns - 1).fault(chosen):
            raise DataError(f"{CHOSEN} must {fault}")
        positions = np.asarray(chosen, dtype=np.int64)
        if not len(positions):
            return cls(positions, None)
        encoding = NetInput.of(arrays)
        if len(encoding.categorical_) != len(positions):
            raise DataError(f"categorical_ must have {len(positions)} entries, got {len(encoding.categorical_)}")
        return cls(positions, encoding)
