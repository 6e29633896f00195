"""One column given others: a few randomised regression trees whose leaves hold the values to draw from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from generators.trees.chain_inputs import Inputs, targets
from loop import seeds
from loop.rows import Rows
from loop.types import Condition

MOST_ROWS = 50_000  # real rows that one tree learns from, a new random draw for each tree: bounds time and memory
MOST_FEATURES = 24  # columns compared in one split: bounds the time on wide tables
ATOM = 0.01  # a value with a larger share of the rows is a spike, which is never averaged with others
ELSEWHERE = 1e-6  # weight of a draw from the whole column where a leaf holds no allowed value


@dataclass(frozen=True, eq=False)
class Leaves:
    """The values of one column in the leaves of one tree; within a leaf they are sorted, missing ones last."""

    tree: DecisionTreeRegressor | None  # None = one leaf that holds all rows
    values: np.ndarray  # (n,) float64, leaf by leaf
    atoms: np.ndarray  # (n,) bool: values that must not be averaged with others
    start: np.ndarray  # (nodes + 1,) index of the first value of each node

    @classmethod
    def of(cls, tree: DecisionTreeRegressor | None, inputs: np.ndarray, x: np.ndarray, atoms: np.ndarray) -> Leaves:
        """Sort the values x (n,) into the leaves of their inputs (n, c)."""
        leaf = _leaf(tree, inputs)
        order = np.lexsort((x, leaf))
        size = np.bincount(leaf, minlength=1 if tree is None else tree.tree_.node_count)
        return cls(tree, x[order], atoms[order], np.append(0, np.cumsum(size)))

    def allowing(self, conditions: tuple[Condition, ...]) -> Leaves:
        """Return the same tree with only those values that meet the conditions."""
        allowed = np.ones(len(self.values), dtype=bool)
        for condition in conditions:
            allowed &= replace(condition, column=0).holds(Rows(self.values[:, None]))
        start = np.append(0, np.cumsum(allowed))[self.start]
        return replace(self, values=self.values[allowed], atoms=self.atoms[allowed], start=start)

    def draw(
        self, inputs: np.ndarray, conditions: tuple[Condition, ...], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw a value for each row of inputs (n, c) among those of its leaf that meet the conditions.

        Returns the values (n,) and the weight of each draw (n,): the share of the leaf that meets the conditions. For a
        leaf without such values, draw from the whole column with a tiny weight; weights are 0 if no value qualifies.
        """
        leaf = _leaf(self.tree, inputs)
        some = self.allowing(conditions) if conditions else self
        if not len(some.values):
            return np.full(len(leaf), np.nan), np.zeros(len(leaf))
        first, size = some.start[leaf], np.diff(some.start)[leaf]
        weight = np.where(size > 0, size / np.diff(self.start)[leaf], ELSEWHERE * len(some.values) / len(self.values))
        first, size = np.where(size > 0, first, 0), np.where(size > 0, size, len(some.values))
        return some._quantile(first, size, rng.random(len(leaf))), weight

    def _quantile(self, first: np.ndarray, size: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the quantiles u (n,) of ``size`` sorted values from ``first`` on, interpolated except at atoms."""
        place = np.clip(u * size - 0.5, 0, size - 1)
        below = first + place.astype(np.int64)
        above = np.minimum(below + 1, first + size - 1)
        part = place % 1
        low, high = self.values[below], self.values[above]
        with np.errstate(over="ignore", invalid="ignore"):  # missing values, and the width of a column of huge ones
            between = low + part * (high - low)
        exact = self.atoms[below] | self.atoms[above]
        values: np.ndarray = np.where(exact, np.where(part < 0.5, low, high), between)
        return values


@dataclass(frozen=True, eq=False)
class ColumnTrees:
    """The distribution of one column given others, as a mixture of trees of equal weight."""

    inputs: Inputs
    leaves: tuple[Leaves, ...]

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        inputs: tuple[np.ndarray, np.ndarray, np.ndarray],
        discrete: bool,
        rng: np.random.Generator,
        *,
        trees: int,
        min_leaf: int,
        feature_share: float,
    ) -> ColumnTrees:
        """Learn the column x (n,).

        Parameters
        ----------
        x : np.ndarray
            Values, (n,), NaN = missing.
        inputs : tuple of np.ndarray
            What it may depend on: the columns' numbers (c,), ranks or codes of all columns (n, d) float32, and which
            columns hold codes (d,) bool.
        discrete : bool
            True if the values of x are codes.
        rng : np.random.Generator
            Draws the trees' rows and splits.
        trees, min_leaf : int
            Number of trees, and minimum rows in a leaf.
        feature_share : float
            Share of the columns that are compared in a split.
        """
        columns, ranks, coded = inputs
        target = targets(x, discrete, rng)
        seen = Inputs.of(columns, ranks, coded, target)
        matrix, atoms = seen.matrix(ranks), _atoms(x, discrete)
        if not len(columns) or not np.ptp(target, axis=0).any():
            return cls(seen, (Leaves.of(None, matrix, x, atoms),))
        features = min(ceil(feature_share * len(columns)), MOST_FEATURES)
        leaves = []
        for _ in range(trees):
            rows = rng.permutation(len(x))[:MOST_ROWS] if len(x) > MOST_ROWS else np.arange(len(x))
            tree = DecisionTreeRegressor(
                min_samples_leaf=min_leaf, max_features=features, random_state=seeds.integer(rng)
            ).fit(matrix[rows], target[rows])
            leaves.append(Leaves.of(tree, matrix[rows], x[rows], atoms[rows]))
        return cls(seen, tuple(leaves))

    def draw(
        self, ranks: np.ndarray, conditions: tuple[Condition, ...], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw values (n,) and weights (n,) given ranks or codes of all columns (n, d), each from a random tree."""
        matrix, which = self.inputs.matrix(ranks), rng.integers(len(self.leaves), size=len(ranks))
        x, weight = np.empty(len(ranks)), np.empty(len(ranks))
        for number, leaves in enumerate(self.leaves):
            mine = which == number
            x[mine], weight[mine] = leaves.draw(matrix[mine], conditions, rng)
        return x, weight


def _leaf(tree: DecisionTreeRegressor | None, inputs: np.ndarray) -> np.ndarray:
    """Return the leaf number of each row (n,)."""
    leaf: np.ndarray = np.zeros(len(inputs), np.int64) if tree is None else tree.tree_.apply(inputs)
    return leaf


def _atoms(x: np.ndarray, discrete: bool) -> np.ndarray:
    """Tell which values (n,) are codes, missing or spikes of their column."""
    values, back, count = np.unique(x, return_inverse=True, return_counts=True)
    atoms: np.ndarray = (discrete | np.isnan(values) | (count > max(ATOM * len(x), 1)))[back]
    return atoms
