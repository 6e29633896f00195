"""Fewer rows of large classes for models that take long to fit, and the correction of what is learnt from them."""

import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from loop.protocols import Learner
from loop.rows import Rows
from loop.types import Table


def thinned(table: Table, most: int, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Draw at most about ``most`` rows; classes that are small enough stay whole.

    Parameters
    ----------
    table : Table, n rows
    most : int
        Rows to keep. Every class may have an equal part of them; what small classes leave goes to the larger ones.
    rng : numpy.random.Generator

    Returns
    -------
    Table
        The rows kept, in their order.
    ndarray of shape (K,)
        Share of each class that was kept.
    """
    counts = np.bincount(table.y, minlength=table.n_classes)
    shares, left = np.ones(table.n_classes), most
    present = [int(code) for code in np.argsort(counts, kind="stable") if counts[code]]
    for position, code in enumerate(present):
        allowed = min(int(counts[code]), left // (len(present) - position))
        shares[code], left = allowed / counts[code], left - allowed
    if (shares == 1).all():
        return table, shares
    drawn = [
        rng.choice(np.flatnonzero(table.y == code), round(shares[code] * counts[code]), replace=False)
        for code in present
    ]
    return table.take(np.sort(np.concatenate(drawn))), shares


def undo_thinning(proba: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Correct probabilities (n, K) learnt where ``shares`` (K,) of each class were seen (Elkan 2001, section 2)."""
    odds = proba / shares
    corrected: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return corrected


@dataclass(eq=False)
class Thinned:
    """A learner that is fitted on at most ``most`` rows, with its probabilities corrected for it.

    Parameters
    ----------
    learner : Learner
    most : int
        Most rows, see `thinned`.
    """

    learner: Learner
    most: int
    fitted_: Learner = field(init=False, repr=False)
    shares_: np.ndarray = field(init=False, repr=False)  # (K,)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a copy of the learner on the rows drawn."""
        rows, self.shares_ = thinned(table, self.most, rng)
        self.fitted_ = copy.deepcopy(self.learner).fit(rows, rng)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        return undo_thinning(self.fitted_.predict_proba(rows), self.shares_)


_learner: type[Learner] = Thinned
