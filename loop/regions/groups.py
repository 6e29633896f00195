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

MOST = 200  # only the largest groups are tested: more tests cost time and power
MISSING = -1  # code of a missing value


@dataclass(frozen=True)
class Groups:
    """Finds the weak groups among those that columns such as sex or region define.

    Every value of a column is a group, also a missing one, and so is every pair of values of two different columns:
    a pair can be weak although neither column shows it (Kearns, Neel, Roth, Wu 2018, Preventing Fairness
    Gerrymandering). Only the largest 200 groups are tested.

    Parameters
    ----------
    columns : tuple of str
        Names of categorical or boolean columns.
    min_rows, min_positives : int
        Fewest rows, and fewest rows of the positive class, in a group.
    false_discovery : float
        Largest expected share of reported groups that are not weaker; on pure noise, the chance to report any.

    Raises
    ------
    ConfigError
        If no column is named or one is named twice, ``min_rows`` is below 1, ``min_positives`` is below 0, or
        ``false_discovery`` is not above 0 and at most 1.
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
        """Return the confirmed groups as rules, worst first; there may be none.

        Parameters are those of `loop.protocols.RegionFinder.find`.

        Raises
        ------
        DataError
            If a column is missing or has no groups, or the weakness does not fit the table.
        """
        rows = measured_rows(table, weakness)
        seen = table.take(rows)
        positive = seen.y == seen.schema.positive
        large = sorted(self._large(table.schema, seen.X, positive), key=lambda each: -each[0])[:MOST]
        candidates: list[Candidate] = []
        for _, rule in large:
            region = Region(rule, describe(rule, table.schema))
            inside = region.contains(seen.rows)
            if not inside.all():
                candidates.append((region, inside))
        return confirmed(candidates, table, weakness, rows, self.false_discovery, rng)

    def _large(self, schema: Schema, X: np.ndarray, positive: np.ndarray) -> Iterator[tuple[int, Rule]]:
        """Yield size and rule of every value of a column, and every pair of values of two, that has enough rows."""
        columns = positions(schema, self.columns)
        for chosen in [*((at,) for at in columns), *combinations(columns, 2)]:
            values, group = np.unique(np.nan_to_num(X[:, chosen], nan=MISSING), axis=0, return_inverse=True)
            counts = np.bincount(group.ravel(), minlength=len(values))
            hits = np.bincount(group.ravel()[positive], minlength=len(values))
            for number in np.flatnonzero((counts >= self.min_rows) & (hits >= self.min_positives)):
                sides = zip(chosen, values[number], strict=True)
                yield int(counts[number]), tuple(side(at, int(code)) for at, code in sides)


def positions(schema: Schema, columns: tuple[str, ...]) -> list[int]:
    """Return the positions of the columns that define groups.

    Raises
    ------
    DataError
        If a column is missing or numeric.
    """
    discrete = {schema.columns[at].name: int(at) for at in np.flatnonzero(schema.discrete)}
    if unknown := [name for name in columns if name not in discrete]:
        known = ", ".join(discrete) or "none"
        raise DataError(
            f"groups must come from categorical or boolean columns (here {known}), got {unknown[0]}: name one of these."
        )
    return [discrete[name] for name in columns]


def side(at: int, code: int) -> Condition:
    """Return the condition that a column has the value of a code; -1 = it is missing."""
    if code == MISSING:
        return Condition(at, codes=frozenset(), missing=True)
    return Condition(at, codes=frozenset({code}))
