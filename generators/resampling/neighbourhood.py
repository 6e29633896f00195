"""Proposals near the data: interpolation, feature swaps and small noise around seed rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from sklearn.neighbors import NearestNeighbors

from generators.common.persistence import load_rows, save_rows
from generators.resampling.resample import class_stream, no_proposals, proposals, real_rows, starting_rows
from loop.data.value_grid import tidy
from loop.errors import ConfigError
from loop.protocols import Generator
from loop.rows import Rows
from loop.support.setting_checks import check_bounds
from loop.types import NOBODY, Condition, Region, Request, Samples, Table

WIDEST = 30  # categories of a column that get their own axis in the distance; rarer ones share the origin
MANY = 200_000  # of more real rows every second, third, ... is enough to learn spreads and distances from


@dataclass(eq=False)
class Neighbourhood:
    """Changes real rows slightly, by one of three moves, to make proposals near the data.

    Proposals need not be realistic rows of a class, as the teacher labels them; they must lie near the data.
    A proposal starts at a seed row inside the region. A move that would leave the region is undone in the columns
    of the region's rule, so nearly every proposal is inside without rejection. The parents of a proposal are its seed
    row, then the row it was moved towards or took values from, then the rows whose values brought it back inside.

    Parameters
    ----------
    interpolate, swap, noise : float
        Shares of the three moves; they are normalised to one.
    neighbours : int
        Interpolation goes towards one of this many nearest rows, of any class.
    swap_share : float
        Probability of each feature to be taken from another row in a swap, which keeps the marginals; at least one is.
    noise_scale : float
        Standard deviation of the noise in units of the column's; also the probability that a discrete value is redrawn.
    most_seeds : int
        Maximum number of distinct seed rows for one request: bounds the neighbour search.
    reference : int
        Maximum number of real rows that can be neighbours, chosen at random: bounds the search too.

    Raises
    ------
    ConfigError
        If a setting is out of its range, or all moves have a share of zero.
    """

    interpolate: float = 0.5
    swap: float = 0.25
    noise: float = 0.25
    neighbours: int = 5
    swap_share: float = 0.3
    noise_scale: float = 0.1
    most_seeds: int = 4000
    reference: int = 20_000

    table_: Table = field(init=False, repr=False)
    place_: np.ndarray = field(init=False, repr=False)  # (n,) index of each row among the m real ones
    X_: np.ndarray = field(init=False, repr=False)  # (m, d) the real rows
    number_: np.ndarray = field(init=False, repr=False)  # (m,) their row numbers
    distances_: _Distances = field(init=False, repr=False)
    scale_: np.ndarray = field(init=False, repr=False)  # (d,) standard deviations
    reference_: np.ndarray = field(init=False, repr=False)  # (r,) the real rows that can be neighbours, ascending
    index_: NearestNeighbors = field(init=False, repr=False)

    def __post_init__(self) -> None:
        moves = {"interpolate": 0, "swap": 0, "noise": 0}
        least = {"neighbours": 1, "most_seeds": 1, "reference": 1, "noise_scale": 0, "swap_share": 0}
        check_bounds(self, least={**moves, **least})
        if self.swap_share > 1 or not any(getattr(self, move) for move in moves):
            raise ConfigError(
                "swap_share must be at most 1 and one of interpolate, swap and noise above 0, "
                f"got {self.swap_share} and all three {self.noise}: correct them."
            )

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the real rows and build the neighbour index."""
        real = real_rows(table)
        self.table_, self.place_, self.X_ = table, np.cumsum(table.is_real) - 1, real.X
        self.number_ = real.row_number
        some = real.take(np.arange(0, len(real), 1 + len(real) // MANY))
        self.scale_ = _spread(some.X)
        self.distances_ = _Distances.of(some, self.scale_)
        many = len(real) > self.reference
        self._look_among(rng.choice(len(real), self.reference, replace=False) if many else np.arange(len(real)))
        return self

    def _look_among(self, reference: np.ndarray) -> None:
        """Build the neighbour index from real rows (r,)."""
        self.reference_ = np.sort(reference)
        # One more neighbour, as each row of the reference is its own nearest neighbour.
        nearest = NearestNeighbors(n_neighbors=min(self.neighbours + 1, len(reference)), algorithm="brute")
        self.index_ = nearest.fit(self.distances_.place(self.X_[self.reference_]))

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw seed rows, move them, and put values back that left the region."""
        rng = class_stream(rng, request.label)
        rows = self._rows(request, rng)
        if not len(rows):
            return Samples(no_proposals(self.table_), request, 0, "seeds")
        seeds = self.place_[rows]
        X, partners = self._move(seeds, rng)
        X = tidy(X, self.table_.schema)
        pulled = [self._pull_inside(X, seeds, condition, rng) for condition in request.region.rule]
        inside = request.region.contains(Rows(X))  # a narrow rule may allow no value that the column can hold
        X, used = X[inside], np.column_stack([seeds, partners, *pulled])[inside]
        y = self.table_.y[rows[inside]] if request.label is None else np.full(len(X), request.label)
        parents = np.where(used >= 0, self.number_[used], NOBODY)
        return Samples(proposals(X, y, parents, self.table_.schema), request, len(rows), "seeds")

    def _rows(self, request: Request, rng: np.random.Generator) -> np.ndarray:
        """Choose n seed rows (n,) with replacement: matching ones, else any of the class, to be moved inside later."""
        rows, chance = starting_rows(self.table_, request)
        if not len(rows):
            rows, chance = starting_rows(self.table_, replace(request, region=Region()))
        if not len(rows) or not request.n:
            return rows[:0]
        drawn = rows[rng.choice(len(rows), size=min(request.n, self.most_seeds), p=chance)]
        return drawn if len(drawn) == request.n else rng.choice(drawn, size=request.n)  # by weight already

    def _move(self, seeds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the seeds (n, d), each changed by one of the moves, and the other row (n,) each used."""
        shares = np.array([self.interpolate, self.swap, self.noise])
        move = rng.choice(3, size=len(seeds), p=shares / shares.sum())
        X, partners = np.empty((len(seeds), self.X_.shape[1])), np.full(len(seeds), NOBODY)
        for number, mover in enumerate((self._interpolated, self._swapped, self._noisy)):
            if (mine := move == number).any():
                X[mine], partners[mine] = mover(seeds[mine], rng)
        return X, np.where(partners == seeds, NOBODY, partners)

    def _interpolated(self, seeds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Interpolate towards a near row of any class; take discrete and missing values from either end."""
        distinct, back = np.unique(seeds, return_inverse=True)
        near = self.index_.kneighbors(self.distances_.place(self.X_[distinct]), return_distance=False)[back]
        pick = rng.integers(min(1, near.shape[1] - 1), near.shape[1], size=len(seeds))
        pick -= ~np.isin(seeds, self.reference_)  # only a reference row is its own first neighbour
        others = self.reference_[near[np.arange(len(seeds)), pick]]
        start, end = self.X_[seeds], self.X_[others]
        way = rng.random((len(seeds), 1))
        either = np.where(rng.random(start.shape) < way, end, start)
        either_only: np.ndarray = self.table_.schema.discrete | np.isnan(start) | np.isnan(end)
        return np.where(either_only, either, start + way * (end - start)), others

    def _swapped(self, seeds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Take some features from another row."""
        X = self.X_[seeds]
        swapped = rng.random(X.shape) < self.swap_share
        swapped[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = True
        others = rng.integers(len(self.X_), size=len(X))
        return np.where(swapped, self.X_[others], X), others

    def _noisy(self, seeds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Add small noise to ordered columns; redraw discrete values with probability ``noise_scale``."""
        X = self.X_[seeds]
        jittered = X + self.noise_scale * self.scale_ * rng.standard_normal(X.shape)
        redrawn = (rng.random(X.shape) < self.noise_scale) & self.table_.schema.discrete
        others = rng.integers(len(self.X_), size=len(X))
        moved = np.where(self.table_.schema.discrete, np.where(redrawn, self.X_[others], X), jittered)
        return moved, np.where(redrawn.any(axis=1), others, NOBODY)

    def _pull_inside(
        self, X: np.ndarray, seeds: np.ndarray, condition: Condition, rng: np.random.Generator
    ) -> np.ndarray:
        """Replace values outside the rule: by the seed's value if that is inside, else by a real value inside.

        Returns the rows (n,) that such values were taken from, -1 = none.
        """
        column = condition.column
        outside = np.flatnonzero(~condition.holds(Rows(X)))
        X[outside, column] = self.X_[seeds[outside], column]
        outside = outside[~condition.holds(Rows(X[outside]))]
        allowed, others = np.flatnonzero(condition.holds(Rows(self.X_))), np.full(len(X), NOBODY)
        if len(outside) and len(allowed):
            others[outside] = rng.choice(allowed, size=len(outside))
            X[outside, column] = self.X_[others[outside], column]
        return others

    def save(self, folder: Path) -> None:
        """Write settings, real rows and which of them can be neighbours into a folder."""
        save_rows(self, folder)
        np.savez(folder / "reference.npz", allow_pickle=False, rows=self.reference_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        loaded = load_rows(cls, folder)
        with np.load(folder / "reference.npz", allow_pickle=False) as arrays:
            loaded._look_among(arrays["rows"])
        return loaded


def _spread(X: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column (d,), 0 where all values are missing."""
    seen = ~np.isnan(X)
    count = np.maximum(seen.sum(axis=0), 1)
    centred = np.where(seen, X - np.where(seen, X, 0).sum(axis=0) / count, 0)
    spread: np.ndarray = np.sqrt((centred**2).sum(axis=0) / count)
    return spread


@dataclass(frozen=True, eq=False)
class _Distances:
    """A space (m, s) of rows in which Euclidean distance weighs all columns alike.

    Ordered columns in standard deviations, missing values at the mean; a different category counts as one deviation.
    """

    centre: tuple[tuple[int, float, float], ...]  # ordered columns: position, mean, standard deviation
    common: tuple[tuple[int, np.ndarray], ...]  # categorical columns: position, the codes that are told apart

    @classmethod
    def of(cls, table: Table, scale: np.ndarray) -> Self:
        """Learn the space of a table from its rows and the standard deviations (d,) of its columns."""
        centre, common = [], []
        for number, column in enumerate(table.schema.columns):
            x = table.X[:, number]
            if column.kind == "categorical":
                counts = np.bincount(x[~np.isnan(x)].astype(int), minlength=1)
                common.append((number, np.argsort(-counts, kind="stable")[:WIDEST]))
            elif scale[number] > 0:
                centre.append((number, float(np.nanmean(x)), float(scale[number])))
        return cls(tuple(centre), tuple(common))

    def place(self, X: np.ndarray) -> np.ndarray:
        """Return the coordinates (m, s) float32 of rows (m, d)."""
        parts = [
            np.clip(np.nan_to_num((X[:, number] - mean) / spread), -5, 5)[:, None]
            for number, mean, spread in self.centre
        ]
        parts += [(X[:, number, None] == codes) * np.sqrt(0.5) for number, codes in self.common]
        space: np.ndarray = np.hstack(parts or [np.zeros((len(X), 1))]).astype(np.float32)
        return space


_: type[Generator] = Neighbourhood
