"""Exact intervals for the figures of an attack: the worst that the rows allow matters, so none may be too narrow."""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, norm, rankdata

from loop.types import Interval

LEVEL = 0.99  # of every interval: six of them decide whether members can be told (two for each group of rows)


def share(hits: int, n: int) -> Interval:
    """Return the share of hits among n rows with the interval of Clopper and Pearson (1934, *Biometrika* 26:404)."""
    interval = binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return Interval(hits / n, float(interval.low), float(interval.high), LEVEL)


def auc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Return the chance that a score (n,) inside is above one (m,) outside; a tie counts half."""
    ranks = rankdata(np.concatenate([inside, outside]))[: len(inside)]
    n, m = len(inside), len(outside)
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def auc_interval(area: float, n: int, m: int) -> Interval:
    """Return the interval of an area from n and m rows by method 5 of Newcombe (2006, *Stat Med* 25:559).

    It has a width even where the area is 0 or 1.

    Examples
    --------
    >>> found = auc_interval(1.0, 50, 50)
    >>> 0.85 < found.low < 0.99, found.high
    (True, 1.0)
    """
    z, half = norm.ppf(0.5 + LEVEL / 2), (n + m) / 2 - 1

    def beyond(true: float) -> float:
        """Return by how much the estimate lies outside the interval around a true area."""
        spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
        return float((area - true) ** 2 - z**2 * true * (1 - true) * spread / (n * m))

    first, last = 1e-9, 1 - 1e-9  # at 0 and 1 themselves there is no spread
    below, above = min(area, last), max(area, first)
    low = brentq(beyond, first, below) if beyond(first) > 0 > beyond(below) else 0.0
    high = brentq(beyond, above, last) if beyond(last) > 0 > beyond(above) else 1.0
    return Interval(area, float(low), float(high), LEVEL)
