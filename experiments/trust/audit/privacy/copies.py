"""Copies and near-copies of real rows among the synthetic ones, counted against what real rows show by themselves."""

from dataclasses import dataclass

import numpy as np

from experiments.trust.audit.evidence import thinned
from experiments.trust.audit.privacy.embedding import Embedding, Neighbours
from experiments.trust.audit.privacy.intervals import share
from loop.data.split import equal_to
from loop.seeds import root, stream
from loop.types import Interval, Table

NEAR = 0.01  # share of held-out real rows that are nearer to a known row than what counts as near


@dataclass(frozen=True)
class Copies:
    """Shares of rows that equal a known real row, or lie near one."""

    equal: Interval  # of the synthetic rows
    equal_usual: Interval  # of held-out real rows
    near: Interval
    near_usual: Interval  # about 1 % by definition, more where many rows are equal
    nearer: float  # share of synthetic rows nearer to a known row than to any of as many held-out ones, ties half
    distance: float  # mean distance of a synthetic row to the nearest known row: what misses leaks
    distance_usual: float  # the same of held-out real rows

    @property
    def too_many(self) -> bool:
        """Whether more synthetic rows are copies or near-copies than real rows explain."""
        return self.equal.low > self.equal_usual.high or self.near.low > self.near_usual.high


def copies(known: Table, held_out: Table, synthetic: Table, rng: np.random.Generator) -> Copies:
    """Count copies of known real rows, label and all.

    Near is what is nearer to a known row than 99 % of the held-out real rows are.

    Parameters
    ----------
    known : Table
        Real rows that may have been copied.
    held_out : Table
        Other real rows of the same kind.
    synthetic : Table
    rng : numpy.random.Generator
        Chooses as many rows of both sides where they are compared with each other.
    """
    embedding = Embedding(known)
    near, made, fresh = (embedding.points(table) for table in (known, synthetic, held_out))
    distance, usual = (Neighbours(near).distances(points)[:, 0] for points in (made, fresh))
    limit = float(np.quantile(usual, NEAR, method="inverted_cdf"))
    equal, equal_usual = (_equal(table, known) for table in (synthetic, held_out))
    seed, size = root(rng), min(len(known), len(held_out))
    sides = (thinned(table, size, stream(seed, name)) for name, table in (("known", known), ("fresh", held_out)))
    to_known, to_fresh = (Neighbours.of(embedding, side).distances(made)[:, 0] for side in sides)
    return Copies(
        equal=_share(equal),
        equal_usual=_share(equal_usual),
        near=_share(distance <= limit),
        near_usual=_share(usual <= limit),
        nearer=float(np.mean((to_known < to_fresh) + 0.5 * (to_known == to_fresh))),
        distance=float(distance.mean()),
        distance_usual=float(usual.mean()),
    )


def _share(rows: np.ndarray) -> Interval:
    return share(int(rows.sum()), len(rows))


def _equal(table: Table, known: Table) -> np.ndarray:
    """Tell which rows equal a known one in all columns and the label, as a mask (n,)."""
    return equal_to(np.column_stack([table.X, table.y]), np.column_stack([known.X, known.y]))
