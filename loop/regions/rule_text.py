"""Rules as text: ``amount > 312.5 and merchant in {fuel, travel} and age missing``."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from loop.expressions.zones import zone_of
from loop.types import Column, Condition, Schema


def describe(rule: Sequence[Condition], schema: Schema) -> str:
    """Return the rule as text. Numbers are rounded for reading; the conditions keep the exact thresholds."""
    return " and ".join(_side(condition, schema.columns[condition.column]) for condition in rule) or "anywhere"


def _side(condition: Condition, column: Column) -> str:
    if condition.codes is not None:
        known = _among(condition.codes, column)
    else:
        known = _between(condition, column)
    if not condition.missing:
        return known or f"{column.name} known"
    return f"{known} or missing" if known else f"{column.name} missing"


def _among(codes: frozenset[int], column: Column) -> str:
    names = column.categories or (False, True)
    chosen = [str(names[code]) for code in sorted(codes)]
    if len(chosen) in (0, len(names)):
        return ""
    return f"{column.name} = {chosen[0]}" if len(chosen) == 1 else f"{column.name} in {{{', '.join(chosen)}}}"


def _between(condition: Condition, column: Column) -> str:
    low, high = condition.low, condition.high
    if np.isfinite(low) and np.isfinite(high):
        return f"{_number(low, column)} < {column.name} <= {_number(high, column)}"
    if np.isfinite(low):
        return f"{column.name} > {_number(low, column)}"
    return f"{column.name} <= {_number(high, column)}" if np.isfinite(high) else ""


def _number(value: float, column: Column) -> str:
    if column.kind == "datetime":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
        if (zone := zone_of(column)) is not None:  # with its offset, as an expression reads it back
            return pd.Timestamp(moment).tz_convert(zone).isoformat(sep=" ", timespec="seconds")
        # If all values are midnights, an edge between two of them separates the same values as the midnight before it.
        return f"{moment:%Y-%m-%d}" if column.days else f"{moment:%Y-%m-%d %H:%M:%S}"
    if column.kind == "integer":
        return f"{value:.0f}"
    rounded = float(f"{value:.4g}") if column.decimals is None else round(value, column.decimals)
    return f"{rounded:.15g}"
