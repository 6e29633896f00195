"""Fine cells of an ordered column, fixed by its stated range alone: which cell a value is in, and values of a cell."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from loop.data.value_grid import grid_of
from loop.types import Column, Condition

FINEST = 4096  # cells at most: a power of two, so that ever coarser histograms can be compared


@dataclass(frozen=True)
class Cells:
    """Equally wide cells from ``start`` on.

    Where the column has a grid, such as whole numbers, a cell holds ``per_cell`` values of it, a step apart; otherwise
    it holds every number of a width of ``step``, and ``per_cell`` is 0.
    """

    start: float
    step: float
    per_cell: int
    count: int  # values of the grid in all; cells, where there is no grid

    @classmethod
    def of(cls, column: Column) -> Self:
        """Return the cells of a column, whose range must be finite."""
        grid = grid_of(column)
        if grid is None or grid.is_finer_than_floats(max(abs(column.low), abs(column.high))):
            return cls(column.low, (column.high - column.low) / FINEST or 1.0, 0, FINEST)
        start = grid.above(float(np.nextafter(column.low, -np.inf)))
        count = max(1, round((grid.below(column.high) - start) / grid.step) + 1)
        return cls(start, grid.step, -(-count // FINEST), count)

    def __len__(self) -> int:
        return -(-self.count // max(self.per_cell, 1))

    def place(self, x: np.ndarray) -> np.ndarray:
        """Return the cell (n,) of values (n,), those beyond the range in the outermost ones."""
        steps = (x - self.start) / self.step
        values = np.round(steps) if self.per_cell else np.floor(steps)
        cell: np.ndarray = values.clip(0, self.count - 1).astype(np.int64) // max(self.per_cell, 1)
        return cell

    def values(self, inside: Condition) -> tuple[np.ndarray, np.ndarray]:
        """Return where each cell begins and ends inside a condition, (c,) each; nowhere if the end is not beyond.

        In steps from ``start``, the end being the first value (or point) that is outside.
        """
        begin = np.arange(len(self), dtype=np.float64) * max(self.per_cell, 1)
        end = np.minimum(begin + max(self.per_cell, 1), self.count)
        low, high = (inside.low - self.start) / self.step, (inside.high - self.start) / self.step
        if self.per_cell:  # first value above low, first value above high; a rounded quotient counts as whole
            low, high = _first_above(low), _first_above(high)
        return np.maximum(begin, low), np.minimum(end, high)

    def shares(self, inside: Condition) -> np.ndarray:
        """Return the share (c,) of each cell that is inside a condition."""
        if inside.codes is not None:
            at = self.place(self.points(inside))
            single: np.ndarray = np.bincount(at, minlength=len(self)) / self._sizes()
            return single
        begin, end = self.values(inside)
        share: np.ndarray = np.maximum(end - begin, 0) / self._sizes()
        return share

    def points(self, inside: Condition) -> np.ndarray:
        """Return the single values of a condition that the range holds."""
        wanted = np.array(sorted(inside.codes or ()), dtype=np.float64)
        steps = (wanted - self.start) / self.step
        held = (steps > -0.5) & (steps < self.count - 0.5 * (self.per_cell > 0))
        if self.per_cell:
            held &= np.abs(steps - np.round(steps)) < 1e-6
        return wanted[held & (wanted > inside.low) & (wanted <= inside.high)]

    def draw(self, cell: np.ndarray, inside: Condition, rng: np.random.Generator) -> np.ndarray:
        """Draw a value (n,) in each cell (n,) and inside a condition, uniformly; every cell must have a share."""
        if inside.codes is not None:
            points = self.points(inside)
            return _pick(cell, self.place(points), points, rng)
        begin, end = (edge[cell] for edge in self.values(inside))
        steps = begin + (end - begin) * rng.random(len(cell))
        if self.per_cell:
            steps = np.minimum(np.floor(steps), end - 1)
        drawn: np.ndarray = self.start + self.step * steps
        return drawn

    def _sizes(self) -> np.ndarray:
        begin, end = self.values(Condition(0))
        sizes: np.ndarray = end - begin
        return sizes


def joined(conditions: Iterable[Condition]) -> Condition:
    """Return all conditions on one column as one."""
    whole = Condition(0, missing=True)
    for each in conditions:
        codes = whole.codes if each.codes is None else each.codes
        both = each.codes is not None and whole.codes is not None
        codes = each.codes & whole.codes if both else codes  # type: ignore[operator]
        low, high = max(whole.low, each.low), min(whole.high, each.high)
        whole = Condition(0, low, high, codes, whole.missing and each.missing)
    return whole


def _first_above(steps: float) -> float:
    if not np.isfinite(steps):
        return steps
    near = round(steps)
    return near + 1.0 if abs(steps - near) < 1e-6 else float(np.ceil(steps))


def _pick(cell: np.ndarray, home: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose one of the points of each cell (n,); ``home`` is the cell of each point, ascending."""
    first, after = np.searchsorted(home, cell, side="left"), np.searchsorted(home, cell, side="right")
    picked: np.ndarray = points[first + np.floor((after - first) * rng.random(len(cell))).astype(np.int64)]
    return picked
