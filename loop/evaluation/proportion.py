"""A share of rows, with its interval."""

from scipy.stats import binomtest

from loop.types import Interval


def proportion(hits: int, n: int) -> Interval:
    """Return the share of hits among n rows, with the 95 % interval of Wilson (1927, *JASA* 22:158).

    Parameters
    ----------
    hits, n : int
        ``n`` at least 1, and ``hits`` from 0 to ``n``; the rows count as independent.
    """
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return Interval(hits / n, float(interval.low), float(interval.high))
