"""Values that a column can hold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop.support.model_files.arrays import Form
from loop.types import DAY, Column, Condition, Schema

SINGLE = float(np.finfo(np.float32).max)  # no number of a table is larger
_NUMBER = Form("f", (None,), -SINGLE, SINGLE, gaps=True)


@dataclass(frozen=True)
class Grid:
    """Equally spaced values: multiples of a unit with a number of decimals."""

    digits: int
    unit: float = 1.0

    @property
    def step(self) -> float:
        """Return the distance between neighbouring values."""
        return float(self.unit * 10.0**-self.digits)

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """Round values (n,) to the grid."""
        rounded: np.ndarray = np.round(x / self.unit, self.digits) * self.unit
        return rounded

    def below(self, edge: float) -> float:
        """Return the largest value not above an edge, despite floating-point rounding."""
        if self.is_finer_than_floats(edge):
            return edge
        near = np.floor(edge / self.unit * 10.0**self.digits) + np.array([-1, 0, 1])
        held = self.nearest(near / 10.0**self.digits * self.unit)
        return float(held[held <= edge].max())

    def above(self, edge: float) -> float:
        """Return the smallest value that is above an edge."""
        if self.is_finer_than_floats(edge):
            return float(np.nextafter(edge, np.inf))
        return float(self.nearest(np.array([self.below(edge) + self.step]))[0])

    def is_finer_than_floats(self, edge: float) -> bool:
        """Tell whether floats are too coarse for the grid near a number."""
        return abs(float(edge)) / self.unit * 10.0**self.digits >= 2.0**53


def grid_of(column: Column) -> Grid | None:
    """Return the grid of an ordered column, None if it can hold any number."""
    if column.days:
        return Grid(0, DAY)
    is_whole = column.decimals is None and column.kind in ("integer", "datetime")
    digits = 0 if is_whole else column.decimals
    return None if digits is None else Grid(digits)


def tidy(X: np.ndarray, schema: Schema) -> np.ndarray:
    """Round to values that the columns can hold, within the range that was seen.

    Parameters
    ----------
    X : np.ndarray
        Encoded rows, shape (n, d); missing values stay missing.
    schema : Schema
        Says which columns are whole or dates, how many decimals they have, and their ranges.

    Returns
    -------
    np.ndarray
        New rows, shape (n, d); category codes are left as they are.
    """
    tidied = X.astype(np.float64)
    for number, column in enumerate(schema.columns):
        if (grid := grid_of(column)) is not None:
            tidied[:, number] = grid.nearest(tidied[:, number])
    low = np.array([column.low for column in schema.columns])
    high = np.array([column.high for column in schema.columns])
    return np.where(schema.categorical, tidied, np.clip(tidied, low, high))


def pulled_inside(X: np.ndarray, rule: Sequence[Condition], schema: Schema) -> np.ndarray:
    """Move values that rounding has carried out of a region to the nearest value inside that the column can hold.

    Parameters
    ----------
    X : np.ndarray
        Rows after `tidy`, shape (n, d); they were inside before it.
    rule : sequence of Condition
        The region's rule; where the column can hold no value inside, rows stay outside.
    schema : Schema
        Says which columns are whole or dates, and how many decimals they have.

    Returns
    -------
    np.ndarray
        New rows, shape (n, d).
    """
    X = X.copy()
    for condition in rule:
        column = condition.column
        if condition.codes is None and not schema.discrete[column]:
            grid = grid_of(schema.columns[column])
            low, high = np.nextafter(condition.low, np.inf), condition.high
            if grid is not None:
                low, high = grid.above(condition.low), grid.below(high)
            if low <= high:
                X[:, column] = np.clip(X[:, column], low, high)
    return X


def aligned(rule: Sequence[Condition], schema: Schema) -> tuple[Condition, ...]:
    """Move the ends of ranges half-way between two values that the columns can hold; the same values stay inside.

    A range with a single value then has a positive width, and so a positive probability under a density.
    """
    moved = []
    for condition in rule:
        grid = grid_of(schema.columns[condition.column])
        if condition.codes is None and grid is not None and not schema.discrete[condition.column]:
            low, high = (
                grid.below(end) + 0.5 * grid.step if np.isfinite(end) else end
                for end in (condition.low, condition.high)
            )
            condition = replace(condition, low=low, high=high)
        moved.append(condition)
    return tuple(moved)


def values_fault(x: object, column: Column) -> str | None:
    """Return the rule that encoded values (n,) of a column break, None if they break none."""
    if fault := _NUMBER.fault(x):
        return fault
    seen = np.asarray(x)[~np.isnan(np.asarray(x))]
    most = {"categorical": len(column.categories) - 1, "boolean": 1}.get(column.kind)
    if most is not None and not (np.isin(seen, np.arange(most + 1))).all():
        return f"be codes from 0 to {most}, and is not everywhere"
    return None
