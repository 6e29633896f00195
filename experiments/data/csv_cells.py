"""What the cells of a CSV column mean: codes with leading zeros, exact integers, numbers and dates among words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_integer_dtype, is_string_dtype

from loop.data.intake import EXACT

NO_VALUE = frozenset(["NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"])
BOOLEAN = {"true": True, "false": False}
SHARE, FEWEST = 0.99, 20  # of values that decide what a column is, whatever the others are
KNOWN_SHARE = 0.5  # where the kind of the column is known
SAMPLE = 500  # values that are looked at first
DIGITS, CODE = r"[+-]?\d+", r"[+-]?0\d+"
_TIME = r"[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s*"
_ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
ISO, ISO_ZONED = rf"\d{{4}}-\d{{2}}-\d{{2}}(?:{_TIME}{_ZONE}?)?", rf"\d{{4}}-\d{{2}}-\d{{2}}{_TIME}{_ZONE}"
_OTHER_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d{1,2}[./]\d{1,2}"
    r"|\d{1,2}[ -][A-Za-z]{3,9}[ -,]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})(?:[T ,].*)?"
)
_THOUSANDS, _COMMA = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", r"[+-]?\d+(?:[.' ]\d{3})*,\d+"


@dataclass(frozen=True)
class Told:
    """What is known of a column before it is read."""

    name: str
    decimal: str = "."
    number: bool = False  # it is known to hold numbers
    role: bool = False  # target, time or group: no value of it is replaced
    dates: bool = True  # dates are read as such


def has_codes(cells: pd.Series) -> bool:
    """Tell whether all cells (n,) that have a value are digits, and some begin with a zero that a number would lose."""
    present = cells.dropna()
    return bool(len(present) and present.str.fullmatch(CODE).any() and present.str.fullmatch(DIGITS).all())


def with_exact(values: pd.Series, cells: pd.Series) -> pd.Series:
    """Return whole numbers (n,) exactly: as int64, Int64 or UInt64, or as text if they are longer.

    Parameters
    ----------
    values : Series of shape (n,)
        As pandas read them.
    cells : Series of shape (n,)
        The same as text.
    """
    present = cells.dropna().str.strip()
    if is_integer_dtype(values) or not present.str.fullmatch(DIGITS).all():
        return values
    whole = present.map(int).astype(object)
    if not (whole.abs() >= EXACT).any():
        return values
    for dtype, kind in ((pd.Int64Dtype(), np.int64), (pd.UInt64Dtype(), np.uint64)):
        if np.iinfo(kind).min <= whole.min() and whole.max() <= np.iinfo(kind).max:
            return pd.Series(pd.array(whole.reindex(cells.index).tolist(), dtype=dtype), index=cells.index)
    return cells


def understood(cells: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]]:
    """Return a column that was read as text (n,) as what it holds, with a sentence for each thing to be known.

    Words for a missing value are missing where the other values are numbers, booleans or dates. Blanks are missing.
    Where at least 99 % of the values, and 20, are numbers or dates, the others are missing.
    """
    values, said = _without_blanks(cells, told)
    present = values.dropna()
    if present.empty or not is_string_dtype(present):
        return values, said
    rest = present[~present.isin(NO_VALUE)]
    for convert in (_booleans, _numbers, *((_dates,) if told.dates else ())):
        made = convert(rest, told)
        if made is not None:
            converted, why = made
            return converted.reindex(values.index), (*said, *why)
    return values, (*said, *_hints(rest, told))


def _without_blanks(cells: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]]:
    if told.role or not is_string_dtype(cells.dropna()):
        return cells, ()
    blank = cells.str.strip() == ""
    count = int(blank.sum())
    if not count:
        return cells, ()
    are = "value is blank and counts" if count == 1 else "values are blank and count"
    return cells.mask(blank), (f"{told.name}: {count:,} of {len(cells):,} {are} as missing",)


def _booleans(rest: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]] | None:
    low = rest.str.lower()
    return (low.map(BOOLEAN).astype("boolean"), ()) if len(rest) and low.isin(BOOLEAN).all() else None


def _numbers(rest: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]] | None:
    if not _some(_as_numbers(_sample(rest), told).notna(), told):
        return None
    numbers = _as_numbers(rest, told)
    right = numbers.notna()
    if not _most(right, told) or (not told.number and has_codes(rest[right])):
        return None
    exact = with_exact(numbers[right].astype("float64"), rest[right])
    return exact, _left_out(rest, right, told, "numbers")


def _dates(rest: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]] | None:
    if not _some(_sample(rest).str.fullmatch(ISO), told):
        return None
    right, zoned = rest.str.fullmatch(ISO), rest.str.fullmatch(ISO_ZONED)
    if not _most(right, told) or (zoned.any() and not zoned[right].all()):
        return None
    stamps, zone = rest.where(right).str.replace(",", "."), bool(zoned.any())
    moments = pd.to_datetime(stamps, format="ISO8601", errors="coerce", utc=zone)
    right = moments.notna()
    return (moments, _left_out(rest, right, told, "dates")) if _most(right, told) else None


def _as_numbers(rest: pd.Series, told: Told) -> pd.Series:
    return pd.to_numeric(rest.str.replace(",", ".") if told.decimal == "," else rest, errors="coerce")


def _sample(rest: pd.Series) -> pd.Series:
    return rest.iloc[:: max(1, len(rest) // SAMPLE)]


def _some(right: pd.Series, told: Told) -> bool:
    """Tell whether a sample of values allows that most of all are of a kind."""
    return bool(len(right)) and bool(right.mean() >= KNOWN_SHARE)


def _most(right: pd.Series, told: Told) -> bool:
    """Tell whether enough values are of a kind: all, or nearly all unless the column has a role."""
    if right.all() or told.role:
        return bool(right.all())
    share, fewest = (KNOWN_SHARE, 1) if told.number else (SHARE, FEWEST)
    return bool(right.mean() >= share and right.sum() >= fewest)


def _left_out(rest: pd.Series, right: pd.Series, told: Told, kind: str) -> tuple[str, ...]:
    """Say which values of a column of numbers or dates are not."""
    odd = rest[~right]
    if odd.empty:
        return ()
    words = odd.unique().tolist()
    names = ", ".join(map(repr, words[:3])) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
    are = "is not and counts" if len(odd) == 1 else f"({len(odd):,} values) are not and count"
    return (f"{told.name}: {int(right.sum()):,} of {len(rest):,} values are {kind}, {names} {are} as missing",)


def _hints(rest: pd.Series, told: Told) -> tuple[str, ...]:
    """Say what a column of text seems to be that it is not read as."""
    sample = _sample(rest)

    def seems(pattern: str) -> bool:
        return len(sample) > 1 and bool(sample.str.fullmatch(pattern).mean() >= SHARE)

    first, out = repr(sample.iloc[0]) if len(sample) else "", f"leave the column out with --drop {told.name!r}"
    if seems(ISO):
        odd = rest[pd.to_datetime(rest.str.replace(",", "."), format="ISO8601", errors="coerce", utc=True).isna()]
        if told.dates and len(odd):  # of a time column no value is replaced
            return (f"{told.name}: {odd.iloc[0]!r} is no date, so the column is read as text: correct it",)
        return (f"{told.name}: some times state a zone and others do not, so they are read as text: make them alike",)
    if seems(_OTHER_DATE):
        way_out = f"write it as 2024-01-31, or {out}"
        return (f"{told.name}: {first} looks like a date, and only ISO dates are read as such: {way_out}",)
    if told.decimal == "." and seems(_THOUSANDS):
        return (f"{told.name}: {first} looks like a number with thousands marked: take the marks out, or {out}",)
    if told.decimal == "." and seems(_COMMA):
        return (f"{told.name}: {first} looks like a number with a decimal comma: add --decimal , (or data.decimal)",)
    return ()


def is_whole(values: pd.Series) -> bool:
    """Tell whether pandas read a column as numbers that are all whole, so that their text may say more."""
    if not is_float_dtype(values):
        return is_integer_dtype(values)
    x = values.to_numpy()
    with np.errstate(invalid="ignore"):
        whole = np.isnan(x) | (x == np.floor(x))
    return bool(whole.all() and not np.isnan(x).all())
