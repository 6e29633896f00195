"""The series of a table, as generators see them: without gaps, with their lengths, and made into rows again."""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from generators.resampling.resample import proposals
from loop.encoders import Encoder, array_of, rows_of
from loop.errors import DataError
from loop.types import Table

ALIKE = 0.02  # spreads by which mean and spread of series may differ that count as normalised


@runtime_checkable
class Timed(Encoder, Protocol):
    """An encoder of series, which knows where each ends."""

    def filled(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return series (n, c, t) without gaps, 0 behind their end, and their lengths (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class Series:
    """Series of a table by their row: values without gaps, lengths, and which values were missing."""

    name: str  # of the array
    values: np.ndarray  # (n, c, t) float32, 0 behind the end
    lengths: np.ndarray  # (n,)
    gaps: np.ndarray  # (n, c, t) bool, missing inside of the series
    normalised: bool  # whether all series have one mean and one spread, so that new ones must have them, too

    @classmethod
    def of(cls, table: Table, reads: str) -> Self:
        """Take the series of a table; errors are those of `array_of`."""
        name = array_of(table, reads)
        entries = table.rows.arrays.get(name)
        if entries is None or entries.ndim != 3 or entries.dtype.kind != "f":
            got = "none" if entries is None else f"{entries.shape} of {entries.dtype}"
            raise DataError(f"rows must have series {name[:40]!r} of channels and time, got {got}: encode them again.")
        (encoder,) = (each.encoder for each in table.schema.arrays if each.column == name)
        if not isinstance(encoder, Timed):
            raise DataError(f"the encoder of {name!r} must tell how long series are, and it does not: use Curves.")
        values, lengths = encoder.filled(entries)
        inside = np.arange(entries.shape[2]) < lengths[:, None, None]
        real = np.flatnonzero(table.is_real)
        normalised = _normalised(values[real], lengths[real])
        return cls(name, values, lengths, np.isnan(entries) & inside, normalised)

    def made(
        self, table: Table, hosts: np.ndarray, values: np.ndarray, labels: np.ndarray, parents: np.ndarray
    ) -> Table:
        """Return proposals whose series are new, and all else that of their hosts.

        Parameters
        ----------
        table : Table
            The one that the series were taken from.
        hosts : np.ndarray
            Positions (m,) of the rows that give a new row its length, gaps and other columns.
        values : np.ndarray
            New series (m, c, t).
        labels : np.ndarray
            Class codes (m,).
        parents : np.ndarray
            Positions of the rows it was made from, (m, p), -1 = none.
        """
        values = self._like_hosts(values, hosts) if self.normalised else values
        behind = np.arange(values.shape[2]) >= self.lengths[hosts][:, None, None]
        entries = np.where(behind | self.gaps[hosts], np.float32(np.nan), values.astype(np.float32))
        arrays = {name: each[hosts] for name, each in table.rows.arrays.items()} | {self.name: entries}
        named = np.where(parents >= 0, table.row_number[np.maximum(parents, 0)], -1)
        return proposals(rows_of(table.schema, table.X[hosts], arrays), labels, named, table.schema)

    def _like_hosts(self, values: np.ndarray, hosts: np.ndarray) -> np.ndarray:
        """Give each channel of new series (m, c, t) mean and spread of its host's."""
        mean, spread = _moments(values, self.lengths[hosts])
        wanted_mean, wanted_spread = _moments(self.values[hosts], self.lengths[hosts])
        factor = np.divide(wanted_spread, spread, out=np.ones_like(spread), where=spread > 0)
        made: np.ndarray = (values - mean[:, :, None]) * factor[:, :, None] + wanted_mean[:, :, None]
        return made


def _moments(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread (n, c) of series (n, c, t) over their own lengths."""
    inside = np.arange(values.shape[2]) < lengths[:, None, None]
    mean = np.where(inside, values, 0).sum(axis=2, dtype=np.float64) / lengths[:, None]
    off = np.where(inside, values - mean[:, :, None], 0)
    return mean, np.sqrt((off**2).sum(axis=2) / lengths[:, None])


def _normalised(values: np.ndarray, lengths: np.ndarray) -> bool:
    """Tell whether all series (n, c, t) have the same mean and spread, but for rounding."""
    mean, spread = _moments(values, lengths)
    size = float(np.median(spread))
    return len(values) > 1 and size > 0 and max(float(np.ptp(mean)), float(np.ptp(spread))) < ALIKE * size
