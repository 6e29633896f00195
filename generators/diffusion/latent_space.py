"""Rows as points of a continuous space in which noise can be added: normal scores, and a point for each level."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import ndtri

from generators.common.marginals import Marginal
from loop.data.schema_difference import difference
from loop.data.value_grid import tidy
from loop.types import Schema

WIDEST = 128  # maximum levels of a column; rarer categories share the last, numbers with more values become scores
APART = 0.05  # minimum distance of two points: far above the lowest noise level


@dataclass(frozen=True, eq=False)
class Levels:
    """The values of a column with few distinct values, each at a point; missing is treated as a value.

    The last level may stand for all rare categories together: one of them is drawn by its share.
    """

    values: np.ndarray  # (L,) encoded values, NaN = missing
    points: np.ndarray  # (L, m) float32 coordinates of the levels
    rare: np.ndarray  # (r,) values that the last level stands for, at least one
    share: np.ndarray  # (r,) their shares, sum 1

    @classmethod
    def unordered(cls, x: np.ndarray) -> Self:
        """Place the categories of x (n,), the most frequent first, at equal distances."""
        values, counts = np.unique(x, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        values, counts = values[order], counts[order]
        last = min(len(values), WIDEST) - 1
        points = np.eye(last + 1, dtype=np.float32)
        return cls(values[: last + 1], points, values[last:], counts[last:] / counts[last:].sum())

    @classmethod
    def ordered(cls, x: np.ndarray) -> Self:
        """Place the values of x (n,) on a line by their normal scores, of unit variance; missing below all others."""
        values, counts = np.unique(x, return_counts=True)
        if np.isnan(values[-1]):
            values, counts = np.roll(values, 1), np.roll(counts, 1)
        share = counts / len(x)
        score = ndtri(np.cumsum(share) - share / 2)
        unit = np.sqrt(share @ (score - share @ score) ** 2)
        line = np.append(0, np.cumsum(np.maximum(np.diff(score) / unit, APART)))
        points = (line - share @ line)[:, None].astype(np.float32)
        return cls(values, points, values[-1:], np.ones(1))

    def like(self, other: Self) -> bool:
        """Tell whether the levels stand for the same values, in any order; values that share a level may differ."""
        own, others = (levels.values[: len(levels.values) - (len(levels.rare) > 1)] for levels in (self, other))
        return np.array_equal(np.sort(own), np.sort(others), equal_nan=True)

    def in_order(self, values: np.ndarray) -> Self:
        """Return the same levels in the order of given values (L,); a shared level stays the last."""
        if len(self.rare) > 1:
            return replace(self, values=np.append(values[:-1], self.values[-1]))
        return replace(self, values=values, rare=values[-1:])

    def number(self, x: np.ndarray) -> np.ndarray:
        """Return the level number (n,) of each value; an unknown category gets the last level."""
        order = np.argsort(self.values)
        near = order[np.minimum(np.searchsorted(self.values, x, sorter=order), len(order) - 1)]
        same = (self.values[near] == x) | (np.isnan(self.values[near]) & np.isnan(x))
        return np.where(same, near, len(self.values) - 1)

    def value(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the value (n,) at the point nearest to each of the latents (n, m)."""
        number = (latents @ self.points.T - 0.5 * (self.points**2).sum(axis=1)).argmax(axis=1)
        drawn = rng.choice(self.rare, size=len(number), p=self.share)
        return np.where(number == len(self.values) - 1, drawn, self.values[number])


@dataclass(frozen=True, eq=False)
class Space:
    """Maps rows (n, d) to latents (n, w) and back: first the scores, then the points of the levels.

    Columns of many numbers become standard normal scores, with spikes and missing values as intervals of scores. All
    other columns have levels. A column with only one value is left out of the latents.
    """

    schema: Schema
    constant: dict[int, float]
    scores: dict[int, Marginal]
    levels: dict[int, Levels]

    @classmethod
    def of(cls, X: np.ndarray, schema: Schema) -> Self:
        """Learn the space of rows X (n, d); deterministic, so the same rows give the same space."""
        space, discrete = cls(schema, {}, {}, {}), schema.discrete
        for number, x in enumerate(X.T):
            distinct = len(np.unique(x))
            if distinct == 1:
                space.constant[number] = float(x[0])
            elif discrete[number]:
                space.levels[number] = Levels.unordered(x)
            elif distinct <= WIDEST:
                space.levels[number] = Levels.ordered(x)
            else:
                space.scores[number] = Marginal.of(x, discrete=False)
        if not space.scores and not space.levels:  # a net needs at least one input
            space.levels[0] = Levels.unordered(X[:, 0])
            del space.constant[0]
        return space

    def like(self, other: Self) -> bool:
        """Tell whether latents mean the same, except for the order of levels and the scale of scores."""
        same = not difference(self.schema, other.schema) and self.scores.keys() == other.scores.keys()
        same = same and self.levels.keys() == other.levels.keys()
        return same and all(levels.like(other.levels[number]) for number, levels in self.levels.items())

    def in_order(self, order: Mapping[int, np.ndarray]) -> Self:
        """Return the same space with each column's levels in the given order (L,), see `order`."""
        return replace(self, levels={number: levels.in_order(order[number]) for number, levels in self.levels.items()})

    @property
    def order(self) -> dict[int, np.ndarray]:
        """Values (L,) of the levels of each column that has them: the meaning of a net's outputs."""
        return {number: levels.values for number, levels in self.levels.items()}

    @property
    def points(self) -> tuple[np.ndarray, ...]:
        """Points (L, m) of the levels of each column that has them, in the order of the latents."""
        return tuple(levels.points for levels in self.levels.values())

    @property
    def width(self) -> int:
        """Length of a latent."""
        return len(self.scores) + sum(int(points.shape[1]) for points in self.points)

    def encode(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return latents (n, w) float32; the score of a value within a spike is random."""
        scores = [marginal.normal(X[:, number], rng)[:, None] for number, marginal in self.scores.items()]
        points = [levels.points[levels.number(X[:, number])] for number, levels in self.levels.items()]
        return np.hstack([np.empty((len(X), 0)), *scores, *points]).astype(np.float32)

    def decode(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return rows (n, d), rounded to what the columns can hold."""
        X = np.empty((len(latents), len(self.schema.columns)))
        for number, value in self.constant.items():
            X[:, number] = value
        for place, (number, marginal) in enumerate(self.scores.items()):
            X[:, number] = marginal.value(latents[:, place].astype(np.float64))
        ends = np.cumsum([len(self.scores), *(points.shape[1] for points in self.points)])
        for (number, levels), start, end in zip(self.levels.items(), ends[:-1], ends[1:], strict=True):
            X[:, number] = levels.value(latents[:, start:end], rng)
        return tidy(X, self.schema)
