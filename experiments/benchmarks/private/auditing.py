"""An audit of the stated budget: many fits with and without one row, told apart as well as anybody could.

The attacker knows all other rows and sees every noisy answer and choice, which is more than a fit keeps.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import beta, norm

from experiments.benchmarks.private.replaying import Answer, Replayed, Watched
from generators.private.accounting import Ledger
from generators.private.measuring import measured
from generators.private.noise import Noise
from loop.types import Column, Schema

MakeNoise = Callable[[Ledger], Noise]
ROWS, CHANCE, MOST_BINS = 1000, 0.05, 16  # rows of the table; chance that a bound is wrong; bins of a column
LETTERS = ("a", "b", "c", "d")
SCHEMA = Schema(
    (
        Column("stated", "categorical", "str", 0, 3, LETTERS),
        Column("bought", "categorical", "str", 0, 3, LETTERS, missing=True),
        Column("flag", "boolean", "bool", 0, 1),
        Column("number", "numeric", "float64", 0, 10, decimals=1),
        Column("count", "integer", "int64", 0, 99),
        Column("unknown range", "integer", "int64", -np.inf, np.inf),
    ),
    ("no", "yes"),
)
BOUGHT = ("bought",)
ROW = np.array([3, 3, 1, 9.9, 99, 1000.0])  # alone in its categories, and outside of the others' numbers


@dataclass(frozen=True)
class Audit:
    """What the attack found, to compare with what was stated."""

    epsilon: float  # stated
    found: float  # lower bound on the epsilon that was really spent, at the same delta
    fits: int  # with the row, and as many without


def audit(epsilon: float, delta: float, fits: int, make: MakeNoise = Noise) -> Audit:
    """Attack the fit of a small table, as it is or with other noise.

    The row stands alone: categories, flag and numbers are its own. The score is the likelihood ratio of all that was
    answered, had the noise been Gaussian; its threshold is 0, where both are as likely. Bounds on both rates (Clopper
    and Pearson) bound the distance of the two Gaussian distributions that would be told apart so well, and that gives
    epsilon at delta.

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
    without, row = others(), (ROW, 1)
    scores = np.array(
        [[_score(without, row, there, epsilon, delta, make) for _ in range(fits)] for there in (False, True)]
    )
    hits, alarms = int((scores[1] > 0).sum()), int((scores[0] > 0).sum())
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


def others() -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (n, d) and labels (n,) that the attacker knows; columns depend on each other."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 3, ROWS)
    number, count = np.round(rng.normal(2 + code, 0.5, ROWS).clip(0, 9), 1), rng.integers(0, 20 + 20 * code)
    X = np.column_stack([code, rng.integers(0, 3, ROWS), np.zeros(ROWS), number, count, rng.integers(0, 50, ROWS)])
    return X.astype(np.float64), rng.integers(0, 2, ROWS)


def evidence(answers: Sequence[Answer], without: Sequence[np.ndarray], with_: Sequence[np.ndarray]) -> float:
    """Return the log likelihood ratio of answers, had the row been there or not.

    Parameters
    ----------
    answers : sequence of Answer
    without, with_ : sequence of np.ndarray
        What each was asked of: counts before noise, or scores to choose from, without the row and with it.
    """
    told = 0.0
    for answer, less, more in zip(answers, without, with_, strict=True):
        if answer.noisy is not None:
            told += float((((answer.noisy - less) ** 2 - (answer.noisy - more) ** 2) / (2 * answer.scale**2)).sum())
        else:
            told += float((more - less)[answer.chosen] / answer.scale)
            told -= float(logsumexp(more / answer.scale) - logsumexp(less / answer.scale))
    return told


def _score(
    others: tuple[np.ndarray, np.ndarray],
    row: tuple[np.ndarray, int],
    there: bool,
    epsilon: float,
    delta: float,
    make: MakeNoise,
) -> float:
    """Fit with the row or without it; return how much more likely all answers are if it was there."""
    tables = [others, (np.vstack([others[0], row[0]]), np.append(others[1], row[1]))]
    seen = Watched(make(Ledger(epsilon, delta, delta / 2)))
    before = copy.deepcopy(seen.ledger)  # a broken one included
    measured(*tables[there], SCHEMA, BOUGHT, seen, MOST_BINS)
    again = [Replayed(copy.deepcopy(before), seen.answers) for _ in tables]
    for table, replayed in zip(tables, again, strict=True):
        measured(*table, SCHEMA, BOUGHT, replayed, MOST_BINS)
    return evidence(seen.answers, again[0].asked, again[1].asked)
