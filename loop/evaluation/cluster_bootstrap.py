"""Bootstrap replicates and standard errors of scores for weighted rows, or rows in units that are drawn together."""

from collections.abc import Callable, Sequence

import numpy as np

from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import Metric, ranked_classes, steps

Weighing = Callable[[np.ndarray], float]  # weights of the rows (n,) -> score


def standard_error(values: np.ndarray, judged: JudgeRows) -> float:
    """Return the standard error of the weighted mean of values (n,), with units drawn within their class."""
    weight = judged.weights
    where, strata = _strata(judged)
    apart = np.bincount(where, weight * (values - np.average(values, weights=weight)))
    spread = [apart[strata == code].var() * (strata == code).sum() for code in np.unique(strata)]
    return float(np.sqrt(np.sum(spread)) / weight.sum())


def weighted_replicates(
    models: Sequence[Weighing], judged: JudgeRows, rng: np.random.Generator, replicates: int
) -> np.ndarray:  # (models, B'), without replicates that miss a class
    """Score each model on replicates: a row weighs its weight times how often its unit was drawn.

    Raises
    ------
    DataError
        If a class has rows in too few units.
    """
    y, weight = judged.y, judged.weights
    where, strata = _strata(judged)
    members, values = [np.flatnonzero(strata == code) for code in np.unique(strata)], []
    for _ in range(replicates):
        drawn = np.concatenate([rng.choice(own, len(own)) for own in members])
        weights = np.bincount(drawn, minlength=len(strata))[where] * weight
        if all(weights[y == code].any() for code in np.unique(y)):
            values.append([model(weights) for model in models])
    if len(values) < 2:
        raise DataError(
            f"an interval needs several groups that hold each class, got {len(strata)} groups of {len(y)} rows: "
            "name a column with more groups."
        )
    return np.array(values).T


def weighing(metric: Metric, judged: JudgeRows, proba: np.ndarray) -> Weighing:
    """Return a function that scores one model for given weights; a ranking is sorted only once."""
    y, positive, ranking = judged.y, judged.positive, metric.ranking
    if ranking is None:
        return lambda weights: metric.function(y, proba, positive, weights)
    ranked = [(y == code, steps(proba[:, code], y == code)) for code in ranked_classes(y, proba.shape[1], positive)]

    def weigh(weights: np.ndarray) -> float:
        counts = (
            [np.bincount(step, weights * mask, minlength=2).cumsum() for mask in (hit, ~hit)] for hit, step in ranked
        )
        return float(np.mean([ranking(*each) for each in counts]))

    return weigh


def _strata(judged: JudgeRows) -> tuple[np.ndarray, np.ndarray]:
    """Number the units of the rows (n,), and return the rarest class of each unit (u,)."""
    y, unit = judged.y, judged.unit
    rank = np.argsort(np.argsort(np.bincount(y), kind="stable"), kind="stable")
    if unit is None:
        return np.arange(len(y)), rank[y]
    names, where = np.unique(unit, return_inverse=True)
    rarest = np.full(len(names), len(rank))
    np.minimum.at(rarest, where, rank[y])
    return where, rarest
