"""What was asked and answered, and how the answers join the known rows: chosen ones to fit, audited ones to judge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop.rows import Rows
from loop.types import Table


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to one batch of questions. A row may be asked about in one batch and audited in another."""

    rows: np.ndarray  # (m,) positions in the pool
    y: np.ndarray  # (m,) class codes, -1 = not answered
    inclusion: np.ndarray  # (m,) probability of its draw into the audit; NaN = chosen by a model

    @property
    def audited(self) -> np.ndarray:  # (m,) bool
        drawn: np.ndarray = ~np.isnan(self.inclusion)
        return drawn


def known(batches: Sequence[Answers], n: int) -> np.ndarray:
    """Return the answer to each of n rows of the pool, (n,) class codes, -1 = none; the first answer holds."""
    y = np.full(n, -1, dtype=np.int64)
    for batch in reversed(batches):
        there = batch.y >= 0
        y[batch.rows[there]] = batch.y[there]
    return y


def unasked(batches: Sequence[Answers], n: int, again: bool = False) -> np.ndarray:
    """Mark those of n rows of the pool that may be asked about, (n,) bool.

    They are the rows never asked about; with ``again`` also those that were, and have no answer.
    """
    if again:
        return known(batches, n) < 0
    free = np.ones(n, dtype=bool)
    for batch in batches:
        free[batch.rows] = False
    return free


def judging(batches: Sequence[Answers], n: int) -> np.ndarray:
    """Return the weight of each of n rows of the pool as a judge row, (n,): 0 for rows that only a model chose.

    Each batch's audit estimates sums over the pool without bias, one over its inclusion probability for each row drawn;
    batches are averaged in proportion to their questions, whatever each happened to draw. The model that tilts a draw
    was fitted before the draw, so the average is unbiased however questions followed from earlier answers. The weights
    are scaled so that they sum to the number of rows of an even draw that would be worth as much (Kish 1965, "Survey
    sampling").
    """
    weight = np.zeros(n)
    for batch in batches:
        drawn = batch.audited & (batch.y >= 0)
        np.add.at(weight, batch.rows[drawn], len(batch.rows) / batch.inclusion[drawn])
    scale = weight.sum() / (weight**2).sum() if weight.any() else 1.0
    return weight * scale


def first_free(table: Table) -> int:
    """Return the first row number after those of a table, whose numbers have gaps where rows were dropped."""
    return int(table.row_number.max(initial=-1)) + 1


def grown(table: Table, pool: Rows, batches: Sequence[Answers], first_number: int, unit: np.ndarray | None) -> Table:
    """Return the table with the answered rows of the pool.

    Rows known before judge with the weight they have, audited rows with that of `judging`, all others not at all.

    Parameters
    ----------
    table : Table, n rows
        The rows known before.
    pool : Rows, N rows
    batches : sequence of Answers
    first_number : int
        Row number of the pool's first row; the others follow.
    unit : ndarray of shape (N,), optional
        Units of the pool's rows, of the same numbering as the table's; None = none, as in the table.
    """
    y = known(batches, len(pool))
    there = np.flatnonzero(y >= 0)
    new = Table.real(pool.take(there), y[there], table.schema).numbered(first_number + there)
    before = np.ones(len(table)) if table.judging is None else table.judging
    whole = replace(Table.concat([table, new]), judging=np.concatenate([before, judging(batches, len(pool))[there]]))
    if table.unit is None:
        return whole
    own = np.arange(len(there)) + max(table.unit.max(initial=-1), -1) + 1 if unit is None else unit[there]
    return replace(whole, unit=np.concatenate([table.unit, own]))
