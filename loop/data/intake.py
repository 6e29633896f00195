"""Frames and weights as users bring them: dtypes that no column can be restored from become those that one can."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

from loop.errors import DataError

EXACT = 2**53  # integers below it are exact as float64


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with plain dtypes: dates as datetimes, decimals as floats or exact integers, Arrow's as pandas'.

    Columns of other dtypes are the same objects.
    """
    made = {str(name): values for name in frame if (values := _plain(frame[name])) is not None}
    return frame.assign(**made) if made else frame


def _plain(values: pd.Series) -> pd.Series | None:
    """Return a column with a plain dtype, None = it has one."""
    if isinstance(values.dtype, pd.ArrowDtype):
        return _from_arrow(values, values.dtype.pyarrow_dtype)
    if values.dtype != object:
        return None
    content = infer_dtype(values, skipna=True)
    if content == "date":
        return values.astype("datetime64[s]")
    return _from_decimals(values) if content == "decimal" else None


def _from_arrow(values: pd.Series, kind: Any) -> pd.Series | None:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return values.astype(pandas_dtype(f"datetime64[{kind.unit}{f', {kind.tz}' if kind.tz else ''}]"))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values.astype("str")
    if pa.types.is_date(kind):
        return values.astype("datetime64[s]")
    if pa.types.is_decimal(kind):
        return _from_decimals(values.astype(object))
    if pa.types.is_dictionary(kind):
        return pd.Series(pa.array(values.array).to_pandas().array, index=values.index, name=values.name)
    return None


def _from_decimals(values: pd.Series) -> pd.Series:
    """Return decimals as floats, or as Int64 if they are whole and too large for floats."""
    present = values.dropna()
    whole = all(value.is_finite() and value == value.to_integral_value() for value in present)
    if whole and any(EXACT <= abs(value) < 2**63 for value in present) and all(abs(value) < 2**63 for value in present):
        told = [None if missing else int(value) for value, missing in zip(values, values.isna(), strict=True)]
        return pd.Series(pd.array(told, dtype="Int64"), index=values.index, name=values.name)
    return pd.Series(np.array([float(value) for value in present]), index=present.index, name=values.name).reindex(
        values.index
    )


def relative(weight: np.ndarray) -> np.ndarray:
    """Return weights (n,) of mean one, in single precision: in any unit the same to the last digit."""
    scaled = weight / weight.max(initial=np.finfo(np.float64).tiny)  # first, so that no sum overflows
    relative: np.ndarray = (scaled / scaled.mean()).astype(np.float32).astype(np.float64)
    return relative


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with column names that are text, and plain dtypes; DataError if a name is empty or given twice.

    Levels of names are joined by an underscore.
    """
    names = [
        "_".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name) for name in frame
    ]
    empty = [position for position, name in enumerate(names) if not name.strip()]
    if empty:
        raise DataError(f"every column must have a name, got an empty one at position {empty[0]}: name it.")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"column names must differ, got {listed(twice)} more than once: rename or drop the others.")
    return plain(frame.set_axis(names, axis=1))


def one_level(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as it is, but with levels of column names joined; errors are those of `named`."""
    joined = named(frame)
    return joined if frame.columns.nlevels > 1 else frame


def require(wanted: Iterable[str], frame: pd.DataFrame) -> None:
    """Raise a DataError that lists names close to the first wanted column that the frame does not have."""
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        names = list(frame.columns)
        near = difflib.get_close_matches(absent[0], names, n=3, cutoff=0.5)
        hint = f"did you mean {listed(near)}?" if near else f"the data have {listed(names)}."
        raise DataError(f"column {listed(absent)} must be in the data, got none of that name: {hint}")


def listed(names: list[str]) -> str:
    """Quote up to ten names for a message, and count the others."""
    shown = ", ".join(repr(name) for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
