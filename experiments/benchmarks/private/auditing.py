"""An audit of the stated budget: many fits with and without one row, told apart as well as anybody could.

The attacker knows all other rows and sees every noisy answer, which is more than a fit keeps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from generators.private.accounting import Ledger
from generators.private.measuring import measured
from generators.private.noise import Noise
from loop.types import Column, Schema

MakeNoise = Callable[[Ledger], Noise]
ROWS, CATEGORIES, CHANCE = 2000, 4, 0.05  # rows of the table; of each column; chance that a bound is wrong
SCHEMA = Schema(
    tuple(Column(name, "categorical", "str", 0, CATEGORIES - 1, ("a", "b", "c", "d")) for name in ("one", "two")),
    ("no", "yes"),
)


@dataclass(frozen=True)
class Audit:
    """What the attack found, to compare with what was stated."""

    epsilon: float  # stated
    found: float  # lower bound on the epsilon that was really spent, at the same delta
    fits: int  # with the row, and as many without


def audit(epsilon: float, delta: float, fits: int, make: MakeNoise = Noise) -> Audit:
    """Attack the fit of a small table, as it is or with other noise.

    The row stands alone in its categories. The score is the likelihood ratio of all noisy counts, had their noise
    been Gaussian; its threshold is the middle, fixed beforehand. Bounds on both rates (Clopper and Pearson) bound
    the distance of the two Gaussian distributions that would be told apart so well, and that gives epsilon at delta.

    Parameters
    ----------
    epsilon, delta : float
        As stated.
    fits : int
        With the row, and as many without.
    make : callable
        Makes what answers with noise; a broken one must be found out.

    References
    ----------
    Nasr and others (2023), Tight auditing of differentially private machine learning, section 4.3 (Gaussian trade-off).
    """
    rng = np.random.default_rng(0)
    others = np.column_stack([rng.integers(0, CATEGORIES - 1, ROWS), rng.integers(0, CATEGORIES - 1, ROWS)])
    tables = [others, np.vstack([others, [CATEGORIES - 1, CATEGORIES - 1]])]
    y = np.append(rng.integers(0, 2, ROWS), 1)
    scores = np.array([[_score(table, y, epsilon, delta, make) for _ in range(fits)] for table in tables])
    middle = 0.5
    hits, alarms = int((scores[1] > middle).sum()), int((scores[0] > middle).sum())
    least = float(beta.ppf(CHANCE / 2, hits, fits - hits + 1)) if hits else 0.0
    most = float(beta.ppf(1 - CHANCE / 2, alarms + 1, fits - alarms)) if alarms < fits else 1.0
    distance = max(0.0, float(norm.ppf(least) - norm.ppf(most)))
    return Audit(epsilon, gaussian_epsilon(distance, delta), fits)


def gaussian_epsilon(distance: float, delta: float) -> float:
    """Return the epsilon of telling apart two normal distributions of variance 1 with means so far apart.

    References
    ----------
    Balle, Wang (2018), Improving the Gaussian mechanism for differential privacy, Theorem 8.
    """
    if distance <= 0:
        return 0.0
    low, high = 0.0, distance**2 / 2 + distance * math.sqrt(2 * math.log(1 / delta)) + 1
    for _ in range(100):
        middle = (low + high) / 2
        first = norm.cdf(distance / 2 - middle / distance)
        second = math.exp(min(700, middle + norm.logcdf(-distance / 2 - middle / distance)))
        low, high = (middle, high) if first - second > delta else (low, middle)
    return high


def _score(table: np.ndarray, y: np.ndarray, epsilon: float, delta: float, make: MakeNoise) -> float:
    """Return how much of the row is in all noisy counts of one fit, its weight being 1 on average if it is there."""
    noise = make(Ledger(epsilon, delta))
    answers: list[tuple[float, float]] = []
    plain = noise.counts

    def counted(purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        noisy, deviation = plain(purpose, counts, rho)
        cell = ROWS if counts.size == 1 else 0  # of others in the cell of the row, which the attacker knows
        answers.append((float(noisy.ravel()[-1]) - cell, deviation**-2))
        return noisy, deviation

    noise.counts = counted  # type: ignore[method-assign]
    measured(table.astype(np.float64), y[: len(table)], SCHEMA, (), noise, 16)
    value, weight = np.array(answers).T
    return float((value * weight).sum() / weight.sum())
