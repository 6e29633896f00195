"""Numbers of rows as one line of text: ascending, in ranges."""

import re

import numpy as np

from loop.errors import ConfigError

_RANGE = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?")
MOST = 100_000_000  # rows that one line may name


def told_in_ranges(rows: np.ndarray) -> str:
    """Write row numbers (m,) as text.

    Examples
    --------
    >>> told_in_ranges(np.array([203, 17, 500, 501, 502]))
    '17, 203, 500-502'
    """
    rows = np.unique(rows)
    pieces = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []
    return ", ".join(str(each[0]) if len(each) == 1 else f"{each[0]}-{each[-1]}" for each in pieces)


def numbers_of(text: str) -> np.ndarray:
    """Return the row numbers (m,) int64 that `told_in_ranges` wrote.

    Raises
    ------
    ConfigError
        If it wrote no such text.
    """
    found, last = list[np.ndarray](), -1
    for piece in text.split(","):
        numbers = _RANGE.fullmatch(piece.strip())
        low, high = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (0, -1)
        if not last < low <= high or high >= MOST:
            raise ConfigError(f"rows must be ascending numbers such as '17, 203, 500-612', got {piece!r}: correct it.")
        found.append(np.arange(low, high + 1, dtype=np.int64))
        last = high
    return np.concatenate(found)
