"""Frames and weights as users bring them: dtypes that no column can be restored from become those that one can."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

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
