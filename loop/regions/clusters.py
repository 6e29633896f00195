"""Tests and intervals for weak regions where rows of a unit, such as the payments of a card, are not independent."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from loop.types import Interval

_DRAWN_SINGLY = 64  # units with the largest sums; the sum of the others is drawn from a normal distribution


def of(unit: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """Return the units of some rows, None without units."""
    return None if unit is None else unit[rows]


def unit_p(
    weakness: np.ndarray, members: Sequence[np.ndarray], unit: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Test for each group of rows whether its mean weakness exceeds that of the other rows.

    Each unit contributes its rows' part of the covariance of weakness and membership. Under the null hypothesis every
    contribution may have either sign: the wild bootstrap of the score test (Cameron, Gelbach, Miller 2008,
    *Review of Economics and Statistics* 90:3). Parameters and result are those of
    `loop.regions.significance.permutation_p`.
    """
    where = np.unique(unit, return_inverse=True)[1]
    apart = weakness - weakness.mean()
    p = np.empty(len(members))
    for i, inside in enumerate(members):
        shares = np.bincount(where, apart * (inside - inside.mean()))
        heaviest = min(_DRAWN_SINGLY, len(shares))
        shares = shares[np.argsort(-np.abs(shares), kind="stable")]
        heavy, rest = shares[:heaviest], shares[heaviest:]
        drawn = rng.choice([-1.0, 1.0], (draws, heaviest)) @ heavy
        drawn += np.sqrt(np.square(rest).sum()) * rng.standard_normal(draws)
        slack = 1e-9 * np.abs(shares).sum()
        p[i] = (1 + np.sum(drawn >= shares.sum() - slack)) / (draws + 1)
    return p


def unit_difference(
    weakness: np.ndarray, inside: np.ndarray, unit: np.ndarray, *, shown: int = 1, tested: int = 1
) -> Interval:
    """Return the mean inside minus the mean outside with a 95 % interval, normal, from the variance between units.

    Widened as in `loop.regions.significance.bootstrap_difference`; both sides of the mask ``inside`` (n,) have rows.
    """
    where = np.unique(unit, return_inverse=True)[1]
    pull = np.zeros(int(where.max()) + 1)
    for side, sign in ((inside, 1), (~inside, -1)):
        pull += sign * np.bincount(where, side * (weakness - weakness[side].mean()), len(pull)) / side.sum()
    half = NormalDist().inv_cdf(1 - 0.05 * shown / tested / 2) * float(np.sqrt(np.square(pull).sum()))
    estimate = float(weakness[inside].mean() - weakness[~inside].mean())
    return Interval(estimate, estimate - half, estimate + half)
