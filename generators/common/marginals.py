"""The empirical distribution of one encoded column, and its mapping to standard normal scores and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from scipy.special import ndtr, ndtri

from loop.errors import DataError
from loop.support.model_files.arrays import Form, checked
from loop.types import Condition

GRID = 2000  # quantiles kept of a long column; a repeated value with a share above 1 / GRID is an atom
EDGE = 1e-15  # scores stay finite: within eight standard deviations
FARTHEST = 38.0  # standard deviations: beyond, probabilities are below the smallest float

CLOSE = 1e-9  # how far shares that follow each other may fall, by rounding
_ALONE = {"missing": Form("f", (), -CLOSE, 1 + CLOSE), "discrete": Form("b", ())}

Bounds = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Marginal:
    """A distribution function with jumps: spikes, categories and missing values keep their exact share.

    Knot i holds all probabilities in ``[start[i], end[i]]``. An atom (a repeated value, or any category) is a knot as
    wide as its share; any other value is a knot of no width, and quantiles between two knots are interpolated.
    Missing values are an atom below all others.

    References
    ----------
    Rüschendorf (2009), On the distributional transform, Sklar's theorem, and the empirical copula process.

    Examples
    --------
    >>> marginal = Marginal.of(np.array([0.0, 0.0, 3.0, np.nan]), discrete=False)
    >>> marginal.value(np.array([-1.0, 0.0, 2.0]))
    array([nan,  0.,  3.])
    """

    knots: np.ndarray  # (k,) values, ascending; categories in the order of their scores
    start: np.ndarray  # (k,) probability at which a knot begins
    end: np.ndarray  # (k,) probability at which it ends
    missing: float  # share of missing values
    discrete: bool  # codes: nothing lies between two knots

    @classmethod
    def of(cls, x: np.ndarray, *, discrete: bool, order: np.ndarray | None = None) -> Self:
        """Learn the distribution of a column.

        Parameters
        ----------
        x : np.ndarray
            Encoded values, shape (n,), NaN = missing.
        discrete : bool
            True if the values are codes, which must not be averaged.
        order : np.ndarray, optional
            Distinct codes by rising score, shape (c,); codes left out come last. Default: ascending.

        Returns
        -------
        Marginal
            The distribution function with its knots.
        """
        knots, count = np.unique(x[~np.isnan(x)], return_counts=True)
        if order is not None:
            arranged = np.concatenate([order[np.isin(order, knots)], knots[~np.isin(knots, order)]])
            knots, count = arranged, count[np.searchsorted(knots, arranged)]
        n, absent = max(len(x), 1), len(x) - int(count.sum())
        edges = (absent + np.append(0, np.cumsum(count))) / n
        start, end = edges[:-1], edges[1:]
        if not discrete:
            smooth = (count == 1) | (count * GRID <= n)
            middle = (start + end) / 2
            kept = _thinned(middle, smooth)
            start, end = np.where(smooth, middle, start), np.where(smooth, middle, end)
            start[:1], end[-1:] = absent / n, 1.0  # the outermost values take the rest
            knots, start, end = knots[kept], start[kept], end[kept]
        return cls(knots, start, end, absent / n, discrete)

    def normal(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return standard normal scores (n,) of values x (n,); within an atom's share the position is random.

        An unseen category, or a missing value where there were none, gets a score from the whole range.
        """
        low, high = self._share(x)
        drawn = low + (high - low) * rng.random(len(x))
        score: np.ndarray = ndtri(np.clip(drawn, EDGE, 1 - EDGE))
        return score

    def expected(self, x: np.ndarray) -> np.ndarray:
        """Return the mean normal scores (n,) of values x (n,): what `normal` gives on average, without its noise."""
        low, high = self._share(x)
        a, b = ndtri(np.clip([low, high], EDGE, 1 - EDGE))
        width = high - low
        density = np.exp(-(a**2) / 2) - np.exp(-(b**2) / 2)
        mean: np.ndarray = np.where(width > EDGE, density / np.sqrt(2 * np.pi) / np.maximum(width, EDGE), a)
        return mean

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the values (n,) at standard normal scores z (n,), never outside the range that was seen."""
        p, last = ndtr(z), len(self.knots) - 1
        if last < 0:
            return np.full(len(p), np.nan)
        right = np.searchsorted(self.end, p).clip(max=last)
        left = np.maximum(right - 1, 0)
        gap = self.start[right] - self.end[left]
        way = np.clip((p - self.end[left]) / np.where(gap > 0, gap, 1), 0, 1)
        between = self.knots[left] * (1 - way) + self.knots[right] * way
        between = np.clip(between, *np.sort([self.knots[left], self.knots[right]], axis=0))
        values = np.where(p < self.start[right], between, self.knots[right])
        inverse: np.ndarray = np.where((p < self.missing) | (self.missing == 1), np.nan, values)
        return inverse

    def interval(self, condition: Condition) -> list[Bounds]:
        """Return the intervals of scores, ascending and disjoint, whose values satisfy a condition; none if impossible.

        A single value of a smooth column has no probability: its interval has no width.
        """
        if self.discrete:
            shares = self._shares_of_codes(condition)
        elif condition.codes is not None:
            points = sorted(condition.codes)
            shares = [share for code in points for share in self._share_of_range(np.nextafter(code, -np.inf), code)]
        else:
            shares = self._share_of_range(condition.low, condition.high)
        if condition.missing and self.missing:
            shares = [(0.0, self.missing), *shares]
        return [(float(ndtri(low)), float(ndtri(high))) for low, high in _merged(shares)]

    def blended(self, other: Self, share: float) -> Self:
        """Mix with another distribution of the same column, which gets the given share of the mixture.

        Categories take the order of the other distribution, which must contain them all.
        """
        missing = (1 - share) * self.missing + share * other.missing
        if not self.discrete:
            knots = np.union1d(self.knots, other.knots)
            start, end = (1 - share) * np.array(self._share(knots)) + share * np.array(other._share(knots))
            return replace(self, knots=knots, start=start, end=end, missing=missing)
        low, high = self._share(other.knots)
        mine = np.where(np.isin(other.knots, self.knots), high - low, 0)
        edges = missing + np.append(0, np.cumsum((1 - share) * mine + share * (other.end - other.start)))
        return replace(other, start=edges[:-1], end=edges[1:], missing=missing)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that is needed to rebuild the marginal, for `numpy.savez`."""
        return {each.name: np.asarray(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild a marginal from what `arrays` returned.

        Raises
        ------
        DataError
            If the arrays are no distribution function; the caller adds the file and the way out.
        """
        share = Form("f", (None,), -CLOSE, 1 + CLOSE)  # a mixture adds shares up
        checked(arrays, {"knots": Form("f", (None,)), "start": share, "end": share} | _ALONE)
        knots, start, end = arrays["knots"], arrays["start"], arrays["end"]
        ends = np.column_stack([start, end]).ravel() if len(start) == len(end) == len(knots) else np.array([1.0, 0.0])
        rising = arrays["discrete"] or (np.diff(knots) > 0).all()
        if (np.diff(ends) < -CLOSE).any() or not rising or len(np.unique(knots)) < len(knots):
            raise DataError("knots must rise with their shares, each once")
        return cls(knots, start, end, float(arrays["missing"]), bool(arrays["discrete"]))

    def _share(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities (n,) at which values x (n,) begin and end; equal where the value is no atom."""
        absent = np.isnan(x)
        low = np.zeros(len(x))
        high = np.where(absent & (self.missing > 0), self.missing, 1.0)
        rank = np.argsort(self.knots)
        padded = np.append(rank, -1)  # beyond the last knot: compared with the last, and found unequal
        at = padded[np.searchsorted(self.knots, x, sorter=rank)]
        known = self.knots[at] == x if len(rank) else np.zeros(len(x), dtype=bool)
        low[known], high[known] = self.start[at[known]], self.end[at[known]]
        if not self.discrete:
            low[~known & ~absent] = high[~known & ~absent] = self._between(x[~known & ~absent])
        return low, high

    def _between(self, x: np.ndarray) -> np.ndarray:
        """Return the probability (n,) of values up to x (n,), where no x is a knot."""
        if not len(self.knots):
            return np.full(len(x), self.missing)
        edges, shares = np.repeat(self.knots, 2), np.stack([self.start, self.end], axis=1).ravel()
        share: np.ndarray = np.interp(x, edges, shares, left=self.missing, right=1.0)
        return share

    def _shares_of_codes(self, condition: Condition) -> list[Bounds]:
        held = condition.codes
        inside = (self.knots > condition.low) & (self.knots <= condition.high)
        holds = np.flatnonzero(inside if held is None else np.isin(self.knots, list(held)))
        return list(zip(self.start[holds].tolist(), self.end[holds].tolist(), strict=True))

    def _share_of_range(self, low: float, high: float) -> list[Bounds]:
        """Return the share of the values in ``low < x <= high``: one, or none where no value can lie there."""
        if not len(self.knots) or not low < high or high < self.knots[0] or low >= self.knots[-1]:
            return []
        first, after = np.searchsorted(self.knots, [low, high], side="right")
        if first == after and self.start[first] <= self.end[first - 1]:
            return []
        return [(self._below(low), self._below(high))]

    def _below(self, x: float) -> float:
        """Return the probability of values up to x, missing ones included."""
        return float(self._share(np.array([x]))[1][0])


def _thinned(middle: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Choose knots to keep: all atoms with their neighbours, and smooth ones evenly spaced by score.

    Without the neighbours, the gap beside a spike would be filled with values that never occur.
    """
    able = np.flatnonzero(smooth)
    if len(able) > GRID:
        z = ndtri(middle[able])
        chosen = able[np.searchsorted(z, np.linspace(z[0], z[-1], GRID)).clip(max=len(able) - 1)]
        atoms = np.flatnonzero(~smooth)
        beside = np.clip(np.concatenate([atoms - 1, atoms, atoms + 1]), 0, len(smooth) - 1)
        return np.unique(np.concatenate([beside, chosen]))
    return np.arange(len(smooth))


def _merged(shares: list[Bounds]) -> list[Bounds]:
    """Merge adjacent or overlapping intervals."""
    merged: list[Bounds] = []
    for low, high in shares:
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def check_correlation(correlation: np.ndarray) -> None:
    """Raise a DataError unless a matrix (d, d) of finite numbers is a correlation; the caller adds the file."""
    symmetric = np.allclose(correlation, correlation.T)
    if not symmetric or (len(correlation) and np.linalg.eigvalsh(correlation).min() < -CLOSE):
        raise DataError("correlation must be symmetric and positive")


def intersection(one: list[Bounds], other: list[Bounds]) -> list[Bounds]:
    """Intersect two lists of intervals; an interval of width zero (a point) is kept if it lies in both."""
    pairs = [(max(a, c), min(b, d), a == b or c == d) for a, b in one for c, d in other]
    return [(low, high) for low, high, point in pairs if low < high or (point and low == high)]


def draw_within(
    bounds: np.ndarray, mean: np.ndarray, deviation: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw normal values inside a union of intervals.

    Parameters
    ----------
    bounds : np.ndarray
        Low and high of each interval, (b, 2), ascending; a point has both equal.
    mean : np.ndarray
        Mean of each draw, (n,).
    deviation : float
        Standard deviation of all draws.
    rng : np.random.Generator
        Source of all randomness.

    Returns
    -------
    values : np.ndarray
        Shape (n,).
    share : np.ndarray
        Probability (n,) of the union under each mean; a density where the intervals are points.
    """
    low, high = ((edge - mean[:, None]) / deviation for edge in bounds.T)
    upper = low > 0  # mirrored, as probabilities near one lose precision
    below, above = ndtr(np.where(upper, -high, low)), ndtr(np.where(upper, -low, high))
    share = np.where(high > low, above - below, np.exp(-(low**2) / 2) / np.sqrt(2 * np.pi) / deviation)
    until = np.cumsum(share, axis=1)
    drawn = rng.random(len(mean)) * until[:, -1]
    rows, which = np.arange(len(mean)), (drawn[:, None] > until[:, :-1]).sum(axis=1)
    z = ndtri(below[rows, which] + drawn - (until - share)[rows, which])
    z = np.where(upper[rows, which], -z, z)
    # What is too improbable for a float comes out as infinite: it is moved to the near edge, with a probability of 0.
    z = np.clip(np.clip(z, -FARTHEST, FARTHEST), low[rows, which], high[rows, which])
    return np.clip(mean + deviation * z, *bounds[which].T), until[:, -1]
