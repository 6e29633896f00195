"""Weak groups of people: those on which the learner does worse than on the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from loop.errors import ConfigError, DataError
from loop.regions.boxes import Rule
from loop.regions.given import Candidate, confirmed
from loop.regions.words import describe
from loop.types import Condition, Region, Schema, Table
from loop.weakness import measured_rows


@dataclass(frozen=True)
class Groups:
    """Finds the weak ones among the groups that columns such as sex or region make.

    Every value of a column is a group, a missing one too; so is every pair of values of two different columns, where
    gaps can hide that neither column shows (Kearns, Neel, Roth, Wu 2018, Preventing Fairness Gerrymandering).

    Parameters
    ----------
    columns : tuple of str
        Names of categorical or boolean columns.
    min_rows, min_positives : int
        Rows and rows of the positive class in a group, at least.
    false_discovery : float
        Expected share of groups that are not weaker than the rest, at most; on pure noise, the chance to report any.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    columns: tuple[str, ...]
    min_rows: int = 20
    min_positives: int = 5
    false_discovery: float = 0.05

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigError("columns must name at least one column, got none: name those that make the groups.")
        for name, least in (("min_rows", 1), ("min_positives", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}: raise it.")
        if not 0 < self.false_discovery <= 1:
            share = self.false_discovery
            raise ConfigError(f"false_discovery is a share and must be above 0 and at most 1, got {share}.")

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return the confirmed groups as rules, worst first; none is an answer.

        Parameters
        ----------
        table : Table
            Synthetic rows in it are ignored.
        weakness : ndarray of shape (n,)
            Weakness of each row, higher is weaker, from a learner that has not seen it; NaN = not measured, ignored.
        rng : numpy.random.Generator

        Raises
        ------
        DataError
            If the table lacks one of the columns or it makes no groups, or the weakness does not fit the table.
        """
        rows = measured_rows(table, weakness)
        X, positive = table.X[rows], table.y[rows] == table.schema.positive
        large: list[Candidate] = []
        for region in self._groups(table.schema):
            inside = region.contains(X)
            enough = inside.sum() >= self.min_rows and (inside & positive).sum() >= self.min_positives
            if enough and not inside.all():
                large.append((region, inside))
        return confirmed(large, weakness[rows], positive, rows, self.false_discovery, rng)

    def _groups(self, schema: Schema) -> Iterator[Region]:
        """Name every value of the columns, then every pair of values of two."""
        sides = [_values(schema, name) for name in self.columns]
        rules: list[Rule] = [(side,) for values in sides for side in values]
        for first, second in combinations(sides, 2):
            rules += [(a, b) for a in first for b in second]
        for rule in rules:
            yield Region(rule, describe(rule, schema))


def positions(schema: Schema, columns: tuple[str, ...]) -> list[int]:
    """Return where the columns are that make groups.

    Raises
    ------
    DataError
        If one is not there, or holds numbers.
    """
    discrete = {column.name: at for at, column in enumerate(schema.columns) if schema.discrete[at]}
    if unknown := [name for name in columns if name not in discrete]:
        known = ", ".join(discrete) or "none"
        raise DataError(
            f"groups must come from categorical or boolean columns (here {known}), got {unknown[0]}: name one of these."
        )
    return [discrete[name] for name in columns]


def _values(schema: Schema, name: str) -> list[Condition]:
    (at,) = positions(schema, (name,))
    column = schema.columns[at]
    codes = range(2 if column.kind == "boolean" else len(column.categories))
    missing = [Condition(at, codes=frozenset(), missing=True)] if column.missing else []
    return [Condition(at, codes=frozenset({code})) for code in codes] + missing
