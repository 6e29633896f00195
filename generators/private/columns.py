"""Columns as a few bins each: codes of values, shares of a condition, and values drawn from bins."""

from dataclasses import dataclass

import numpy as np

from generators.private.cells import Cells
from loop.types import Condition

LEAST = 1e-9  # share of every cell that the statement allows, so that no region it allows is impossible


@dataclass(frozen=True, eq=False)
class BinnedColumn:
    """A column of codes, or fine cells merged to bins; where values may be missing the last bin is for these."""

    codes: int  # of a discrete column: how many; 0 if it is ordered, or no value was found
    missing: bool
    cells: Cells | None = None
    mass: np.ndarray | None = None  # (c,) noisy rows of each cell, a little in every one
    bin_of: np.ndarray | None = None  # (c,) bin of each cell, ascending from 0

    @property
    def filled(self) -> int:
        """Return the number of bins of values."""
        return self.codes if self.bin_of is None else int(self.bin_of[-1]) + 1

    def __len__(self) -> int:
        return self.filled + self.missing

    def bins(self, x: np.ndarray) -> np.ndarray:
        """Return the bin (n,) of values (n,); a missing value is in the last, also where none may be."""
        absent = np.isnan(x)
        bins = np.full(len(x), len(self) - 1)
        seen = x[~absent]
        bins[~absent] = seen.astype(np.int64) if self.cells is None else self._bin_of()[self.cells.place(seen)]
        return bins

    def shares(self, inside: Condition) -> np.ndarray:
        """Return the share (bins,) of each bin that is inside a condition."""
        if self.cells is None:
            values = np.arange(self.codes)
            held = (values > inside.low) & (values <= inside.high)
            if inside.codes is not None:
                held &= np.isin(values, list(inside.codes))
            shares = held.astype(np.float64)
        else:
            within = np.bincount(self._bin_of(), weights=self._mass() * self.cells.shares(inside))
            shares = within / np.bincount(self._bin_of(), weights=self._mass())
        return np.append(shares, float(inside.missing)) if self.missing else shares

    def draw(self, bins: np.ndarray, inside: Condition, rng: np.random.Generator) -> np.ndarray:
        """Draw a value (n,) of each bin (n,) that is inside a condition; every bin must have a share."""
        x = np.where(bins < self.filled, bins, np.nan).astype(np.float64)
        if self.cells is None:
            return x
        mass = self._mass() * self.cells.shares(inside)
        first = np.searchsorted(self._bin_of(), np.arange(self.filled + 1))
        for each in np.unique(bins[bins < self.filled]).tolist():
            rows, own = np.flatnonzero(bins == each), np.arange(first[each], first[each + 1])
            chance = mass[own] / mass[own].sum()
            x[rows] = self.cells.draw(rng.choice(own, len(rows), p=chance), inside, rng)
        return x

    def _mass(self) -> np.ndarray:
        return np.empty(0) if self.mass is None else self.mass

    def _bin_of(self) -> np.ndarray:
        return np.empty(0, dtype=np.int64) if self.bin_of is None else self.bin_of


def with_floor(mass: np.ndarray) -> np.ndarray:
    """Return masses or chances (.., c) of which none along the last axis is zero."""
    whole = mass.sum(axis=-1, keepdims=True)
    floored: np.ndarray = np.where(whole > 0, mass, 1.0) + LEAST * np.where(whole > 0, whole, 1.0)
    return floored
