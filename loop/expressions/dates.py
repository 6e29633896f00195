"""Dates as text: ISO dates and times, as seconds."""

import re

import numpy as np
import pandas as pd

from loop.errors import ConfigError

DATE = re.compile(r"\d{4}-\d\d")
_OFFSET = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d[^Z+-]*?)\s*(?:Z|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)"
)


def seconds(text: str, zone: str | None = None) -> float:
    """Read an ISO date or time as seconds since 1970-01-01 UTC, by its own offset, else in a zone, else in UTC.

    Raises
    ------
    ConfigError
        If the text is not an ISO date or time.
    """
    if stated := _OFFSET.fullmatch(text):
        sign, hours, minutes = stated["sign"] or "+", int(stated["hours"] or 0), int(stated["minutes"] or 0)
        return seconds(stated["stamp"]) - float(f"{sign}1") * (3600 * hours + 60 * minutes)
    try:  # numpy also takes "now", and a year alone, which is more likely a number in quotes
        moment = np.array([text if DATE.match(text) else "NaT"], dtype="datetime64[us]")
    except ValueError:
        moment = np.array(["NaT"], dtype="datetime64[us]")
    if np.isnat(moment).any():
        raise ConfigError(f"text compared with numbers must be an ISO date, got {text!r}: write '2024-01-31'.")
    if zone is not None:  # an hour that the clocks skip or repeat in spring and autumn: the next, and the first
        local = pd.DatetimeIndex(moment).tz_localize(zone, ambiguous=np.array([True]), nonexistent="shift_forward")
        moment = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    return float(moment.astype(np.int64)[0]) / 1e6
