"""Rows for the groups that are short of them: how many each would need, and how many a generator delivers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.trust.fairness.groups import Group, cells_of
from loop.errors import DataError
from loop.protocols import Generator
from loop.regions.rule_text import describe
from loop.types import Region, Request, Table

MOST_GROUPS = 1000


@dataclass(frozen=True, eq=False)
class Balance:
    """Rows made for groups, and for each group how many there were, were asked for, and came."""

    rows: Table
    groups: tuple[Group, ...]
    real: np.ndarray  # (g,) int64
    asked: np.ndarray  # (g,) int64
    delivered: np.ndarray  # (g,) int64

    @property
    def lines(self) -> list[str]:
        """One line for each group that was short: what was asked for, what came, and its share before and after."""
        before, after = self.real / self.real.sum(), self.real + self.delivered
        shares = after / after.sum()
        return [
            f"{group.name}: {came:,} of {asked:,} rows, {one:.1%} of all before, {other:.1%} with them"
            for group, came, asked, one, other in zip(
                self.groups, self.delivered, self.asked, before, shares, strict=True
            )
            if asked
        ]


def balanced(
    generator: Generator, table: Table, columns: Sequence[str], n: int, label: int | None, rng: np.random.Generator
) -> Balance:
    """Make n rows for the smallest groups, so that real and new rows together are as evenly spread as n rows allow.

    Parameters
    ----------
    generator : Generator
        Fitted on the table.
    table : Table
        Real rows.
    columns : sequence of str
        Categorical or boolean; each combination of their values that has real rows is a group.
    n : int
        Rows wanted in all.
    label : int or None
        Class wanted, None = classes as they occur in each group.
    rng : numpy.random.Generator

    Raises
    ------
    DataError
        If a column is missing, cannot form groups, or there are too many groups.
    """
    groups = cells_of(table, columns)
    if len(groups) > MOST_GROUPS:
        raise DataError(
            f"groups to balance must be at most {MOST_GROUPS:,}, got {len(groups):,} combinations of "
            f"{', '.join(columns)}: name fewer columns."
        )
    real = np.array([int(group.inside.sum()) for group in groups])
    asked, made = filled_up(real, n), []
    for group, wanted in zip(groups, asked, strict=True):
        region = Region(group.rule, describe(group.rule, table.schema))
        made.append(generator.sample(Request(region, label, int(wanted)), rng).table)
    delivered = np.array([len(rows) for rows in made])
    return Balance(Table.concat(made), tuple(groups), real, asked, delivered)


def filled_up(counts: np.ndarray, n: int) -> np.ndarray:
    """Share n rows out so that the smallest of the counts (g,) become as large as possible; the sum is n exactly."""
    order = np.argsort(counts, kind="stable")
    ranked = counts[order].astype(np.int64)
    level, left, reached = int(ranked[0]), n, len(ranked)
    for number in range(1, len(ranked)):
        step = (int(ranked[number]) - level) * number
        if step > left:
            reached = number
            break
        level, left = int(ranked[number]), left - step
    level += left // reached
    given = np.where(np.arange(len(ranked)) < reached, np.maximum(level - ranked, 0), 0)
    given[: left % reached] += 1
    shared = np.empty_like(given)
    shared[order] = given
    return shared
