"""What an audit has to go by: which real rows the synthetic ones were made from, and which their maker never saw."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from loop.seeds import root, stream
from loop.types import Table

NO_CONTROLS = (
    "Whether an attacker can tell whose rows were used cannot be known from these two tables: every real row at hand "
    "may have been used. Give real rows that the maker of the synthetic table never saw (--controls FILE), or its "
    "generator (--generator NAME), which is then fitted on one half of the real rows."
)
MAY_HAVE_SEEN = (
    "The real rows are cut in two: models are tested on one half, which the maker of the synthetic table may have "
    "seen, so what they score may be too good."
)


@dataclass(frozen=True, eq=False)
class Target:
    """What a membership attack is made on. Members, controls and reference have no row in common."""

    members: Table  # real rows from which the synthetic ones were made
    controls: Table  # real rows of the same kind that were not used: they are attacked, too
    reference: Table  # more of these, which the attacker knows
    synthetic: Table


@dataclass(frozen=True, eq=False)
class Evidence:
    """The tables of an audit, all of one schema."""

    known: Table  # real rows that the synthetic ones should be like
    held_out: Table  # other real rows, on which models are tested
    synthetic: Table
    target: Target | None  # None = membership cannot be tried
    said: tuple[str, ...] = ()  # what the reader has to know of these rows, a sentence each


def two_tables(real: Table, synthetic: Table, rng: np.random.Generator) -> Evidence:
    """Return what two tables alone can show: nothing about membership."""
    known, held_out = halves(real, rng)
    return Evidence(known, held_out, synthetic, None, (MAY_HAVE_SEEN, NO_CONTROLS))


def with_controls(real: Table, synthetic: Table, unseen: Table, rng: np.random.Generator) -> Evidence:
    """Return what can be shown with real rows that were never used: one half is attacked, the attacker knows the other.

    Parameters
    ----------
    real : Table
        The rows from which the synthetic ones were made.
    synthetic, unseen : Table
    rng : numpy.random.Generator
        Cuts the unseen rows in two.
    """
    controls, reference = halves(unseen, rng)
    return Evidence(real, unseen, synthetic, Target(real, controls, reference, synthetic))


def refitted(real: Table, make: Callable[[Table], Table], rng: np.random.Generator) -> Evidence:
    """Return what a generator shows that is fitted on one half of the real rows.

    Parameters
    ----------
    real : Table
    make : callable
        Fits the generator on a table and returns about as many synthetic rows.
    rng : numpy.random.Generator
        Cuts the rows in two.
    """
    seed = root(rng)
    members, unseen = halves(real, stream(seed, "members"))
    evidence = with_controls(members, make(members), unseen, stream(seed, "controls"))
    said = f"The generator was fitted on {len(members):,} of the {len(real):,} real rows; it never saw the others."
    return replace(evidence, said=(said,))


def halves(table: Table, rng: np.random.Generator) -> tuple[Table, Table]:
    """Cut the rows in two at random; rows of one unit, such as a card, stay together."""
    unit = np.arange(len(table)) if table.unit is None else np.unique(table.unit, return_inverse=True)[1]
    order = rng.permutation(unit.max(initial=-1) + 1)
    first = order[unit] % 2 == 0
    return table.take(first), table.take(~first)


def thinned(table: Table, most: int, rng: np.random.Generator) -> Table:
    """Return the table, or so many of its rows at random."""
    return table if len(table) <= most else table.take(np.sort(rng.permutation(len(table))[:most]))
