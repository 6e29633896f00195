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
    drawn, shares = _drawn(table.y, table.n_classes, most, rng)
    return table.take(drawn), shares


def weighted_sample(table: Table, most: int, rng: np.random.Generator, within: np.ndarray | None = None) -> Table:
    """Draw rows as `thinned` does, each weighted for the rows of its class that it stands for.

    ``within`` are the positions (m,) of the rows to draw from, None = all.
    """
    drawn, shares = _drawn(table.y if within is None else table.y[within], table.n_classes, most, rng)
    rows = table.take(drawn if within is None else within[drawn])
    return rows if rows is table else replace(rows, weight=rows.weight / shares[rows.y])


def _drawn(y: np.ndarray, n_classes: int, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the rows kept, in order, and the share of each class that was kept."""
    counts = np.bincount(y, minlength=n_classes)
    kept = drawn_counts(counts, most)
    if (kept == counts).all():
        return np.arange(len(y)), np.ones(n_classes)
    present = np.argsort(counts, kind="stable")
    drawn = [rng.choice(np.flatnonzero(y == code), kept[code], replace=False) for code in present if counts[code]]
    shares = np.divide(kept, counts, out=np.ones(len(counts)), where=counts > 0)
    return np.sort(np.concatenate(drawn)), shares


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
