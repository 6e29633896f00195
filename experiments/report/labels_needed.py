"""How many rows a test part needs to prove a gain: a power calculation from the paired evidence of one test part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from loop.cycle.acceptance import FEWEST

POWER = 0.8  # share of test parts of the stated size that prove a gain of this size
MOST_TIMES = 20  # test parts so many times as large: beyond, no number is sensible


@dataclass(frozen=True)
class LabelsNeeded:
    """The size of a test part that proves a gain in four of five cases, if the gain is as large as assumed."""

    positives: int  # rows of the class to catch, all in all
    rows: int  # of all classes, at the same share of the class to catch
    more_positives: int
    more_rows: int


def standard_error(difference: Mapping[str, float]) -> float:
    """Return the standard error behind an interval of a paired difference, half its width in normal quantiles.

    Parameters
    ----------
    difference : mapping
        ``low``, ``high`` and ``level``, as of `loop.types.Interval`.
    """
    quantile = NormalDist().inv_cdf((1 + difference["level"]) / 2)
    return (difference["high"] - difference["low"]) / (2 * quantile)


def labels_needed(
    gain: float, error: float, positives: int, rows: int, fewest: int, level: float = 0.95
) -> LabelsNeeded | None:
    """Return how large a test part must be for an interval that excludes zero in four of five cases.

    With r times the rows the standard error is 1 / sqrt(r) of what it is. A gain g is proven with power p if
    ``g = (t(level) + t(p)) s / sqrt(r)`` (Cohen 1988, *Statistical Power Analysis*, section 2.4), with quantiles of
    Student's distribution, as s is estimated from few rows to catch.

    Parameters
    ----------
    gain : float
        The gain to be proven.
    error : float
        Its standard error on the test part at hand.
    positives, rows : int
        Of the class to catch and of all classes in the test part at hand.
    fewest : int
        Independent rows or groups of the rarest class in it; with fewer than 20 nothing is called proven.
    level : float
        Of the interval that is to exclude zero.

    Returns
    -------
    LabelsNeeded or None
        None if there is no gain, or if the test part would have to be more than 20 times as large.
    """
    if gain <= 0 or min(positives, fewest) < 1:
        return None
    from scipy.stats import t  # slow to import

    quantiles = float(t.ppf((1 + level) / 2, max(1, fewest - 1)) + t.ppf(POWER, max(1, fewest - 1)))
    times = max(1.0, (quantiles * error / gain) ** 2, FEWEST / fewest)
    if times > MOST_TIMES:
        return None
    all_positives, all_rows = (math.ceil(times * each) for each in (positives, rows))
    return LabelsNeeded(all_positives, all_rows, all_positives - positives, all_rows - rows)
