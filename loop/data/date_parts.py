"""Parts of dates as columns of their own: hour, weekday and others, named, made, and their origin learnt."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from loop.data.moments import to_seconds
from loop.errors import ConfigError, DataError

Part = Literal["year", "month", "weekday", "hour", "days_since"]
PARTS: tuple[Part, ...] = get_args(Part)
ALL = "all"
PANDAS = {"weekday": "day_of_week"}  # what pandas calls a part, where it has another name
SECONDS_A_DAY = 24 * 60 * 60
Values = np.ndarray | pd.arrays.IntegerArray
Wishes = Mapping[str, Sequence[str] | str] | Sequence[str]  # see `wanted`


@dataclass(frozen=True)
class DateParts:
    """How the parts of one column of dates are made. Zoned dates have the parts of local time in the zone stored."""

    column: str
    dtype: str  # pandas dtype of the dates, with their zone if they have one
    parts: tuple[Part, ...]
    origin: float  # the earliest training row, in seconds since 1970-01-01 UTC: days are counted from there

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that are made, in the order of the parts."""
        return tuple(f"{self.column}_{part}" for part in self.parts)

    @property
    def zone(self) -> str | None:
        """The time zone of the dates, None if they have none."""
        return self.dtype.removesuffix("]").partition(", ")[2] or None

    @property
    def first(self) -> str:
        """The day from which days are counted, in words."""
        return str(self._local(np.array([self.origin]))[0].strftime("%Y-%m-%d %H:%M"))

    def made(self, seconds: np.ndarray) -> dict[str, Values]:
        """Return a column for each part of n dates, by name.

        Parameters
        ----------
        seconds : ndarray of shape (n,)
            Since 1970-01-01 UTC; NaN = missing, and so is every part then.

        Returns
        -------
        dict of str to array (n,)
            Whole numbers, Monday being 0; days since the origin have a fraction.
        """
        missing = np.isnan(seconds)
        moments = self._local(np.where(missing, 0.0, seconds))
        columns: dict[str, Values] = {}
        for part, name in zip(self.parts, self.names, strict=True):
            if part == "days_since":
                columns[name] = (seconds - self.origin) / SECONDS_A_DAY
            else:
                values = np.asarray(getattr(moments, PANDAS.get(part, part)), dtype=np.int64)
                columns[name] = pd.arrays.IntegerArray(values, missing) if missing.any() else values
        return columns

    def _local(self, seconds: np.ndarray) -> pd.DatetimeIndex:
        """Return moments (n,) in the zone of the dates, to the second."""
        moments = pd.DatetimeIndex(np.floor(seconds).astype(np.int64).view("datetime64[s]"))
        return moments if self.zone is None else moments.tz_localize("UTC").tz_convert(self.zone)


def wanted(told: Wishes | None) -> dict[str, tuple[Part, ...]]:
    """Return the parts wanted of each column, in the order of `PARTS`.

    Parameters
    ----------
    told : mapping, sequence of str or None
        Columns with a list of parts, one part or "all"; a sequence names columns of which all are wanted.

    Raises
    ------
    ConfigError
        If it is something else, or a part is unknown.

    Examples
    --------
    >>> wanted({"created": ["hour", "weekday"]})
    {'created': ('weekday', 'hour')}
    """
    if told is None:
        return {}
    if isinstance(told, str) or not isinstance(told, Mapping | Sequence):
        raise ConfigError(
            f"date_parts must give columns with their parts, got {str(told)[:60]!r}: write {{created: [hour]}}."
        )
    given: Iterable[tuple[object, object]] = (
        told.items() if isinstance(told, Mapping) else ((name, ALL) for name in told)
    )
    return {(column := _column(name)): _parts(column, parts) for name, parts in given}


def _column(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"date_parts must name columns by text, got {name!r}: write {{created: [hour]}}.")
    return name


def _parts(column: str, told: object) -> tuple[Part, ...]:
    named = [told] if isinstance(told, str) else told
    if not isinstance(named, Sequence) or not named:
        raise ConfigError(f"date_parts of {column!r} must be {_words(PARTS)}, or {ALL}, got {told!r}: list some.")
    for part in named:
        if part not in (*PARTS, ALL):
            near = difflib.get_close_matches(str(part), PARTS, n=1)
            way_out = f"did you mean {near[0]}?" if near else "choose among these."
            raise ConfigError(
                f"date_parts of {column!r} must be {_words(PARTS)}, or {ALL}, got {str(part)[:40]!r}: {way_out}"
            )
    return PARTS if ALL in named else tuple(part for part in PARTS if part in named)


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)


def learnt(column: str, dates: pd.Series, dtype: str, parts: tuple[Part, ...], known: Iterable[object]) -> DateParts:
    """Return how the parts of a column are made, its origin learnt.

    Parameters
    ----------
    column : str
    dates : Series of shape (n,)
        Dates of the training rows, at least one of them known.
    dtype : str
        Name of their dtype.
    parts : tuple of str
    known : iterable of str
        Names of all columns of the data.

    Raises
    ------
    DataError
        If the data have a column already that would be made.
    """
    recipe = DateParts(column, dtype, parts, float(np.nanmin(to_seconds(column, dates))))
    if taken := [name for name in recipe.names if name in set(known)]:
        part = taken[0].removeprefix(f"{column}_")
        raise DataError(
            f"date_parts of {column!r} must make columns under free names, and the data have {taken[0]!r} already: "
            f"leave {part} out, or drop or rename that column."
        )
    return recipe
