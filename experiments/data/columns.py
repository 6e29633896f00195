"""Columns that must be in a table, and the sentence if one is not."""

import difflib
from collections.abc import Collection

import pandas as pd

from loop.errors import DataError


def require_column(frame: pd.DataFrame, source: str, role: str, column: str, dropped: Collection[str] = ()) -> None:
    """Raise a DataError unless a frame has the column of a role; names that are close are told."""
    if column in dropped:
        raise DataError(f"The {role} must be a column of the table, and {column!r} is dropped: take it out of --drop.")
    columns = [str(name) for name in frame.columns]
    if column not in columns:
        near = difflib.get_close_matches(column, columns, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the columns are {some(columns)}."
        raise DataError(f"The {role} must be a column of {source}, and {column!r} is not: {hint}")


def without(frame: pd.DataFrame, source: str, names: Collection[str]) -> pd.DataFrame:
    """Return the frame without some columns; DataError if it has no such column."""
    for name in names:
        require_column(frame, source, "column to drop", name)
    return frame.drop(columns=list(names))


def some(names: list[str], limit: int = 12) -> str:
    """List names, at most so many, and count the others."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
