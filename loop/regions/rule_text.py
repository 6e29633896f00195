"""Rules as text: ``amount > 312.5 and merchant in {fuel, travel} and age missing``, which can be read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from loop.expressions.tokens import KNOWN, MISSING, bare, quoted, spelled
from loop.expressions.zones import zone_of
from loop.types import Column, Condition, Schema


def describe(rule: Sequence[Condition], schema: Schema, X: np.ndarray | None = None) -> str:
    """Return the rule as text, which `loop.expressions` reads back.

    Numbers are rounded as far as the same rows are inside; the conditions keep the exact thresholds.

    Parameters
    ----------
    rule : sequence of Condition
    schema : Schema
    X : ndarray of shape (n, d), optional
        Encoded rows; None = numbers are exact.
    """
    told = (_Told(each, schema, None if X is None else X[:, each.column]).text for each in rule)
    return " and ".join(filter(None, told)) or "anywhere"


@dataclass(frozen=True, eq=False)
class _Told:
    """One condition of a rule, to be written."""

    condition: Condition
    schema: Schema
    x: np.ndarray | None  # (n,) values of the column

    @property
    def column(self) -> Column:
        return self.schema.columns[self.condition.column]

    @property
    def name(self) -> str:
        return quoted(self.column.name)

    @property
    def text(self) -> str:
        known = self._between() if self.condition.codes is None else self._among(self.condition.codes)
        if self._nothing:
            return f"{self.name} {MISSING}"
        if not self.condition.missing:
            return known or f"{self.name} {KNOWN}"
        return f"{known} or {MISSING}" if known else ""

    @property
    def _nothing(self) -> bool:
        """Whether no known value is inside."""
        return self.condition.codes == frozenset() or self.condition.low >= self.condition.high

    def _among(self, codes: frozenset[int]) -> str:
        values = self.column.categories or (False, True)
        chosen = [self._word(values[code]) for code in sorted(codes)]
        if len(chosen) == len(values):
            return ""
        return f"{self.name} = {chosen[0]}" if len(chosen) == 1 else f"{self.name} in {{{', '.join(chosen)}}}"

    def _word(self, value: object) -> str:
        return spelled(value) if value in self.schema.names else bare(value)

    def _between(self) -> str:
        low, high = self.condition.low, self.condition.high
        if np.isfinite(low) and np.isfinite(high):
            return f"{self._number(low)} < {self.name} <= {self._number(high)}"
        if np.isfinite(low):
            return f"{self.name} > {self._number(low)}"
        return f"{self.name} <= {self._number(high)}" if np.isfinite(high) else ""

    def _number(self, value: float) -> str:
        if self.column.kind == "datetime":
            return _moment(value, self.column)
        if self.column.kind == "integer" and value == round(value):
            return f"{value:.0f}"
        fine = (float(f"{value:.{digits}g}") for digits in range(4, 17))
        rounded = fine if self.column.decimals is None else (round(value, self.column.decimals), *fine)
        chosen = next((each for each in rounded if self._alike(each, value)), value)
        return f"{chosen:.15g}" if float(f"{chosen:.15g}") == chosen else repr(float(chosen))

    def _alike(self, rounded: float, value: float) -> bool:
        """Tell whether a rounded threshold has the same rows on each side."""
        return rounded == value or (self.x is not None and bool(((self.x > rounded) == (self.x > value)).all()))


def _moment(value: float, column: Column) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
    precise: Literal["seconds", "microseconds"] = "seconds" if value == round(value) else "microseconds"
    if (zone := zone_of(column)) is not None:  # with its offset, as an expression reads it back
        return pd.Timestamp(moment).tz_convert(zone).isoformat(sep=" ", timespec=precise)
    # If all values are midnights, an edge between two of them separates the same values as the midnight before it.
    return f"{moment:%Y-%m-%d}" if column.days else moment.replace(tzinfo=None).isoformat(" ", precise)
