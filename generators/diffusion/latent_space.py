"""Rows as points of a continuous space in which noise can be added: normal scores, and points for levels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import ndtri

from generators.common.marginals import Marginal
from loop.data.schema_difference import difference
from loop.data.value_grid import tidy
from loop.types import Schema

WIDEST = 128  # levels a column has at most; rarer categories share the last, numbers with more values become scores
APART = 0.05  # smallest distance of two points: far above the lowest noise level


@dataclass(frozen=True, eq=False)
class Levels:
    """The values of a column with few of them, each at a point; missing is a value like any other.

    The last level may stand for all rare categories together: which of them it is, is drawn from their shares.
    """

    values: np.ndarray  # (L,) encoded values, NaN = missing
    points: np.ndarray  # (L, m) float32 where the levels lie
    rare: np.ndarray  # (r,) values behind the last level; one, if it stands for itself
    share: np.ndarray  # (r,) their shares, sum 1

    @classmethod
    def unordered(cls, x: np.ndarray) -> Self:
        """Put the categories x (n,), the most frequent first, at equal distances."""
        values, counts = np.unique(x, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        values, counts = values[order], counts[order]
        last = min(len(values), WIDEST) - 1
        points = np.eye(last + 1, dtype=np.float32)
        return cls(values[: last + 1], points, values[last:], counts[last:] / counts[last:].sum())

    @classmethod
    def ordered(cls, x: np.ndarray) -> Self:
        """Put the values x (n,) on a line by their normal scores, of unit variance; missing ones below all others."""
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
        """Tell whether the levels stand for the same values, in whatever order; those that share a level may differ."""
        own, others = (levels.values[: len(levels.values) - (len(levels.rare) > 1)] for levels in (self, other))
        return np.array_equal(np.sort(own), np.sort(others), equal_nan=True)

    def in_order(self, values: np.ndarray) -> Self:
        """Return the same levels in the order of others (L,) that they are like; a shared level stays the last."""
        if len(self.rare) > 1:
            return replace(self, values=np.append(values[:-1], self.values[-1]))
        return replace(self, values=values, rare=values[-1:])

    def number(self, x: np.ndarray) -> np.ndarray:
        """Return the level (n,) of each value; a category that is not in the list is a rare one."""
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
    other columns have levels. A column with one value only has no place in the latents.
    """

    schema: Schema
    constant: dict[int, float]
    scores: dict[int, Marginal]
    levels: dict[int, Levels]

    @classmethod
    def of(cls, X: np.ndarray, schema: Schema) -> Self:
        """Learn the space of rows X (n, d); nothing is drawn, so the same rows give the same space."""
        space = cls(schema, {}, {}, {})
        for number, x in enumerate(X.T):
            distinct = len(np.unique(x))
            if distinct == 1:
                space.constant[number] = float(x[0])
            elif schema.discrete[number]:
                space.levels[number] = Levels.unordered(x)
            elif distinct <= WIDEST:
                space.levels[number] = Levels.ordered(x)
            else:
                space.scores[number] = Marginal.of(x, discrete=False)
        if not space.scores and not space.levels:  # a net needs something to look at
            space.levels[0] = Levels.unordered(X[:, 0])
            del space.constant[0]
        return space

    def like(self, other: Self) -> bool:
        """Tell whether latents mean the same, but for the order of levels and where scores and ordered values lie."""
        same = not difference(self.schema, other.schema) and self.scores.keys() == other.scores.keys()
        same = same and self.levels.keys() == other.levels.keys()
        return same and all(levels.like(other.levels[number]) for number, levels in self.levels.items())

    def in_order(self, order: Mapping[int, np.ndarray]) -> Self:
        """Return the same space with each column's levels in an order (L,), see `order`."""
        return replace(self, levels={number: levels.in_order(order[number]) for number, levels in self.levels.items()})

    @property
    def order(self) -> dict[int, np.ndarray]:
        """Values (L,) of the levels of each column that has them: what a net's outputs stand for."""
        return {number: levels.values for number, levels in self.levels.items()}

    @property
    def points(self) -> tuple[np.ndarray, ...]:
        """Points (L, m) of the levels of each column that has them, in the order of the latents."""
        return tuple(levels.points for levels in self.levels.values())

    @property
    def width(self) -> int:
        return len(self.scores) + sum(int(points.shape[1]) for points in self.points)

    def encode(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return latents (n, w) float32; the place of a score within a spike is drawn."""
        scores = [marginal.normal(X[:, number], rng)[:, None] for number, marginal in self.scores.items()]
        points = [levels.points[levels.number(X[:, number])] for number, levels in self.levels.items()]
        return np.hstack([np.empty((len(X), 0)), *scores, *points]).astype(np.float32)

    def decode(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return rows (n, d) that the columns can hold."""
        X = np.empty((len(latents), len(self.schema.columns)))
        for number, value in self.constant.items():
            X[:, number] = value
        for place, (number, marginal) in enumerate(self.scores.items()):
            X[:, number] = marginal.value(latents[:, place].astype(np.float64))
        ends = np.cumsum([len(self.scores), *(points.shape[1] for points in self.points)])
        for (number, levels), start, end in zip(self.levels.items(), ends[:-1], ends[1:], strict=True):
            X[:, number] = levels.value(latents[:, start:end], rng)
        return tidy(X, self.schema)
