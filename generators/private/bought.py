"""What the user has not stated is bought with a part of the budget: ranges of numbers, and categories."""

import math
from dataclasses import replace

import numpy as np

from generators.private.noise import Noise
from loop.types import Column

POWERS = np.arange(-20, 65)  # a range ends at a power of two: from about 0.000001 to 2e19
CERTAIN = 4.0  # deviations of the noise above which a cell is not empty


def with_range(column: Column, x: np.ndarray, noise: Noise, rho: float) -> Column | None:
    """Return an ordered column with a finite range, each end it lacks bought; None if no value was found.

    Rows are counted between powers of two, of both signs; the range reaches to the outermost cells that are surely not
    empty. What lies beyond counts as the end of the range.

    Parameters
    ----------
    column : Column
        Infinite ends are unknown.
    x : np.ndarray
        Its values, shape (n,), without missing ones.
    noise : Noise
    rho : float
        What may be spent.
    """
    edges = np.concatenate([-(2.0 ** POWERS[::-1]), 2.0**POWERS])
    cell = np.searchsorted(edges[1:-1], np.clip(x, edges[0], edges[-1]), side="right")
    counts, deviation = noise.counts(f"range of {column.name}", np.bincount(cell, minlength=len(edges) - 1), rho)
    filled = np.flatnonzero(counts > CERTAIN * deviation)
    if not len(filled):
        return None
    low = column.low if np.isfinite(column.low) else float(edges[filled[0]])
    high = column.high if np.isfinite(column.high) else float(edges[filled[-1] + 1])
    return replace(column, low=min(low, high), high=max(low, high))


def kept_categories(name: str, counts: np.ndarray, noise: Noise, rho: float, delta: float) -> np.ndarray:
    """Return which of the categories seen (c,) may be known to exist, as a mask.

    Only categories that occur are counted, so a category of one person alone could betray them: it is shown with a
    chance of at most ``delta``, as the threshold lies that far above what one person can have.

    References
    ----------
    Korolova and others (2009), Releasing search queries and clicks privately. The tail of the discrete Gaussian:
    Canonne, Kamath, Steinke (2020), Proposition 25, P(noise >= t) <= exp(-t^2 / (2 variance)).
    """
    most = noise.sensitivity
    noise.ledger.spend_delta(f"threshold of categories of {name}", delta)
    noisy, deviation = noise.counts(f"categories of {name}", counts, rho)
    threshold = most + math.ceil(deviation * math.sqrt(2 * math.log(most / delta)))
    kept: np.ndarray = noisy >= threshold
    return kept
