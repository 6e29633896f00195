"""Rows that lost their types on the way to a server, in CSV or JSON, with the types that a schema says."""

from collections.abc import Callable, Mapping

import pandas as pd
from pandas.api.types import infer_dtype

from loop.data.encoding import original_columns
from loop.data.intake import named
from loop.errors import DataError
from loop.types import Column, Kind, Schema

BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
ZONED = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)\s*"  # of a time, its end
NUMBERS = ("integer", "floating", "mixed-integer-float")


def retyped(schema: Schema, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its columns as the schema knows them, as far as their values say so without doubt.

    Text becomes a number, a boolean, a category or, in ISO 8601, a time; 0 and 1 become booleans. Numbers in a column
    of times are milliseconds since 1970 in UTC, as pandas writes them to JSON. A time without zone in a column of times
    with one, or the other way round, stays as it is, and so is refused by the model: guessing would move it by hours.

    Parameters
    ----------
    schema : Schema
    frame : DataFrame of n rows
        Columns that the schema does not know are left out.

    Raises
    ------
    DataError
        If a value cannot be what the schema says.

    Examples
    --------
    >>> from loop.data.schema import infer
    >>> schema = infer(pd.DataFrame({"night": [True, False, True, False]}), target=None)
    >>> retyped(schema, pd.DataFrame({"night": ["false", "true"]}))["night"].tolist()
    [False, True]
    """
    frame = named(frame)
    columns = {column.name: column for column in (*schema.columns, *original_columns(schema))}
    known = {name: _retyped(column, frame[name]) for name, column in columns.items() if name in frame}
    known |= {array.column: frame[array.column] for array in schema.arrays if array.column in frame}
    return pd.DataFrame(known, index=frame.index)


def _retyped(column: Column, values: pd.Series) -> pd.Series:
    content = infer_dtype(values, skipna=True)
    convert = _MADE[column.kind]
    try:
        return convert(column, values, content)
    except (ValueError, OverflowError) as error:
        why = str(error).partition("\n")[0][:120]
        raise DataError(
            f"column {column.name!r} must hold {column.kind} values ({column.dtype}), as when its schema was inferred, "
            f"and some are not ({why}): correct them."
        ) from error


def _number(_: Column, values: pd.Series, content: str) -> pd.Series:
    return pd.to_numeric(values) if content in ("string", "mixed-integer-float") else values


def _boolean(_: Column, values: pd.Series, content: str) -> pd.Series:
    if content not in ("string", *NUMBERS):
        return values
    present = values.dropna()
    words = present.str.strip().str.lower() if content == "string" else present.astype("float64").map("{:g}".format)
    odd = present[~words.isin(BOOLEANS)]
    if len(odd):
        raise ValueError(f"got {odd.iloc[0]!r}")
    return words.map(BOOLEANS).astype("boolean").reindex(values.index)


def _time(column: Column, values: pd.Series, content: str) -> pd.Series:
    zone = "," in column.dtype
    if content in NUMBERS:
        return pd.to_datetime(values, unit="ms", utc=zone)
    if content != "string":
        return values
    zoned = zone and bool(values.dropna().str.fullmatch(rf".*?{ZONED}").all())
    return pd.to_datetime(values, format="ISO8601", utc=zoned)


def _category(column: Column, values: pd.Series, content: str) -> pd.Series:
    """Find categories that are no text by their text; one that is unknown counts as missing."""
    if content != "string" or all(isinstance(value, str) for value in column.categories):
        return values
    known = {str(value): value for value in column.categories}
    return pd.Series([known.get(value) for value in values], index=values.index, dtype=object)


_MADE: Mapping[Kind, Callable[[Column, pd.Series, str], pd.Series]] = {
    "numeric": _number,
    "integer": _number,
    "boolean": _boolean,
    "datetime": _time,
    "categorical": _category,
}
