"""Gaussian copula for columns of all kinds, which samples inside a region without rejection."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Self

import numpy as np

from generators.common.marginals import Marginal
from generators.common.persistence import FILE, unfitted, write_settings
from generators.common.saved_rows import arrays_of, damaged, part_of
from generators.copula.point_masses import surrounded
from generators.copula.saved_arrays import of_class
from generators.copula.truncated_normal import Box, draw_in_box, joined, mass, particles
from generators.resampling.resample import class_stream, proposals, real_rows
from loop.data.value_grid import aligned, pulled_inside, tidy
from loop.errors import DataError
from loop.protocols import Generator
from loop.rows import Rows
from loop.support.record_checks import count as whole
from loop.support.record_checks import listed
from loop.support.setting_checks import check_bounds
from loop.types import Condition, Region, Request, Samples, Schema, Table

ARRAYS = "copula.npz"
SMALLEST = 1e-6  # eigenvalue of a correlation matrix: keeps it invertible if columns are collinear
MOST_BOXES = 64  # each condition that a missing value satisfies doubles them
LOOKS = 4000  # draws to estimate which values are missing together


@dataclass(frozen=True, eq=False)
class ClassCopula:
    """One class: the distribution of each latent variable, and the correlation of their normal scores.

    Latents are the columns' values where present, then, for each column with gaps, whether the value is missing.
    """

    marginals: tuple[Marginal, ...]  # (l,)
    correlation: np.ndarray  # (l, l)
    gaps: tuple[int, ...]  # columns with missing values, in the order of the last latents

    def boxes(self, region: Region, rng: np.random.Generator) -> list[Box]:
        """Return the region as disjoint boxes of scores; none if it is empty.

        A condition that missing values satisfy needs two boxes: present and missing. Where these multiply to too many
        boxes, only the most probable are used, by joint frequency of missing values and probability of the conditions.
        """
        sides = [self._sides(condition) for condition in region.rule]
        few = math.prod(map(len, sides)) <= MOST_BOXES
        boxes = (joined(ways) for ways in (product(*sides) if few else self._likely(sides, rng)))
        return [box for box in boxes if all(box.values())]

    def _likely(self, sides: Sequence[Sequence[Box]], rng: np.random.Generator) -> list[tuple[Box, ...]]:
        """Choose the most probable combinations of present and missing values over all conditions."""
        z = self._anywhere(LOOKS, rng)
        absent = np.zeros((LOOKS, len(sides)), dtype=np.int64)
        for number, ways in enumerate(sides):
            for gap, intervals in ways[1].items() if len(ways) > 1 else ():
                absent[:, number] = np.any([(z[:, gap] > low) & (z[:, gap] <= high) for low, high in intervals], axis=0)
        patterns, count = np.unique(absent, axis=0, return_counts=True)
        found = [tuple(ways[at] for ways, at in zip(sides, pattern, strict=True)) for pattern in patterns.tolist()]
        chance = [self._left(ways) * share for ways, share in zip(found, count.tolist(), strict=True)]
        return [found[place] for place in np.argsort(np.negative(chance), kind="stable")[:MOST_BOXES]]

    def _anywhere(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw scores (n, l) without any condition."""
        z: np.ndarray = rng.standard_normal((n, len(self.correlation))) @ np.linalg.cholesky(self.correlation).T
        return z

    def _left(self, ways: Sequence[Box]) -> float:
        """Return the probability of the conditions on present values, as if columns were independent."""
        values = range(len(self.marginals) - len(self.gaps))
        shares = [mass(box[latent]) for box in ways for latent in box if latent in values]
        return math.prod(share for share in shares if share > 0)  # a point has probability zero

    def _sides(self, condition: Condition) -> list[Box]:
        """Return the boxes in which a condition holds: with a present value, with a missing one."""
        column, sides = condition.column, []
        seen: Box = {column: self.marginals[column].interval(condition)}
        if column in self.gaps:
            gap = len(self.marginals) - len(self.gaps) + self.gaps.index(column)
            seen[gap], absent = (self.marginals[gap].interval(Condition(0, codes=frozenset({code}))) for code in (0, 1))
            sides = [{gap: absent}] if condition.missing else []
        return [side for side in [seen, *sides] if all(side.values())]

    def rows(self, inside: list[int], scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Complete rows (n, d) from the scores (n, k) of the latents ``inside``.

        An unconditional draw is corrected by regression on its deviation from the scores (Hoffman and Ribak 1991).
        """
        z = self._anywhere(len(scores), rng)
        if inside:
            missed = np.linalg.solve(self.correlation[np.ix_(inside, inside)], (scores - z[:, inside]).T).T
            z += missed @ self.correlation[inside]
            z[:, inside] = scores
        values = np.array([marginal.value(score) for marginal, score in zip(self.marginals, z.T, strict=True)])
        X, absent = np.split(values.reshape(z.shape[::-1]).T, [z.shape[1] - len(self.gaps)], axis=1)
        X[:, self.gaps] = np.where(absent == 1, np.nan, X[:, self.gaps])
        return X


@dataclass(eq=False)
class Copula:
    """Draws rows from a Gaussian copula of each class, with the columns' own distributions.

    Every column of any kind is a normal score mapped through its empirical distribution, so spikes, categories and
    missing values keep their shares; the scores depend on each other by their correlation. A region is a box of
    scores: one condition is drawn exactly, several by sequential importance sampling and Gibbs moves, the other columns
    from their conditional distribution. Without a label, classes get their share of the region's probability.

    Parameters
    ----------
    prior_rows : float
        Weight, in rows, of the whole table's distribution in each column of each class, so that a class can have values
        that none of its own rows has; 0 = none.

    Raises
    ------
    ConfigError
        If ``prior_rows`` is negative.

    References
    ----------
    Nelsen (2006), An Introduction to Copulas. Genz (1992), Numerical computation of multivariate normal probabilities.
    Ferguson (1973), A Bayesian analysis of some nonparametric problems: the posterior mean that ``prior_rows`` follows.

    Examples
    --------
    >>> generator = Copula().fit(table, rng)  # doctest: +SKIP
    >>> generator.sample(Request(region, label=None, n=500), rng).sampling_method  # doctest: +SKIP
    'native'
    """

    prior_rows: float = 1.0

    schema_: Schema = field(init=False, repr=False)
    count_: np.ndarray = field(init=False, repr=False)  # (K,) real rows of each class
    copulas_: dict[int, ClassCopula] = field(init=False, repr=False)  # by class code; classes without rows have none

    def __post_init__(self) -> None:
        check_bounds(self, least={"prior_rows": 0})

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn columns and correlations from the real rows; nothing is random."""
        real = real_rows(table)
        self.schema_, self.count_ = real.schema, np.bincount(real.y, minlength=real.n_classes)
        gaps = np.flatnonzero(np.isnan(real.X).any(axis=0))
        latent = np.hstack([real.X, np.isnan(real.X[:, gaps])])  # (n, l)
        discrete = np.append(real.schema.discrete, np.ones(len(gaps), dtype=bool))
        positive = real.y == real.schema.positive
        orders = [_by_rate(x, positive) if discrete[i] else None for i, x in enumerate(latent.T)]
        common = _marginals(latent, discrete, orders)
        marginals, scores = {}, {}
        for label in np.flatnonzero(self.count_).tolist():
            mine = latent[real.y == label]
            seen = (~np.isnan(mine)).sum(axis=0)
            borrowed = np.where(seen > 0, self.prior_rows / (self.prior_rows + np.maximum(seen, 1)), 1.0)
            own = zip(_marginals(mine, discrete, orders), common, borrowed.tolist(), strict=True)
            marginals[label] = tuple(one.blended(other, share) for one, other, share in own)
            scores[label] = _scores(marginals[label], mine)
        pooled = _correlation(np.concatenate(list(scores.values())), np.eye(len(discrete)))
        self.copulas_ = {
            label: ClassCopula(marginals[label], _correlation(scores[label], pooled), tuple(gaps.tolist()))
            for label in scores
        }
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw ``request.n`` rows; none if the class has no rows or the region can hold none."""
        rng = class_stream(rng, request.label)
        labels = list(self.copulas_) if request.label is None else [request.label]
        rule = aligned(request.region.rule, self.schema_)
        if request.label is None:
            marginals = [copula.marginals for copula in self.copulas_.values()]
            rule = surrounded(rule, marginals, self.count_[list(self.copulas_)].tolist())
        wide = replace(request, region=replace(request.region, rule=rule))
        ways = [way for label in labels if label in self.copulas_ for way in self._ways(label, wide, rng)]
        chance = np.array([way.probability for way in ways])
        n = request.n if chance.sum() > 0 else 0
        counts = rng.multinomial(n, chance / chance.sum()) if n else np.zeros(len(ways), dtype=int)
        parts, y = [np.empty((0, len(self.schema_.columns)))], np.repeat([way.label for way in ways], counts)
        for way, count in zip(ways, counts, strict=True):
            parts.append(self.copulas_[way.label].rows(way.inside, way.scores[:count], rng))
        X = pulled_inside(tidy(np.concatenate(parts), self.schema_), request.region.rule, self.schema_)
        kept = rng.permutation(np.flatnonzero(request.region.contains(Rows(X))))
        made = proposals(X[kept], y[kept].astype(np.int64), np.full(len(kept), -1), self.schema_)
        widths = [len(way.inside) for way in ways]
        tried = [particles(k, request.n if k > 1 else count) for k, count in zip(widths, counts.tolist(), strict=True)]
        return Samples(made, request, sum(tried), "importance" if max(widths, default=0) > 1 else "native")

    def _ways(self, label: int, request: Request, rng: np.random.Generator) -> list["_Way"]:
        copula, prior = self.copulas_[label], float(self.count_[label] / self.count_.sum())
        ways = []
        for box in copula.boxes(request.region, rng) if request.n else []:
            # The narrowest first: later variables are drawn given it, so weights vary less.
            inside = sorted(box, key=lambda latent: mass(box[latent]))
            bounds = [np.array(box[latent]) for latent in inside]
            scores, share = draw_in_box(copula.correlation[np.ix_(inside, inside)], bounds, request.n, rng)
            ways.append(_Way(label, inside, scores, prior * share))
        return ways

    def save(self, folder: Path) -> None:
        """Write settings and schema as JSON, marginals and correlations as one npz."""
        write_settings(self, folder, self.schema_, count=self.count_.tolist())
        arrays: dict[str, np.ndarray] = {}
        for label, copula in self.copulas_.items():
            arrays |= {f"{label}/correlation": copula.correlation, f"{label}/gaps": np.array(copula.gaps, dtype=int)}
            for number, marginal in enumerate(copula.marginals):
                arrays |= {f"{label}/{number}/{name}": array for name, array in marginal.arrays().items()}
        np.savez(folder / ARRAYS, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written."""
        generator, learnt, schema = unfitted(cls, folder, {"count": listed(whole)})
        generator.schema_, generator.count_, generator.copulas_ = schema, np.array(learnt["count"]), {}
        if len(generator.count_) != schema.n_classes or not generator.count_.any():
            raise damaged(folder / FILE, f"count must be the rows of {schema.n_classes} classes")
        arrays = arrays_of(folder / ARRAYS)
        try:
            for label in np.flatnonzero(generator.count_).tolist():
                generator.copulas_[label] = ClassCopula(*of_class(part_of(arrays, f"{label}/"), schema))
        except DataError as error:
            raise damaged(folder / ARRAYS, error) from error
        return generator


@dataclass(frozen=True, eq=False)
class _Way:
    """One class in one box: n scores (n, k) of its latents ``inside``, and how probable that is."""

    label: int
    inside: list[int]
    scores: np.ndarray
    probability: float


def _marginals(latent: np.ndarray, discrete: np.ndarray, orders: Sequence[np.ndarray | None]) -> list[Marginal]:
    """Learn the distribution of each latent (n, l) from the rows where it is present."""
    columns = zip(latent.T, discrete.tolist(), orders, strict=True)
    return [Marginal.of(x[~np.isnan(x)], discrete=codes, order=order) for x, codes, order in columns]


def _by_rate(x: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Return the codes in x (n,) by rising rate of positives (n,)."""
    codes, place, count = np.unique(x[~np.isnan(x)], return_inverse=True, return_counts=True)
    rate = np.bincount(place, weights=positive[~np.isnan(x)], minlength=len(codes)) / count
    order: np.ndarray = codes[np.argsort(rate, kind="stable")]
    return order


def _scores(marginals: Sequence[Marginal], latent: np.ndarray) -> np.ndarray:
    """Return mean normal scores (n, l), each latent centred; NaN where it is missing."""
    scores = np.full(latent.shape, np.nan)
    for number, marginal in enumerate(marginals):
        seen = ~np.isnan(latent[:, number])
        mean = marginal.expected(latent[seen, number])
        scores[seen, number] = mean - mean.sum() / max(len(mean), 1)
    return scores


def _correlation(scores: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Estimate the correlation (l, l) of normal scores from their means within atoms, shape (n, l), NaN = missing.

    Within an atom only the mean of a score is known, and the mean m of a score z has cov(m, z) = var(m). To first order
    (Hermite expansion) two means covary by correlation * var(m_1) * var(m_2), so the cross products divided by
    n * var(m_1) * var(m_2) estimate the correlation; that divisor is the effective number of rows. The prior has the
    weight of l rows.
    """
    seen, filled = (~np.isnan(scores)).astype(float), np.nan_to_num(scores)
    variance = (filled**2).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    rows = seen.T @ seen * np.outer(variance, variance)
    correlation = np.clip((filled.T @ filled + len(prior) * prior) / (rows + len(prior)), -1, 1)
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    repaired = (vectors * np.maximum(values, SMALLEST)) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    definite: np.ndarray = repaired / np.outer(scale, scale)
    return definite


_: type[Generator] = Copula
