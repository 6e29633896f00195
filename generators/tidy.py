"""Values that a column can hold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from loop.types import Condition, Schema


def tidy(X: np.ndarray, schema: Schema) -> np.ndarray:
    """Round to what the columns can hold and stay within the range that was seen.

    Parameters
    ----------
    X : np.ndarray
        Encoded rows, shape (n, d); missing values stay missing.
    schema : Schema
        Says which columns are whole, how many decimals they have, and their ranges.

    Returns
    -------
    np.ndarray
        New rows, shape (n, d); category codes are left as they are.
    """
    tidied = np.where(schema.whole, np.round(X), X)
    for number, column in enumerate(schema.columns):
        if column.decimals is not None:
            tidied[:, number] = np.round(tidied[:, number], column.decimals)
    low = np.array([column.low for column in schema.columns])
    high = np.array([column.high for column in schema.columns])
    return np.where(schema.categorical, tidied, np.clip(tidied, low, high))


def digits_of(schema: Schema, column: int) -> int | None:
    """Return the digits after the point that a column can hold, None if any number will do."""
    return 0 if schema.whole[column] else schema.columns[column].decimals


def pulled_inside(X: np.ndarray, rule: Sequence[Condition], schema: Schema) -> np.ndarray:
    """Put back what rounding has carried over an edge of a region: to the last value that the column can hold.

    Parameters
    ----------
    X : np.ndarray
        Tidy rows that lay inside before they were tidied, shape (n, d).
    rule : sequence of Condition
        The region's; where no value can be held inside, rows are left outside.
    schema : Schema
        Says which columns are whole and how many decimals they have.

    Returns
    -------
    np.ndarray
        New rows, shape (n, d).
    """
    X = X.copy()
    for condition in rule:
        column, digits = condition.column, digits_of(schema, condition.column)
        if condition.codes is None and not schema.discrete[column]:
            low, high = np.nextafter(condition.low, np.inf), condition.high
            if digits is not None:
                if not _beyond_digits(condition.low, digits):
                    low = np.round(_held_below(condition.low, digits) + 10.0**-digits, digits)
                high = _held_below(high, digits)
            if low <= high:
                X[:, column] = np.clip(X[:, column], low, high)
    return X


def aligned(rule: Sequence[Condition], schema: Schema) -> tuple[Condition, ...]:
    """Move the ends of ranges half way between two values that the columns can hold; the same values are inside.

    A single value then has a width, and so a probability, where values between are thought possible.
    """
    moved = []
    for condition in rule:
        digits = digits_of(schema, condition.column)
        if condition.codes is None and digits is not None and not schema.discrete[condition.column]:
            low, high = (
                _held_below(end, digits) + 0.5 * 10.0**-digits if np.isfinite(end) else end
                for end in (condition.low, condition.high)
            )
            condition = replace(condition, low=low, high=high)
        moved.append(condition)
    return tuple(moved)


def _held_below(edge: float, digits: int) -> float:
    """Return the largest number of so many digits that is not above an edge, whatever binary fractions make of it."""
    if _beyond_digits(edge, digits):
        return edge
    near = np.round((np.floor(edge * 10.0**digits) + np.array([-1, 0, 1])) / 10.0**digits, digits)
    return float(near[near <= edge].max())


def _beyond_digits(edge: float, digits: int) -> bool:
    """Tell whether a number is so large that floats hold no such digits of it."""
    return abs(float(edge)) * 10.0**digits >= 2.0**53
