"""Columns that must be in a table, and the sentence if one is not."""

import difflib
from collections.abc import Collection, Mapping

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


def check_date_parts(
    frame: pd.DataFrame, source: str, names: Collection[str], roles: Mapping[str, str | None], dropped: Collection[str]
) -> None:
    """Raise a DataError unless the columns of date_parts are in a frame and have no role but that of the time.

    Parameters
    ----------
    frame : DataFrame
    source : str
        Name of the table, for the message.
    names : collection of str
        Columns of date_parts.
    roles : mapping of str to str or None
        The column of each role.
    dropped : collection of str
        Columns that are left out.
    """
    for name in names:
        require_column(frame, source, "column of date_parts", name, dropped)
        for role, column in roles.items():
            if column == name and role != "time":
                raise DataError(
                    f"date_parts must name columns of dates, and {name!r} is the {role} column, which is no feature: "
                    "leave it out."
                )


def without(frame: pd.DataFrame, source: str, names: Collection[str]) -> pd.DataFrame:
    """Return the frame without some columns; DataError if it has no such column."""
    for name in names:
        require_column(frame, source, "column to drop", name)
    return frame.drop(columns=list(names))


def some(names: list[str], limit: int = 12) -> str:
    """List names, at most so many, and count the others."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
