"""The checks of a rule book, bound to a table and tried on a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from experiments.stress.probes import Found, Score, check_invariant, check_limits, check_monotone
from generators.rules.checks import Bound, Checks, check_agree
from loop.data.encoding import encode_features
from loop.errors import ConfigError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.types import Region, Schema

SHOWN = 6  # columns of a row that are told in an example


@dataclass(frozen=True, eq=False)
class Tried:
    """A check in words, what was found, and the worst row in words."""

    text: str
    found: Found
    example: str  # "" = no row breaks it

    @property
    def share(self) -> float:
        """Share of the rows that break it; 0 if there are none."""
        return self.found.broken / max(self.found.rows, 1)


def check_fits(checks: Checks, schema: Schema) -> tuple[Region, ...]:
    """Return the regions of the limits, once the checks fit a table.

    Raises
    ------
    ConfigError
        If a check names an unknown column or one that has no order, or two limits of one row contradict each other.
    """
    columns = {column.name: column for column in schema.columns}
    for name in (*checks.monotone, *checks.invariant):
        if name not in columns:
            raise ConfigError(f"checks must name columns of the table ({', '.join(columns)}), got {name!r}: rename it.")
    for name in checks.monotone:
        if columns[name].kind == "categorical":
            raise ConfigError(
                f"a monotone column must have an order, and {name!r} is categorical: list it under invariant, or "
                "limit scores by its values."
            )
    regions = tuple(as_region(bound.where, schema) for bound in checks.limits)
    for one, other in combinations(checks.limits, 2):
        if _overlap(one, other, schema):
            check_agree(one, other)
    return regions


def _overlap(one: Bound, other: Bound, schema: Schema) -> bool:
    try:
        as_region(parse(f"({one.where.text}) and ({other.where.text})"), schema)
    except ConfigError:  # each of them is a region, so no row is in both
        return False
    return True


def tried(checks: Checks, schema: Schema, score: Score, frame: pd.DataFrame) -> Iterator[Tried]:
    """Try each check on a model.

    Parameters
    ----------
    checks : Checks
        That fit the schema.
    schema : Schema
    score : callable
        Returns the scores (n,) of a frame of n rows.
    frame : pandas.DataFrame
        The rows; a monotone or invariant column takes up to `probes.VALUES` of the values in them.
    """
    for name, up in checks.monotone.items():
        text = f"raising {name} never {'lowers' if up else 'raises'} the score"
        yield _told(text, check_monotone(score, frame, name, up), frame, name)
    for name in checks.invariant:
        text = f"{name} changes the score by at most {checks.within:g}"
        yield _told(text, check_invariant(score, frame, name, checks.within), frame, name)
    rows = encode_features(schema, frame)
    for bound, region in zip(checks.limits, check_fits(checks, schema), strict=True):
        inside = region.contains(rows)
        limits = [f"at least {bound.at_least:g}"] * (bound.at_least > 0) + [f"at most {bound.at_most:g}"] * (
            bound.at_most < 1
        )
        text = f"where {bound.where.text}, the score is {' and '.join(limits) or 'any'}"
        yield _told(text, check_limits(score, frame, inside, bound.at_least, bound.at_most), frame)


def limit_masks(regions: Sequence[Region], schema: Schema, frame: pd.DataFrame) -> list[np.ndarray]:
    """Return which rows of a frame each limit is about, (n,) bool each."""
    rows = encode_features(schema, frame)
    return [region.contains(rows) for region in regions]


def _told(text: str, found: Found, frame: pd.DataFrame, column: str | None = None) -> Tried:
    if not found.broken:
        return Tried(text, found, "")
    row = frame.iloc[found.row]
    rest = [name for name in frame.columns if name != column]
    others = ", ".join(f"{name} {_value(row[name])}" for name in rest[:SHOWN]) + (", ..." if len(rest) > SHOWN else "")
    if column is None:
        return Tried(text, found, f"score {found.before:.3f} of the row with {others}")
    change = f"{column} from {_value(found.low)} to {_value(found.high)}"
    return Tried(text, found, f"{change}: score {found.before:.3f} to {found.after:.3f}, {others}")


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
