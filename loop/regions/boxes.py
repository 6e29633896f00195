"""A regression tree whose weak leaves are boxes that hold exactly the rows they were grown on.

The tree is fitted on ranks, not values: scikit-learn converts to float32, which merges large numbers (seconds since
1970 become steps of two minutes) but keeps ranks below 2**24. Thresholds are values seen in the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from loop.seeds import integer
from loop.types import Condition

_MOST_STEPS = 256  # thresholds tried for an ordered column, at its quantiles
_MOST_ROWS = 8_000  # most rows that a tree is grown on: more hardly change it
_PRICE = 12.0  # (3.5 standard errors)², more than the best chance split of about ten columns
Rule = tuple[Condition, ...]


def weak_boxes(
    X: np.ndarray,
    weakness: np.ndarray,
    discrete: np.ndarray,
    *,
    depth: int,
    min_rows: int,
    rng: np.random.Generator,
) -> list[Rule]:
    """Return the rules of all leaves whose mean weakness is above that of all rows.

    Large tables are thinned: the tree is grown on the weakest rows and a weighted sample of the others.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Encoded rows, NaN = missing.
    weakness : ndarray of shape (n,)
        Weakness of each row, higher is weaker.
    discrete : bool ndarray of shape (d,)
        Columns whose values are codes. They are ordered by their mean weakness, so that a split divides the codes
        into two sets: for squared error the best such split is among these (Fisher 1958).
    depth : int
        Most splits on the path to a leaf.
    min_rows : int
        Fewest rows in a leaf.
    rng : numpy.random.Generator
        Draws the sample, and decides between equally good splits.

    Returns
    -------
    list of Rule
    """
    from sklearn.tree import DecisionTreeRegressor  # half a second to import

    n, average = len(X), weakness.mean()
    rows, weight = _thinned(weakness, rng)
    X, weakness = X[rows], weakness[rows]
    axes = [
        _Axis.discrete(x, weakness, weight, min_rows) if coded else _Axis.ordered(x)
        for x, coded in zip(X.T, discrete, strict=True)
    ]
    ranks = np.column_stack([axis.rank(x) for axis, x in zip(axes, X.T, strict=True)])
    least = (min_rows - 0.5) / n  # between two counts, so that rounding does not matter
    tree = DecisionTreeRegressor(max_depth=depth, min_weight_fraction_leaf=least, random_state=integer(rng))
    tree.fit(ranks, weakness, sample_weight=weight)
    weak = tree.tree_.value.ravel() > average
    return [
        tuple(axes[side.axis].condition(side) for side in sides)
        for leaf, sides in _leaves(tree.tree_, axes)
        if weak[leaf] and sides
    ]


def _thinned(weakness: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows (m,) to grow the tree on and the number of rows that each represents (m,)."""
    n = len(weakness)
    if n <= _MOST_ROWS:
        return np.arange(n), np.ones(n)
    half = _MOST_ROWS // 2
    order = np.argpartition(-weakness, half)
    rows = np.concatenate([order[:half], rng.choice(order[half:], half, replace=False)])
    return rows, np.repeat([1.0, (n - half) / half], half)


@dataclass(frozen=True)
class _Side:
    """One side of a box in ranks: ``low < rank <= high``."""

    axis: int
    low: float
    high: float
    missing: bool


@dataclass(frozen=True, eq=False)
class _Axis:
    """How the values of one column become ranks 0, 1, ... and back."""

    values: np.ndarray  # (r,) in rank order: codes, or the largest value of each rank
    ranks: np.ndarray  # (r,) int
    coded: bool
    missing: bool  # were missing values among the rows?

    @classmethod
    def ordered(cls, x: np.ndarray) -> "_Axis":
        known = np.sort(x[~np.isnan(x)])
        values = known[np.diff(known, append=np.inf) > 0]
        if len(values) > _MOST_STEPS:
            quantiles = known[np.arange(1, _MOST_STEPS + 1) * len(known) // _MOST_STEPS - 1]
            values = np.unique(quantiles)
        return cls(values, np.arange(len(values)), coded=False, missing=len(known) < len(x))

    @classmethod
    def discrete(cls, x: np.ndarray, weakness: np.ndarray, weight: np.ndarray, min_rows: int) -> "_Axis":
        """Rank codes by mean weakness; codes rarer than a leaf share a rank, as their order is mostly chance."""
        known = ~np.isnan(x)
        values, position = np.unique(x[known], return_inverse=True)
        pool = np.where(np.bincount(position, weight[known]) < min_rows, len(values), np.arange(len(values)))
        sums = np.bincount(pool[position], (weight * weakness)[known], minlength=len(values) + 1)
        rows = np.bincount(pool[position], weight[known], minlength=len(values) + 1)
        _, ranks = np.unique((sums / np.maximum(rows, 1))[pool], return_inverse=True)
        return cls(values, ranks, coded=True, missing=not known.all())

    def rank(self, x: np.ndarray) -> np.ndarray:  # (n,) float64, NaN = missing
        ranks = np.append(self.ranks, -1)[np.searchsorted(self.values, x)]
        return np.where(np.isnan(x), np.nan, ranks)

    def condition(self, side: _Side) -> Condition:
        if self.coded:
            codes = self.values[(self.ranks > side.low) & (self.ranks <= side.high)]
            return Condition(side.axis, codes=frozenset(int(code) for code in codes), missing=side.missing)
        return Condition(side.axis, self._value(side.low), self._value(side.high), missing=side.missing)

    def _value(self, rank: float) -> float:
        return float(self.values[int(rank)]) if np.isfinite(rank) else rank


def _leaves(tree: Any, axes: Sequence[_Axis]) -> Iterator[tuple[int, tuple[_Side, ...]]]:
    """Yield each leaf of the pruned scikit-learn tree with the sides of its box, one per column."""
    pays = _splits_that_pay(tree)
    stack: list[tuple[int, dict[int, _Side]]] = [(0, {})]
    while stack:
        node, box = stack.pop()
        if not pays[node]:
            yield node, tuple(box[axis] for axis in sorted(box))
            continue
        axis, cut, to_left = int(tree.feature[node]), float(tree.threshold[node]), bool(tree.missing_go_to_left[node])
        whole = box.get(axis, _Side(axis, -np.inf, np.inf, axes[axis].missing))
        below = replace(whole, high=min(whole.high, cut), missing=whole.missing and to_left)
        above = replace(whole, low=max(whole.low, cut), missing=whole.missing and not to_left)
        stack += [(tree.children_left[node], {**box, axis: below}), (tree.children_right[node], {**box, axis: above})]


def _splits_that_pay(tree: Any) -> np.ndarray:  # (nodes,) bool
    """Return which splits stay. A weak box split by chance would be reported as two, each with less evidence.

    A split stays if one below it does or if it lowers the squared error by more than `_PRICE` times the variance.
    """
    error = tree.impurity * tree.weighted_n_node_samples
    pays = np.zeros(tree.node_count, dtype=bool)
    for node in reversed(range(tree.node_count)):  # children have higher numbers than their parents
        left, right = tree.children_left[node], tree.children_right[node]
        if left >= 0:
            saved = error[node] - error[left] - error[right]
            pays[node] = pays[left] or pays[right] or saved > _PRICE * tree.impurity[node]
    return pays
