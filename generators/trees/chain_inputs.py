"""Columns as inputs of regression trees: values as ranks, categories ordered by the mean target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

ONE_HOT = 16  # outputs of a discrete target: an indicator for each value, random projections if there are more values
COARSE_ROWS, COARSE_LEAF = (
    20_000,
    50,
)  # rows of the tree that measures importance, and the fewest in its leaves
PRIOR_ROWS = 5.0  # rows at the overall mean that are added to each category, to stabilise the order of rare ones


def midranks(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the ranks (n,) float32 of x among sorted distinct values; x between two gets their mean, NaN stays NaN.

    Trees store their inputs as float32, which keeps close ranks apart but not always close values.
    """
    ranks = 0.5 * (np.searchsorted(values, x, "left") + np.searchsorted(values, x, "right") - 1)
    return np.where(np.isnan(x), np.nan, ranks).astype(np.float32)


def targets(x: np.ndarray, discrete: bool, rng: np.random.Generator) -> np.ndarray:
    """Turn a column (n,) into regression targets (n, k) whose squared error separates its values.

    An ordered column gives its normalised ranks and, where values are missing, an indicator. A discrete one gives an
    indicator for each value (squared error is then Gini impurity); with many values the indicators are projected on
    random directions, which preserves squared distances in expectation (Johnson and Lindenstrauss, 1984).
    """
    values, codes = np.unique(x, return_inverse=True)  # NaN is a value, the last one
    n_values = len(values)
    if not discrete:
        missing = np.isnan(x)
        mean_rank = np.cumsum(np.bincount(codes)) - 0.5 * (np.bincount(codes) + 1)
        ranks = mean_rank[codes] / len(x)
        return np.column_stack([np.where(missing, 0.5, ranks), missing]) if missing.any() else ranks[:, None]
    if n_values <= 2:
        return codes[:, None].astype(np.float64)
    if n_values <= ONE_HOT:
        onehot: np.ndarray = np.eye(n_values)[codes]
        return onehot
    directions: np.ndarray = rng.standard_normal((n_values, ONE_HOT)) / np.sqrt(ONE_HOT)
    return directions[codes]


def importance(label: np.ndarray, ranks: np.ndarray, coded: np.ndarray) -> np.ndarray:
    """Return the importance (d,) of each column for the label: its share of the impurity that one coarse tree removes.

    Parameters
    ----------
    label : np.ndarray
        Codes, (n,).
    ranks : np.ndarray
        Ranks or codes of the columns, (n, d) float32.
    coded : np.ndarray
        Which columns hold codes, (d,) bool.
    """
    rows = np.linspace(0, len(label), min(len(label), COARSE_ROWS), endpoint=False).astype(np.int64)
    target = targets(label[rows], True, np.random.default_rng(0))
    matrix = Inputs.of(np.arange(len(coded)), ranks[rows], coded, target).matrix(ranks[rows])
    tree = DecisionTreeRegressor(min_samples_leaf=COARSE_LEAF, random_state=0).fit(matrix, target)
    shares: np.ndarray = tree.feature_importances_
    return shares


@dataclass(frozen=True, eq=False)
class Inputs:
    """How columns become the inputs of one tree."""

    columns: np.ndarray  # (c,) int
    orders: dict[int, np.ndarray]  # position among the inputs -> (codes,) float32 place of each category

    @classmethod
    def of(cls, columns: np.ndarray, ranks: np.ndarray, categorical: np.ndarray, target: np.ndarray) -> Inputs:
        """Order the categories of each categorical column by their mean target.

        For one target this order is optimal for splitting (Fisher, 1958; Breiman et al., 1984); for several targets
        the order is along the first principal axis of the means (Coppersmith, Hong and Hosking, 1999).

        Parameters
        ----------
        columns : np.ndarray
            Numbers of the columns that the tree may use, (c,) int.
        ranks : np.ndarray
            Ranks or codes of all columns, (n, d) float32.
        categorical : np.ndarray
            Which columns hold codes, (d,) bool.
        target : np.ndarray
            Regression targets, (n, k) float64.
        """
        orders = {
            place: _order(ranks[:, column], target) for place, column in enumerate(columns) if categorical[column]
        }
        return cls(columns, orders)

    def matrix(self, ranks: np.ndarray) -> np.ndarray:
        """Return the inputs (n, c) float32 for ranks and codes of all columns (n, d)."""
        matrix: np.ndarray = ranks[:, self.columns]
        for place, order in self.orders.items():
            known = ~np.isnan(matrix[:, place])
            matrix[known, place] = order[matrix[known, place].astype(np.int64)]
        return matrix


def _order(codes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the position (n_codes,) float32 of each code in the order of mean targets."""
    known = ~np.isnan(codes)
    code, target = codes[known].astype(np.int64), target[known]
    count = np.bincount(code, minlength=1)
    mean = target.mean(axis=0) if len(target) else np.zeros(target.shape[1])
    sums = np.column_stack([np.bincount(code, column, minlength=1) for column in (target - mean).T])
    shift = sums / (count + PRIOR_ROWS)[:, None]
    if shift.shape[1] > 1:
        spread = (shift * count[:, None]).T @ shift
        shift = shift @ np.linalg.eigh(spread)[1][:, -1:]
    place = np.empty(len(count), np.float32)
    place[np.argsort(shift[:, 0], kind="stable")] = np.arange(len(count))
    return place
