"""What new rows hold that training rows did not: categories never seen, and values missing where none was."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from loop.data.encoding import with_parts
from loop.data.intake import named
from loop.types import Schema


@dataclass
class Unlike:
    """Counts of rows by column, added up over pieces of a file."""

    rows: int = 0
    unseen: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def add(self, schema: Schema, frame: pd.DataFrame, X: np.ndarray) -> None:
        """Count the rows of a frame (n rows) with their encoded columns X (n, d)."""
        frame, self.rows = with_parts(schema.date_parts, named(frame)), self.rows + len(frame)
        encoded = {name for array in schema.arrays for name in array.names}  # they are in X, and not in the frame
        for column, x in zip(schema.columns, X.T, strict=True):
            empty = np.isnan(x) if column.name in encoded else frame[column.name].isna().to_numpy()
            self.unseen[column.name] += int((np.isnan(x) & ~empty).sum())
            if not column.missing:
                self.missing[column.name] += int(empty.sum())

    @property
    def sentences(self) -> list[str]:
        """Say what was counted, a sentence for each kind; empty if nothing was."""
        kinds = {
            "hold categories that training did not have, which count as missing": self.unseen,
            "lack values where training had all": self.missing,
        }
        return [
            f"Of {self.rows:,} rows, some {what}: {told}."
            for what, counts in kinds.items()
            if (told := ", ".join(f"{name} {count:,}" for name, count in counts.items() if count))
        ]
