"""How well the training rows are predicted out of fold: by a small model of all columns, and by each column alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from learners import XGBoost
from loop.data.split import duplicate_groups, folds, merge_groups
from loop.errors import DataError
from loop.seeds import stream
from loop.types import Table

MOST_ROWS, MOST_VALUES, FEWEST_ROWS = 10_000, 1_000_000, 1_000  # that are looked at; values = rows x columns
FOLDS = 3
LEAVES, LEAST_IN_LEAF = 32, 5  # of the tree on one column
DOUBT = 5  # rows of the usual class share that the share of a category is drawn towards


@dataclass(frozen=True)
class Score:
    """Out-of-fold scores for the class to catch against the rest."""

    average_precision: float
    auc: float


@dataclass(frozen=True, eq=False)
class Power:
    """The scores of all columns together and of each alone, and the share of the class to catch."""

    whole: Score
    columns: dict[str, Score]
    share: float


def power(train: Table, seed: int) -> Power | None:
    """Measure what columns tell about the class to catch, on training rows alone.

    Rows of one group and exact copies stay in one fold. Of a large table at most 10,000 rows are looked at, those of
    the class to catch first; the scores count the others as often as they occur.

    Parameters
    ----------
    train : Table, n rows
        Real training rows.
    seed : int

    Returns
    -------
    Power or None
        None if a class has too few rows or groups to be measured, or the rows are more than their columns.
    """
    if train.rows.arrays:
        return None
    rng = stream(seed, "sanity")
    binary, weight = _drawn(train, rng)
    together = duplicate_groups(binary.X)
    if binary.unit is not None:
        together = merge_groups(together, binary.unit)
    try:
        fold = folds(binary.y, rng, k=FOLDS, groups=together)
    except DataError:  # a class with rows in fewer groups than folds
        return None
    whole = _scored(lambda fit, held: _of_all(binary, fit, held), binary.y, fold, weight)
    columns = {
        column.name: _scored(_alone(binary, position), binary.y, fold, weight)
        for position, column in enumerate(train.schema.columns)
    }
    return Power(whole, columns, float(np.average(binary.y, weights=weight)))


def _drawn(train: Table, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Return rows with two classes, 1 = the class to catch, and how many rows of the table each stands for."""
    y = (train.y == train.schema.positive).astype(np.int64)
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_VALUES // max(1, train.X.shape[1])))
    caught, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    if len(train) <= most:
        chosen = np.arange(len(train))
    else:
        n_caught = min(len(caught), max(most // 2, most - len(others)))
        n_others = min(len(others), most - n_caught)
        drawn = (rng.choice(caught, n_caught, replace=False), rng.choice(others, n_others, replace=False))
        chosen = np.sort(np.concatenate(drawn))
    schema = replace(train.schema, classes=(0, 1), positive=1)
    table = replace(train, y=y, schema=schema, soft=None).take(chosen)
    times = np.bincount(y, minlength=2) / np.maximum(1, np.bincount(table.y, minlength=2))
    return table, times[table.y]


def _scored(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray], y: np.ndarray, fold: np.ndarray, weight: np.ndarray
) -> Score:
    """Score the answers (n,) to rows that were held out; ``answer`` takes masks of the rows to fit and to answer."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = np.empty(len(y))
    for number in range(FOLDS):
        held = fold == number
        scores[held] = answer(~held, held)
    return Score(
        float(average_precision_score(y, scores, sample_weight=weight)),
        float(roc_auc_score(y, scores, sample_weight=weight)),
    )


def _of_all(table: Table, fit: np.ndarray, held: np.ndarray) -> np.ndarray:
    model = XGBoost(trees=100, rate=0.1).fit(table.take(fit), np.random.default_rng(0))
    proba: np.ndarray = model.predict_proba(table.rows.take(held))[:, 1]
    return proba


def _alone(table: Table, position: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what answers by one column: a small tree, or the class shares of its categories."""
    from sklearn.tree import DecisionTreeClassifier

    x, y = table.X[:, position], table.y

    def by_tree(fit: np.ndarray, held: np.ndarray) -> np.ndarray:
        tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=LEAST_IN_LEAF, random_state=0)
        proba: np.ndarray = tree.fit(x[fit, None], y[fit]).predict_proba(x[held, None])[:, 1]
        return proba

    def by_category(fit: np.ndarray, held: np.ndarray) -> np.ndarray:
        codes = np.nan_to_num(x, nan=-1).astype(np.int64) + 1
        size = int(codes.max()) + 1
        rows, hits = np.bincount(codes[fit], minlength=size), np.bincount(codes[fit], y[fit], size)
        shares: np.ndarray = (hits + DOUBT * y[fit].mean()) / (rows + DOUBT)
        answers: np.ndarray = shares[codes[held]]
        return answers

    return by_category if table.schema.columns[position].kind == "categorical" else by_tree
