"""Which array of a table a learner of series reads, and rows that count as those of even classes."""

from dataclasses import replace

import numpy as np

from learners.encoders.series_values import filled
from loop.errors import DataError
from loop.rows import Rows
from loop.types import Table


def filled_of(rows: Rows, name: str, channels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the series (n, c, t) of rows without gaps, and their lengths (n,), see `filled`.

    Raises
    ------
    DataError
        If the rows have no such array, or series of other channels.
    """
    entries = rows.arrays.get(name)
    if entries is None or entries.ndim != 3 or entries.dtype.kind != "f" or channels not in (None, entries.shape[1]):
        got = "none" if entries is None else f"{entries.shape} of {entries.dtype}"
        wanted = "channels" if channels is None else f"{channels} channels"
        raise DataError(
            f"rows must have series {name[:40]!r} of {wanted} and time, got {got}: encode them by the schema."
        )
    return filled(entries)


def evened(table: Table) -> Table:
    """Return the table with row weights by which all classes that it has count alike."""
    counts = table.weight @ table.targets  # (K,)
    share = np.divide(table.targets, counts, out=np.zeros_like(table.targets), where=counts > 0).sum(axis=1)
    return replace(table, weight=table.weight * share * table.weight.sum() / max((counts > 0).sum(), 1))
