"""Weak groups of people: those on which the learner does worse than on the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from loop.errors import ConfigError, DataError
from loop.regions.boxes import Rule
from loop.regions.predefined import Candidate, confirmed
from loop.regions.rule_text import describe
from loop.regions.weakness import measured_rows
from loop.support.setting_checks import check_bounds
from loop.types import Condition, Region, Schema, Table

MOST = 200  # groups tested, the largest: each is compared with as many random ones, and more tests prove less
_MISSING = -1


@dataclass(frozen=True)
class Groups:
    """Finds the weak ones among the groups that columns such as sex or region make.

    Every value of a column is a group, a missing one too; so is every pair of values of two different columns, where
    gaps can hide that neither column shows (Kearns, Neel, Roth, Wu 2018, Preventing Fairness Gerrymandering). Of many
    groups the largest 200 are looked at.

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
        if not self.columns or len(set(self.columns)) < len(self.columns):
            got = ", ".join(self.columns) or "none"
            raise ConfigError(f"columns must name one column or more, each once, got {got}: correct them.")
        check_bounds(self, least={"min_rows": 1, "min_positives": 0}, shares=("false_discovery",))

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return the confirmed groups as rules, worst first; none is an answer.

        Parameters are those of `loop.protocols.RegionFinder.find`.

        Raises
        ------
        DataError
            If the table lacks one of the columns or it makes no groups, or the weakness does not fit the table.
        """
        rows = measured_rows(table, weakness)
        X, positive = table.X[rows], table.y[rows] == table.schema.positive
        large = sorted(self._large(table.schema, X, positive), key=lambda each: -each[0])[:MOST]
        candidates: list[Candidate] = []
        for _, rule in large:
            region = Region(rule, describe(rule, table.schema))
            inside = region.contains(X)
            if not inside.all():
                candidates.append((region, inside))
        return confirmed(candidates, table, weakness, rows, self.false_discovery, rng)

    def _large(self, schema: Schema, X: np.ndarray, positive: np.ndarray) -> Iterator[tuple[int, Rule]]:
        """Yield the size and the rule of every value of a column, and pair of values of two, that has rows enough."""
        columns = positions(schema, self.columns)
        for chosen in [*((at,) for at in columns), *combinations(columns, 2)]:
            values, group = np.unique(np.nan_to_num(X[:, chosen], nan=_MISSING), axis=0, return_inverse=True)
            counts = np.bincount(group.ravel(), minlength=len(values))
            hits = np.bincount(group.ravel()[positive], minlength=len(values))
            for number in np.flatnonzero((counts >= self.min_rows) & (hits >= self.min_positives)):
                sides = zip(chosen, values[number], strict=True)
                yield int(counts[number]), tuple(_side(at, int(code)) for at, code in sides)


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


def _side(at: int, code: int) -> Condition:
    if code == _MISSING:
        return Condition(at, codes=frozenset(), missing=True)
    return Condition(at, codes=frozenset({code}))
