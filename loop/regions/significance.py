"""Tests and intervals for weak regions: a permutation test, control of false discoveries, and an interval.

Weakness is heavy-tailed and concentrated in rare positives, so its mean is not assumed to be normal. Sums over random
rows have two parts: the weakest 64 rows are drawn one by one, and only the sum of the others, which are bounded by
these, is drawn from a normal distribution. Up to `_DRAWN_SINGLY` rows this is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loop.regions.clusters import unit_difference, unit_p
from loop.types import Interval

_DRAWN_SINGLY = 64
_BOOTSTRAPS = 999


def permutation_p(
    weakness: np.ndarray,
    members: Sequence[np.ndarray],
    draws: int,
    rng: np.random.Generator,
    unit: np.ndarray | None = None,
) -> np.ndarray:
    """Test for each group of rows whether its mean weakness exceeds that of the other rows.

    The null distribution is the sum over equally many rows drawn at random without replacement (Fisher's randomization
    test). All groups use the same shuffles.

    Parameters
    ----------
    weakness : ndarray of shape (n,)
        Weakness of each row, higher is weaker.
    members : sequence of bool ndarrays of shape (n,)
        The groups, each with at least one row.
    draws : int
        Random groups per test; the smallest p is ``1 / (draws + 1)``.
    rng : numpy.random.Generator
    unit : int ndarray of shape (n,), optional
        Rows of one unit are not independent; if given, `loop.regions.clusters.unit_p` is used instead.

    Returns
    -------
    ndarray of shape (len(members),)
        One-sided p-values ``(1 + hits) / (1 + draws)`` (Phipson and Smyth 2010); ties count against the group.
    """
    if unit is not None:
        return unit_p(weakness, members, unit, draws, rng)
    heavy, rest = _split(weakness)
    shuffled = heavy.values[np.argsort(rng.random((draws, heavy.n)), axis=1)]
    sums = np.cumsum(np.pad(shuffled, ((0, 0), (1, 0))), axis=1)  # (draws, h + 1): [:, k] sums k heavy rows
    slack = 1e-9 * np.abs(weakness).sum()  # sums of equal rows may differ in their last digits
    p = np.empty(len(members))
    for i, inside in enumerate(members):
        size = int(inside.sum())
        k = rng.hypergeometric(heavy.n, rest.n, size, draws)
        drawn = sums[np.arange(draws), k] + rest.random_sums(size - k, rng)
        p[i] = (1 + np.sum(drawn >= weakness[inside].sum() - slack)) / (draws + 1)
    return p


def difference(
    weakness: np.ndarray,
    inside: np.ndarray,
    unit: np.ndarray | None,
    rng: np.random.Generator,
    *,
    shown: int = 1,
    tested: int = 1,
) -> Interval:
    """Return the mean inside a mask (n,) minus the mean outside, with an interval over rows or, if given, units."""
    if unit is not None:
        return unit_difference(weakness, inside, unit, shown=shown, tested=tested)
    return bootstrap_difference(weakness[inside], weakness[~inside], rng, shown=shown, tested=tested)


def benjamini_hochberg(p: np.ndarray, level: float) -> np.ndarray:
    """Return which of the p-values (k,) are significant at a false discovery rate of ``level``, as a mask.

    Benjamini and Hochberg 1995: the largest i with ``p_(i) <= i * level / k`` and all below it.
    """
    order = np.argsort(p, kind="stable")
    passing = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / max(len(p), 1))
    stands = np.zeros(len(p), dtype=bool)
    if passing.size:
        stands[order[: passing[-1] + 1]] = True
    return stands


def bootstrap_difference(
    inside: np.ndarray, outside: np.ndarray, rng: np.random.Generator, *, shown: int = 1, tested: int = 1
) -> Interval:
    """Return the mean inside minus the mean outside with a 95 % interval (percentile bootstrap).

    If only some of the tested groups are shown, their intervals are widened so that 95 % of those shown contain the
    true value (Benjamini and Yekutieli 2005: coverage ``1 - 0.05 * shown / tested`` for each).

    Parameters
    ----------
    inside, outside : ndarrays of shapes (m,) and (n - m,)
        Weakness of the rows in the group and of the others, at least one each.
    rng : numpy.random.Generator
    shown, tested : int
        Number of groups reported, and number of groups tested on the same rows.
    """
    differences = _bootstrap_means(inside, rng) - _bootstrap_means(outside, rng)
    tail = 0.05 * shown / tested / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Interval(float(inside.mean() - outside.mean()), float(low), float(high))


@dataclass(frozen=True, eq=False)
class _Part:
    values: np.ndarray  # (n,)

    @property
    def n(self) -> int:
        return len(self.values)

    def random_sums(self, sizes: np.ndarray, rng: np.random.Generator, replace: bool = False) -> np.ndarray:
        """Draw sums over random subsets of the given sizes (b,) from the normal distribution with their moments."""
        if self.n == 0:
            return np.zeros(len(sizes))
        left = 1.0 if replace else (self.n - sizes) / max(self.n - 1, 1)  # finite population correction
        spread = self.values.std() * np.sqrt(sizes * left)
        sums: np.ndarray = sizes * self.values.mean() + spread * rng.standard_normal(len(sizes))
        return sums


def _split(weakness: np.ndarray) -> tuple[_Part, _Part]:
    """Split into the heaviest rows and the rest."""
    if len(weakness) <= _DRAWN_SINGLY:
        return _Part(weakness), _Part(weakness[:0])
    parts = np.partition(weakness, len(weakness) - _DRAWN_SINGLY)
    return _Part(parts[-_DRAWN_SINGLY:]), _Part(parts[:-_DRAWN_SINGLY])


def _bootstrap_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # (_BOOTSTRAPS,)
    heavy, rest = _split(values)
    k = rng.binomial(len(values), heavy.n / len(values), _BOOTSTRAPS)
    drawn = heavy.values[rng.integers(heavy.n, size=k.sum(), dtype=np.uint8)]
    starts = k.cumsum() - k
    sums = np.where(k > 0, np.add.reduceat(np.append(drawn, 0.0), starts), 0.0)  # of k draws each
    means: np.ndarray = (sums + rest.random_sums(len(values) - k, rng, replace=True)) / len(values)
    return means
