"""The first pass over all rows: which of them to fit on, and what their columns hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.data.files import Reading
from experiments.data.partitions import RowGroup, frames
from experiments.refit.held import Held
from loop.data.intake import named
from loop.data.widening import Seen
from loop.errors import DataError
from loop.types import Schema


@dataclass(frozen=True, eq=False)
class SeenGroup:
    """A group of rows with what is known of it after the first pass."""

    group: RowGroup
    seen: Seen  # of the rows to fit on
    packed: np.ndarray  # (ceil(rows / 8),) uint8, a bit a row: whether to fit on it

    @property
    def fitted(self) -> np.ndarray:  # (rows,) bool
        """Whether to fit on each row."""
        return np.unpackbits(self.packed, count=self.group.rows).astype(bool)


def look_at_all(groups: Sequence[RowGroup], schema: Schema, held: Held, reading: Reading) -> list[SeenGroup]:
    """Look at the rows of several groups, see `look`."""
    return [look(group, schema, held, reading) for group in groups]


def look(group: RowGroup, schema: Schema, held: Held, reading: Reading) -> SeenGroup:
    """Look at the rows of a group part by part.

    Parameters
    ----------
    group : RowGroup
    schema : Schema
        Of the run.
    held : Held
        The rows that are not fitted on.
    reading : Reading

    Raises
    ------
    DataError
        If a part breaks a rule of the run's schema; it names the file.
    """
    parts, masks = list[Seen](), list[np.ndarray]()
    for first, raw in frames(group, reading):
        try:
            frame = named(raw)
            fitted = ~held.mask(frame, first)
            parts.append(Seen.of(schema, frame[fitted].reset_index(drop=True)))
        except DataError as error:
            raise DataError(f"{group.path.name}: {error}") from error
        masks.append(fitted)
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.joined(part)
    return SeenGroup(group, whole, np.packbits(np.concatenate(masks)))
