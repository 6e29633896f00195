"""Points of the curves in a report: the learner before and after the loop, on the same sealed test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.support.plain_json import Record, plain

POINTS = 200  # most points of a curve
COST_RATIOS = np.geomspace(1, 1000, 61)  # cost of a miss over that of a false alarm
ALERT_SHARES = (0.005, 0.01, 0.02, 0.05)  # of all rows
BINS = 10  # of the reliability diagram, at most
LEAST_EXPECTED = 3  # positives expected in a bin
_Z = 1.96  # of a 95 % interval
_REPLICATES = 300


def before_and_after(
    tested: JudgeRows, before: np.ndarray, after: np.ndarray, recall_at_precision: str, rng: np.random.Generator
) -> Record:
    """Return curves and matched operating points as values that JSON can hold.

    Parameters
    ----------
    tested : JudgeRows, n rows
        Rows of the class to catch and of others, at least one of each.
    before, after : ndarray of shape (n,), float
        Probability of the class to catch by the learner on real rows alone and by the delivered model.
    recall_at_precision : str
        Name of the metric at the precision asked for, as in `loop.evaluation.metrics.resolve`.
    rng : numpy.random.Generator
        Draws the bootstrap of the intervals.
    """
    tested, is_positive = tested.against_rest(), tested.is_positive
    arms = {"before": before, "after": after}
    recalls = ("recall_at_fpr_01", "recall_at_fpr_05", recall_at_precision)
    record: Record = plain(
        {
            "rows": len(is_positive),
            "positives": int(is_positive.sum()),
            **{name: curve(tested, proba) for name, proba in arms.items()},
            "recalls": _recalls(tested, arms, recalls, rng),
            "alerts": [_alerts(is_positive, arms, share) for share in ALERT_SHARES],
        }
    )
    return record


def precision_recall(is_positive: np.ndarray, proba: np.ndarray) -> dict[str, np.ndarray]:
    """Return recall and precision at scores of positives, highest first, at no more than `POINTS` of them."""
    hit, other = np.sort(proba[is_positive]), np.sort(proba[~is_positive])
    ranks = np.unique(np.linspace(1, len(hit), min(len(hit), POINTS)).round().astype(int))
    thresholds = np.unique(hit[-ranks])[::-1]
    hits = len(hit) - np.searchsorted(hit, thresholds)
    alarms = len(other) - np.searchsorted(other, thresholds)
    return {"recall": hits / len(hit), "precision": hits / (hits + alarms)}


def costs(is_positive: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the cost at each of `COST_RATIOS`; 1 = the cheaper of alerting on no row and on every row.

    Alerts are raised where the probability exceeds 1 / (1 + ratio), which is optimal for calibrated probabilities
    (Elkan 2001, *IJCAI*, equation 2); no threshold is fitted to the test rows.
    """
    hit, other = np.sort(proba[is_positive]), np.sort(proba[~is_positive])
    thresholds = 1 / (1 + COST_RATIOS)
    misses = np.searchsorted(hit, thresholds)
    alarms = len(other) - np.searchsorted(other, thresholds)
    spent: np.ndarray = (alarms + COST_RATIOS * misses) / np.minimum(len(other), COST_RATIOS * len(hit))
    return spent


def reliability(is_positive: np.ndarray, proba: np.ndarray) -> dict[str, np.ndarray]:
    """Return predicted and observed shares by bin, with the interval of Wilson (1927, *JASA* 22:158).

    All bins have the same expected number of positives. Bins of equal width or equal size would show almost nothing of
    a rare class.
    """
    order = np.argsort(proba, kind="stable")
    promised = proba[order].cumsum()
    n_bins = int(np.clip(promised[-1] // LEAST_EXPECTED, 1, BINS))
    middle = (promised - proba[order] / 2) / max(promised[-1], np.finfo(float).tiny)
    _, bins = np.unique(np.minimum((middle * n_bins).astype(int), n_bins - 1), return_inverse=True)
    rows = np.bincount(bins)
    observed = np.bincount(bins, is_positive[order]) / rows
    centre = (observed + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z / (1 + _Z**2 / rows) * np.sqrt(observed * (1 - observed) / rows + _Z**2 / (4 * rows**2))
    stated = np.bincount(bins, proba[order]) / rows
    return {"rows": rows, "stated": stated, "observed": observed, "low": centre - half, "high": centre + half}


def caught(is_positive: np.ndarray, proba: np.ndarray, alerts: int) -> float:
    """Return the number of positives among the highest-scoring rows, in expectation where equal scores tie."""
    threshold = np.partition(proba, -alerts)[-alerts]
    above, level = proba > threshold, proba == threshold
    left = alerts - int(above.sum())
    return float(is_positive[above].sum() + is_positive[level].mean() * left)


def curve(tested: JudgeRows, proba: np.ndarray) -> Record:
    """Return the points of one model's curves, from its probabilities (n,) for rows of two classes."""
    is_positive = tested.is_positive
    points = {**precision_recall(is_positive, proba), "cost_ratio": COST_RATIOS, "cost": costs(is_positive, proba)}
    return {
        "average_precision": score("average_precision", tested, _two(proba)),
        **{name: values.tolist() for name, values in points.items()},
        "reliability": {name: values.tolist() for name, values in reliability(is_positive, proba).items()},
    }


def _recalls(
    tested: JudgeRows, arms: Mapping[str, np.ndarray], metrics: Sequence[str], rng: np.random.Generator
) -> list[Record]:
    before, after = (_two(proba) for proba in arms.values())
    return [
        {
            "metric": metric,
            "before": score(metric, tested, before),
            "after": score(metric, tested, after),
            "difference": asdict(paired(metric, tested, before, after, rng, replicates=_REPLICATES).difference),
        }
        for metric in metrics
    ]


def _alerts(is_positive: np.ndarray, arms: Mapping[str, np.ndarray], share: float) -> Record:
    alerts = max(1, round(share * len(is_positive)))
    return {"share": share, "alerts": alerts, **{name: caught(is_positive, p, alerts) for name, p in arms.items()}}


def _two(proba: np.ndarray) -> np.ndarray:  # (n, 2)
    return np.column_stack([1 - proba, proba])
