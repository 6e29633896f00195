"""Datetimes as float64 seconds since 1970-01-01 UTC, and back without loss."""

import numpy as np
import pandas as pd

from loop.errors import DataError

TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000}  # per second; finer digits are dropped, see `_dropped`


def to_seconds(name: str, values: pd.Series) -> np.ndarray:
    """Return the datetimes (n,) of a column of that name as seconds, NaN = missing.

    Raises
    ------
    DataError
        If one is finer than a float64 of seconds can hold.
    """
    zoned = isinstance(values.dtype, pd.DatetimeTZDtype)
    stamps = (values.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else values).to_numpy()
    unit, missing = np.datetime_data(stamps.dtype)[0], np.isnat(stamps)
    ticks = np.where(missing, 0, stamps.astype(np.int64))
    whole, part = np.divmod(ticks, TICKS[unit] * _dropped(unit))
    seconds = whole + (part // _dropped(unit)) / TICKS[unit]
    lost = _ticks(seconds, unit) != ticks
    if lost.any():
        raise DataError(
            f"column {name!r} must hold datetimes no finer than a microsecond (a second outside the years"
            f" 1698 to 2241), got {values[lost].iloc[0]}: round it with .dt.floor('us') or .dt.floor('s')."
        )
    return np.where(missing, np.nan, seconds)


def from_seconds(dtype: str, x: np.ndarray) -> pd.Series:
    """Restore datetimes of a dtype, such as ``datetime64[us, UTC]``, from seconds x (n,)."""
    unit, _, zone = dtype.removeprefix("datetime64[").removesuffix("]").partition(", ")
    missing = np.isnan(x)
    stamps = _ticks(np.where(missing, 0.0, x), unit).view(f"datetime64[{unit}]")
    stamps[missing] = np.datetime64("NaT")
    moments = pd.DatetimeIndex(stamps)
    return pd.Series(moments.tz_localize("UTC").tz_convert(zone) if zone else moments)


def _ticks(seconds: np.ndarray, unit: str) -> np.ndarray:
    """Convert seconds to int64 counts of a unit; whole and fractional parts apart, as one product loses digits."""
    whole = np.floor(seconds)
    part = np.rint((seconds - whole) * TICKS[unit]).astype(np.int64)
    ticks: np.ndarray = (whole.astype(np.int64) * TICKS[unit] + part) * _dropped(unit)
    return ticks


def _dropped(unit: str) -> int:
    """Return the ticks in the finest step kept: a float64 of seconds cannot hold nanoseconds."""
    return 1_000 if unit == "ns" else 1
