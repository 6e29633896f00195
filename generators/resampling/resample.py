"""Real rows resampled: nothing new, and therefore the control arm of every comparison."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from loop import seeds
from loop.encoders import ANY
from loop.errors import DataError
from loop.protocols import Generator
from loop.rows import Rows
from loop.types import NOBODY, OUTSIDE, Request, Samples, Schema, Table


@dataclass(eq=False)
class Resample:
    """Draws real rows with replacement from the requested region and class, arrays beside their columns included.

    Returns all requested rows if at least one real row matches, else none.

    Examples
    --------
    >>> generator = Resample().fit(table, rng)  # doctest: +SKIP
    >>> len(generator.sample(Request(Region(), label=1, n=500), rng).table)  # doctest: +SKIP
    500
    """

    reads: ClassVar[str] = ANY

    table_: Table = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the table; only its real rows are ever drawn."""
        real_rows(table)
        self.table_ = table
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw ``request.n`` rows: seeds in proportion to their weight, other rows equally often."""
        rows, chance = starting_rows(self.table_, request)
        draws = class_stream(rng, request.label)
        drawn = draws.choice(rows, size=request.n, p=chance) if len(rows) else rows
        chosen = self.table_.take(drawn)
        return Samples(proposals(chosen.rows, chosen.y, chosen.row_number, chosen.schema), request, len(drawn), "seeds")

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)


def real_rows(table: Table) -> Table:
    """Return the real rows of a table, from which a generator learns.

    Raises
    ------
    DataError
        If there are none.
    """
    real = table.take(table.is_real)
    if not len(real):
        raise DataError(
            f"a generator must have real rows to learn from, got none of {len(table):,}: fit it on real data."
        )
    return real


def starting_rows(table: Table, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Find the real rows that match a request, and the probability of each to start a proposal.

    These are the matching seeds or, in a region without any, all matching rows inside its box with equal probability.

    Returns
    -------
    rows : np.ndarray
        Positions in the table, shape (m,); m may be 0.
    chance : np.ndarray
        Probabilities of shape (m,).
    """
    rows, chance = seed_rows(table, request)
    return (rows, chance) if len(rows) else rows_inside(table, request)


def seed_rows(table: Table, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Find the seeds of a region that match a request and have a weight, and their probabilities, both (m,)."""
    seeds, weight = request.region.seeds, request.region.seed_weight
    if seeds is None:
        return np.arange(0), np.empty(0)
    weight = np.ones(len(seeds)) if weight is None else weight
    usable = _matches(table, request)[seeds] & (weight > 0)
    return seeds[usable], weight[usable] / max(weight[usable].sum(), np.finfo(float).tiny)


def rows_inside(table: Table, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Find the real rows that match a request, and equal probabilities, both (m,)."""
    rows = np.flatnonzero(_matches(table, request))
    return rows, np.full(len(rows), 1 / max(len(rows), 1))


def _matches(table: Table, request: Request) -> np.ndarray:  # (n,) bool
    matches: np.ndarray = table.is_real & request.region.contains(table.rows)
    return matches if request.label is None else matches & (table.y == request.label)


def class_stream(rng: np.random.Generator, label: int | None) -> np.random.Generator:
    """Derive a separate stream for each class, so that equal requests for two classes do not get the same draws."""
    return seeds.stream(seeds.root(rng), "any" if label is None else int(label))


def proposals(rows: Rows | np.ndarray, y: np.ndarray, parents: np.ndarray, schema: Schema) -> Table:
    """Wrap new rows: their generation is `OUTSIDE` and their supply none until the controller writes both.

    Parameters
    ----------
    rows : Rows or np.ndarray
        Encoded rows, or their columns (n, d) if they have no more.
    y : np.ndarray
        Class codes (n,).
    parents : np.ndarray
        Row numbers of all real rows that each was made from, shape (n,) or (n, p), the start first; -1 = none.
    """
    n, rows = len(rows), rows if isinstance(rows, Rows) else Rows(rows)
    parents = parents if parents.ndim == 2 else parents[:, None]
    return Table(rows, y, schema, np.ones(n), np.full(n, OUTSIDE), np.full(n, NOBODY), parents)


def no_proposals(table: Table) -> Table:
    """Return no new rows, with the columns of a table."""
    return proposals(table.X[:0], table.y[:0], table.row_number[:0], table.schema)


def no_rows(table: Table) -> Table:
    """Return no new rows, with the columns and the arrays of a table: for generators that make arrays."""
    none = table.take(np.arange(0))
    return proposals(none.rows, none.y, none.row_number, none.schema)


_: type[Generator] = Resample
