"""The discrete Gaussian from the system's entropy: whole numbers, no seed, no float that leaks by its last bits.

The distribution is that of Canonne, Kamath and Steinke (2020), The discrete Gaussian for differential privacy. Their
sampler draws one number at a time; this one inverts the distribution function, held as whole numbers of 256 bits, for
many at once. What is lost by 256 bits and by leaving out what lies 20 deviations away is below 2^-200 for 2^30 draws,
and even e^50 times that is nothing beside any delta that is allowed.
"""

import os
from bisect import bisect_right
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import isqrt
from secrets import randbits

import numpy as np

from loop.errors import ConfigError

BITS, WORD = 256, 64  # of a probability; of its first part, which decides unless it is a tie
WORKING_BITS, DIGITS = 384, 130  # of weights while they are computed
DEVIATIONS = 20  # beyond is less than 2^-280
LARGEST = 2**16  # deviation: a table for more would not fit


def gaussians(variance: Fraction, n: int) -> np.ndarray:
    """Return n independent whole numbers x, each with probability proportional to exp(-x^2 / (2 variance)).

    Parameters
    ----------
    variance : Fraction
        Above 0.
    n : int

    Returns
    -------
    np.ndarray
        Shape (n,), int64.

    Raises
    ------
    ConfigError
        If the deviation is beyond `LARGEST`.

    Examples
    --------
    >>> bool(abs(gaussians(Fraction(9), 50)).max() < 60)
    True
    """
    words, exact = _table(variance)
    first = np.frombuffer(os.urandom(8 * n), dtype=np.uint64)
    place = np.searchsorted(words, first, side="right")
    for tie in np.flatnonzero(np.searchsorted(words, first, side="left") < place).tolist():
        place[tie] = bisect_right(exact, (int(first[tie]) << (BITS - WORD)) | randbits(BITS - WORD))
    return place - len(exact) // 2


@lru_cache(maxsize=64)
def _table(variance: Fraction) -> tuple[np.ndarray, list[int]]:
    """Return the distribution function at -t, .., t - 1 in units of 2^-256, and its first 64 bits, uint64."""
    deviation = isqrt(variance.numerator // variance.denominator) + 1
    if deviation > LARGEST:
        raise ConfigError(
            f"noise must have a deviation of at most {LARGEST:,} rows, and the budget asks for {deviation:,}: "
            "raise epsilon, or let fewer rows of a group count."
        )
    one = 1 << WORKING_BITS
    with localcontext() as context:
        context.prec = DIGITS
        inverse = Decimal(variance.denominator) / Decimal(variance.numerator)
        ratio, fall = (int((-inverse / part).exp() * one) for part in (2, 1))
    weights = [one]  # of 0, 1, ..: each is the one before it by a ratio that itself falls
    while len(weights) <= DEVIATIONS * deviation and (weight := weights[-1] * ratio >> WORKING_BITS):
        weights.append(weight)
        ratio = ratio * fall >> WORKING_BITS
    below = list(accumulate([*reversed(weights[1:]), *weights]))
    exact = [(each << BITS) // below[-1] for each in below[:-1]]
    return np.array([each >> (BITS - WORD) for each in exact], dtype=np.uint64), exact
