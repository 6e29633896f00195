"""The one place where privacy is added up: zero-concentrated, and what it means as (epsilon, delta).

Every measurement says beforehand what it spends; nothing else may look at the rows. With ``rho`` spent in all, and
``delta`` on thresholds, the whole is (epsilon, delta)-differentially private for tables that differ by all rows of one
person: one row, or the rows of one group.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np

from loop.errors import ConfigError

ORDERS = np.exp(np.linspace(math.log(1 + 1e-6), math.log(1e6), 2_000)) + 1e-9  # of Renyi divergences, above 1
STEPS = 60  # of bisection
ROUNDING = 1e-9  # share by which the sum of what is spent may exceed the whole, by rounding of floats
GRAIN = 2**12  # variances are multiples of its inverse


def delta_of(rho: float, epsilon: float) -> float:
    """Return a delta for which rho-zCDP is (epsilon, delta)-differential privacy.

    Parameters
    ----------
    rho : float
        Zero-concentrated differential privacy spent, 0 or more.
    epsilon : float

    Returns
    -------
    float
        The least over Renyi orders; every order gives a valid delta, so a coarse grid is safe.

    References
    ----------
    Canonne, Kamath, Steinke (2020), The discrete Gaussian for differential privacy, Proposition 7 with Corollary 13.

    Examples
    --------
    >>> delta_of(0.02, 1.0) < 1e-5
    True
    """
    if rho == 0:
        return 0.0
    exponent = (ORDERS - 1) * (ORDERS * rho - epsilon) - np.log(ORDERS - 1) + ORDERS * np.log1p(-1 / ORDERS)
    return float(min(1.0, math.exp(min(0.0, float(exponent.min())))))


@lru_cache
def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho, rounded down, that `delta_of` allows for (epsilon, delta).

    Examples
    --------
    >>> 0.017 < rho_of(1.0, 1e-6) < 0.021
    True
    """
    low, high = 0.0, epsilon + 1.0  # rho-zCDP is never better than epsilon = rho
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low


def gaussian_rho(sensitivity: int, variance: Fraction) -> float:
    """Return what counts spend that get discrete Gaussian noise: sensitivity squared by twice the variance.

    ``sensitivity`` is the Euclidean norm by which all counts together can change (Canonne and others, Theorem 14).
    """
    return float(Fraction(sensitivity**2) / (2 * variance))


def gaussian_variance(sensitivity: int, rho: float) -> Fraction:
    """Return the variance, rounded up, of the noise of counts that may spend rho."""
    exact = Fraction(sensitivity**2) / (2 * Fraction(rho))
    return Fraction(math.ceil(exact * GRAIN), GRAIN)


def choice_rho(epsilon: float) -> float:
    """Return what one choice of the exponential mechanism spends: a mechanism of range epsilon is epsilon^2/8-zCDP.

    References
    ----------
    Cesar, Rogers (2021), Bounding, concentrating, and truncating, Lemma 3.4.
    """
    return epsilon**2 / 8


def choice_epsilon(rho: float) -> Fraction:
    """Return the epsilon, rounded down, of one choice that may spend rho."""
    return Fraction(math.floor(math.sqrt(8 * rho) * GRAIN * GRAIN), GRAIN * GRAIN)


@dataclass
class Ledger:
    """What has been spent, by purpose; more than there is cannot be spent.

    Parameters
    ----------
    epsilon, delta : float
        What is promised in all.
    threshold_delta : float
        The part of delta that is set aside for thresholds, see `spend_delta`; the rest turns rho into epsilon.

    Raises
    ------
    ConfigError
        If more is spent than was promised.
    """

    epsilon: float
    delta: float
    threshold_delta: float = 0.0
    entries: list[tuple[str, float, float]] = field(default_factory=list)  # purpose, rho, delta

    def __post_init__(self) -> None:
        self.rho = rho_of(self.epsilon, self.delta - self.threshold_delta)

    def spend(self, purpose: str, rho: float) -> float:
        """Write down a measurement before it is made; return its rho."""
        return self._written(purpose, rho, 0.0)

    def spend_delta(self, purpose: str, delta: float) -> float:
        """Write down the chance with which a threshold may show what only one person has; return it."""
        self._written(purpose, 0.0, delta)
        return delta

    @property
    def spent(self) -> tuple[float, float]:
        """Return rho and delta spent so far: both add up (Bun and Steinke 2016, Lemma 2.3 and section 8)."""
        return math.fsum(rho for _, rho, _ in self.entries), math.fsum(delta for *_, delta in self.entries)

    def _written(self, purpose: str, rho: float, delta: float) -> float:
        self.entries.append((purpose, rho, delta))
        spent, failing = self.spent
        if spent > self.rho * (1 + ROUNDING) or failing > self.threshold_delta * (1 + ROUNDING):
            self.entries.pop()
            raise ConfigError(
                f"a budget must cover what is measured, and {purpose!r} would spend rho {spent:.4g} of {self.rho:.4g}: "
                "raise epsilon."
            )
        return rho
