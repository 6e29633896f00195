"""Columns as regression trees need them: values as ranks, categories in the order of what they predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

ONE_HOT = 16  # distinct values of a discrete target that get an output each; more share as many random directions
COARSE_ROWS, COARSE_LEAF = (
    20_000,
    50,
)  # rows of the tree that tells how much each column says of the label, and of its leaves
PRIOR_ROWS = 5.0  # rows at the overall mean that are added to each category before categories are ordered


def midranks(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the ranks (n,) float32 of x among the sorted distinct values, half-way ones between two; NaN stays NaN.

    Trees hold their inputs as float32; ranks keep neighbours apart where the values themselves would not.
    """
    ranks = 0.5 * (np.searchsorted(values, x, "left") + np.searchsorted(values, x, "right") - 1)
    return np.where(np.isnan(x), np.nan, ranks).astype(np.float32)


def targets(x: np.ndarray, discrete: bool, rng: np.random.Generator) -> np.ndarray:
    """Turn a column (n,) into regression targets (n, k) whose squared error tells its values apart.

    An ordered column gives its normalised ranks and, where values are missing, an indicator. A discrete one gives an
    indicator for each value (squared error is then Gini impurity); with very many values the indicators are projected
    on random directions, which keeps squared distances in expectation (Johnson and Lindenstrauss, 1984).
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
    """Return how much each column (d,) tells of the label: its share in the impurity that one coarse tree removes.

    Parameters
    ----------
    label
        Codes, (n,).
    ranks
        Ranks or codes of the columns, (n, d) float32.
    coded
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
    """How the columns a tree may look at become its inputs."""

    columns: np.ndarray  # (c,) int
    orders: dict[int, np.ndarray]  # position among the inputs -> (codes,) float32 place of each category

    @classmethod
    def of(cls, columns: np.ndarray, ranks: np.ndarray, categorical: np.ndarray, target: np.ndarray) -> Inputs:
        """Order the categories of each categorical column by what they say about the target.

        For one target the order by mean is the best for splitting (Fisher, 1958; Breiman et al., 1984); for several it
        is that along the first principal axis of the means (Coppersmith, Hong and Hosking, 1999).

        Parameters
        ----------
        columns
            Columns that the tree may look at, (c,).
        ranks
            Ranks or codes of all columns, (n, d) float32.
        categorical
            Which columns hold codes, (d,) bool.
        target
            (n, k) float64.
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
    """Place of each code (n_codes,) float32 in the order of their mean targets."""
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
