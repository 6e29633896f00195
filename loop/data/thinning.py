"""Fewer rows of large classes for models that take long to fit, and the correction of what is learnt from them."""

from dataclasses import replace

import numpy as np

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
    kept = drawn_counts(counts, most)
    if (kept == counts).all():
        return table, np.ones(table.n_classes)
    present = np.argsort(counts, kind="stable")
    drawn = [rng.choice(np.flatnonzero(table.y == code), kept[code], replace=False) for code in present if counts[code]]
    shares = np.divide(kept, counts, out=np.ones(len(counts)), where=counts > 0)
    return table.take(np.sort(np.concatenate(drawn))), shares


def weighted_sample(table: Table, most: int, rng: np.random.Generator) -> Table:
    """Draw rows as `thinned` does, each weighted for the rows of its class that it stands for."""
    rows, shares = thinned(table, most, rng)
    return rows if rows is table else replace(rows, weight=rows.weight / shares[rows.y])


def drawn_counts(counts: np.ndarray, most: int) -> np.ndarray:
    """Return how many rows of each class (K,) to keep of so many, at most ``most`` in all.

    Every class may have an equal part of them; what small classes leave goes to the larger ones.
    """
    kept, left = counts.copy(), most
    present = [int(code) for code in np.argsort(counts, kind="stable") if counts[code]]
    for position, code in enumerate(present):
        kept[code] = min(int(counts[code]), left // (len(present) - position))
        left -= int(kept[code])
    return kept


def undo_thinning(proba: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Correct probabilities (n, K) learnt where ``shares`` (K,) of each class were seen (Elkan 2001, section 2)."""
    odds = proba / shares
    corrected: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return corrected
