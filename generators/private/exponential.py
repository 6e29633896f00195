"""The exponential mechanism in whole numbers, from the system's entropy."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from secrets import randbelow

Below = Callable[[int], int]  # a uniform whole number from 0 up to, and without, its argument


def chosen(scores: Sequence[int], epsilon: Fraction, sensitivity: int, below: Below = randbelow) -> int:
    """Return a position with probability proportional to exp(epsilon score / (2 sensitivity)), exactly.

    A position is proposed uniformly and taken with exp of its distance to the best score.

    References
    ----------
    McSherry, Talwar (2007), Mechanism design via differential privacy.

    Examples
    --------
    >>> chosen([0, 10_000], Fraction(1), 1)
    1
    """
    best = max(scores)
    while True:
        at = below(len(scores))
        gap = (best - scores[at]) * epsilon / (2 * sensitivity)
        if bernoulli_exp(gap.numerator, gap.denominator, below):
            return at


def bernoulli_exp(numerator: int, denominator: int, below: Below = randbelow) -> bool:
    """Return True with probability exp(-numerator / denominator), whole numbers, the ratio not negative.

    References
    ----------
    Canonne, Kamath, Steinke (2020), The discrete Gaussian for differential privacy, Algorithm 1.
    """
    while numerator > denominator:  # exp(-x) = exp(-1) exp(-(x - 1))
        if not bernoulli_exp(1, 1, below):
            return False
        numerator -= denominator
    tried = 1
    while below(denominator * tried) < numerator:
        tried += 1
    return tried % 2 == 1
