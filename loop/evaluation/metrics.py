"""Scores of predicted probabilities by name, each with its direction (higher or lower is better).

A ranking metric is a function of the cumulative counts of a ranking and broadcasts over leading axes. The same code
thus scores rows and their bootstrap replicates (`loop.evaluation.bootstrap`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows

Ranking = Callable[[np.ndarray, np.ndarray], np.ndarray]
PointScore = Callable[[np.ndarray, np.ndarray, int, np.ndarray], float]
RowScore = Callable[[np.ndarray, np.ndarray, int], np.ndarray]

CALIBRATION_BINS = 15
_ROUNDING = 1e-9  # 0.29 * 100 is 28.999999999999996; a limit reached exactly must count as met


@dataclass(frozen=True, eq=False)
class Metric:
    """A named score: ``function(y (n,), proba (n, K), positive, weight (n,))``."""

    name: str
    greater_is_better: bool
    function: PointScore
    ranking: Ranking | None = None  # for ranking metrics: score (...) from cumulative counts (..., steps)
    rows: RowScore | None = None  # for means over rows: the score of each row (n,)

    @property
    def sign(self) -> int:
        """Factor that makes higher better: +1 or -1."""
        return 1 if self.greater_is_better else -1


def steps(scores: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    """Number the steps of a ranking, best first; rows that no ranking metric distinguishes share a step.

    Only the m distinct scores of positives matter as thresholds. Odd steps hold the rows tied with the best, second
    best, ... of them; even steps hold the negatives before, between and after. Cumulative counts at an odd step are
    those "at or above the threshold", at the even step before it "strictly above". So ties never depend on row order.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n,), float
        Higher means more likely positive.
    is_positive : numpy.ndarray, shape (n,), bool

    Returns
    -------
    numpy.ndarray, shape (n,), int
        Steps from 0 to at most 2m.
    """
    thresholds = np.unique(scores[is_positive])
    below = np.searchsorted(thresholds, scores)
    tied = np.append(thresholds, np.nan)[below] == scores
    step: np.ndarray = 2 * (len(thresholds) - below) - tied
    return step


def ranked_classes(y: np.ndarray, n_classes: int, positive: int) -> list[int]:
    """Return the classes whose rankings are averaged: ``positive`` of two classes, all classes present of more.

    Raises
    ------
    DataError
        If the rows are all of one class, where no ranking metric is defined.
    """
    present = np.unique(y)
    if len(present) < 2:
        raise DataError(
            f"A ranking metric needs rows of two classes or more, got {len(y)} rows of {len(present)}: "
            "judge on more rows or choose brier, log_loss or accuracy."
        )
    return [positive] if n_classes == 2 else [int(c) for c in present]


def _average_precision(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    hits, alarms = positives[..., 1::2], negatives[..., 1::2]
    precision = hits / np.maximum(hits + alarms, np.finfo(float).tiny)
    gained = np.diff(hits, axis=-1, prepend=0.0)
    area: np.ndarray = (gained * precision).sum(axis=-1) / positives[..., -1]
    return area


def _roc_auc(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    hits, alarms = positives[..., 1::2], negatives[..., 1::2]
    alarms_above = negatives[..., ::2][..., : hits.shape[-1]]
    beaten = negatives[..., -1:] - (alarms + alarms_above) / 2  # a tie counts half
    won = (np.diff(hits, axis=-1, prepend=0.0) * beaten).sum(axis=-1)
    area: np.ndarray = won / (positives[..., -1] * negatives[..., -1])
    return area


def _recall_where(allowed: np.ndarray, positives: np.ndarray) -> np.ndarray:
    best: np.ndarray = np.where(allowed, positives[..., 1::2], 0.0).max(axis=-1) / positives[..., -1]
    return best


def _recall_at_fpr(limit: float) -> Ranking:
    def ranking(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
        allowed = negatives[..., 1::2] <= (limit + _ROUNDING) * negatives[..., -1:]
        return _recall_where(allowed, positives)

    return ranking


def _recall_at_precision(level: float) -> Ranking:
    def ranking(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
        hits, alarms = positives[..., 1::2], negatives[..., 1::2]
        return _recall_where(hits >= (level - _ROUNDING) * (hits + alarms), positives)

    return ranking


def _ranked(name: str, ranking: Ranking) -> Metric:
    def function(y: np.ndarray, proba: np.ndarray, positive: int, weight: np.ndarray) -> float:
        def of_class(code: int) -> float:
            hit = y == code
            step = steps(proba[:, code], hit)
            counts = [np.bincount(step, weight * mask, minlength=2) for mask in (hit, ~hit)]
            return float(ranking(counts[0].cumsum(), counts[1].cumsum()))

        classes = ranked_classes(y[weight > 0], proba.shape[1], positive)
        return float(np.mean([of_class(code) for code in classes]))

    return Metric(name, True, function, ranking)


def _mean(name: str, greater_is_better: bool, rows: RowScore) -> Metric:
    def function(y: np.ndarray, proba: np.ndarray, positive: int, weight: np.ndarray) -> float:
        return float(np.average(rows(y, proba, positive), weights=weight))

    return Metric(name, greater_is_better, function, rows=rows)


def _squared_errors(y: np.ndarray, proba: np.ndarray, positive: int) -> np.ndarray:
    if proba.shape[1] == 2:
        of_two: np.ndarray = (proba[:, positive] - (y == positive)) ** 2
        return of_two
    squared: np.ndarray = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1)
    return squared


def _log_losses(y: np.ndarray, proba: np.ndarray, positive: int) -> np.ndarray:
    own = proba[np.arange(len(y)), y]
    losses: np.ndarray = -np.log(np.maximum(own, np.finfo(np.float64).eps))
    return losses


def _hits(y: np.ndarray, proba: np.ndarray, positive: int) -> np.ndarray:
    hits: np.ndarray = (proba.argmax(axis=1) == y).astype(np.float64)
    return hits


def _calibration_error(y: np.ndarray, proba: np.ndarray, positive: int, weight: np.ndarray) -> float:
    """Expected calibration error of the positive class, or of the most likely class of more than two."""
    if proba.shape[1] == 2:
        stated, true = proba[:, positive], y == positive
    else:
        stated, true = proba.max(axis=1), y == proba.argmax(axis=1)
    _, level = np.unique(stated, return_inverse=True)
    mass = np.bincount(level, weight)
    middle = (mass.cumsum() - mass / 2) / mass.sum()  # in (0, 1): equal probabilities get equal bins
    bins = (middle * CALIBRATION_BINS).astype(np.intp)[level]
    return float(np.abs(np.bincount(bins, weight * (stated - true))).sum() / mass.sum())


def _balanced_accuracy(y: np.ndarray, proba: np.ndarray, positive: int, weight: np.ndarray) -> float:
    return float(np.nanmean(per_class_recall(y, proba, weight)))


def per_class_recall(y: np.ndarray, proba: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Return the recall of each class under the most likely class, shape (K,), NaN for an absent class."""
    weight = np.ones(len(y)) if weight is None else weight
    n_classes = proba.shape[1]
    rows = np.bincount(y, weight, n_classes)
    right = np.bincount(y, weight * (proba.argmax(axis=1) == y), n_classes)
    recall: np.ndarray = np.divide(right, rows, out=np.full(n_classes, np.nan), where=rows > 0)
    return recall


def _recall_at(kind: str, percent: str) -> Metric:
    ranking = _recall_at_fpr if kind == "fpr" else _recall_at_precision
    return _ranked(f"recall_at_{kind}_{percent}", ranking(int(percent) / 100))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _ranked("average_precision", _average_precision),
        _ranked("roc_auc", _roc_auc),
        _recall_at("fpr", "01"),
        _recall_at("fpr", "05"),
        _recall_at("precision", "90"),
        _mean("brier", False, _squared_errors),
        _mean("log_loss", False, _log_losses),
        Metric("calibration_error", False, _calibration_error),
        _mean("accuracy", True, _hits),
        Metric("balanced_accuracy", True, _balanced_accuracy),
    )
}


def resolve(name: str) -> Metric:
    """Return the metric of a name; ``recall_at_fpr_NN`` and ``recall_at_precision_NN`` take any two digits of percent.

    Raises
    ------
    ConfigError
        If there is no such metric.
    """
    if name in METRICS:
        return METRICS[name]
    if found := re.fullmatch(r"recall_at_(fpr|precision)_([0-9]{2})", name):
        return _recall_at(found[1], found[2])
    raise ConfigError(
        f"A metric must be one of {', '.join(METRICS)} (recall_at_ takes any two digits of percent), got {name!r}: "
        "choose one of these."
    )


def score(name: str, judged: JudgeRows, proba: np.ndarray) -> float:
    """Score probabilities by the metric with a name.

    With two classes a ranking metric is that of class ``positive``; with more it is the mean of one class against
    the rest over the classes present (macro). ``brier`` is the mean squared distance of the positive probability
    for two classes, summed over all classes for more.

    Parameters
    ----------
    name : str
        Metric, as in `resolve`.
    judged : JudgeRows, n rows
        Weights are not negative; a weight of 2 equals the same row twice. The class to catch is ignored for more
        than two classes.
    proba : numpy.ndarray, shape (n, K), float
        Probabilities; every row sums to one.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        If there is no such metric.
    DataError
        If there are no rows, a probability is NaN, or a ranking metric gets rows of one class only.
    """
    metric = resolve(name)
    if len(judged) == 0 or np.isnan(proba).any():
        raise DataError(
            f"A score needs rows and a probability for each, got {len(judged)} rows and {int(np.isnan(proba).sum())} "
            "missing probabilities: leave out the rows that no model judged."
        )
    return metric.function(judged.y, proba, judged.positive, judged.weights)


def evaluate(names: Iterable[str], judged: JudgeRows, proba: np.ndarray) -> dict[str, float]:
    """Score probabilities by several metrics; see `score`."""
    return {name: score(name, judged, proba) for name in names}
