"""Thresholds chosen on judge rows, held fixed, and evaluated on other rows: promised and delivered figures.

A threshold evaluated on the rows on which it was chosen looks better than it is; here the rows always differ.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from loop.evaluation.operating_points import EvaluationRows, ExpectedCost, Point
from loop.types import Interval

REPLICATES = 2000


def judge(point: Point, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> dict[str, float]:
    """Return the figures of an operating point with a fixed threshold.

    Parameters
    ----------
    point : Point
    threshold : float
        From the point's `choose` on other rows.
    rows : EvaluationRows, n rows
    scores : numpy.ndarray, shape (n,), float
        Probability of the class to catch.

    Returns
    -------
    dict of str to float
        recall, precision (NaN without alerts), false_positive_rate, alerts_per_1000 and, of a cost, cost_per_row.
    """
    alerts = point.alert(threshold, rows, scores)
    hits, alarms = (float(alerts[side].sum()) for side in (rows.is_positive, ~rows.is_positive))
    figures = {
        "recall": _ratio(hits, float(rows.is_positive.sum())),
        "precision": _ratio(hits, hits + alarms),
        "false_positive_rate": _ratio(alarms, float((~rows.is_positive).sum())),
        "alerts_per_1000": 1000 * _ratio(hits + alarms, len(rows)),
    }
    if isinstance(point, ExpectedCost):
        figures["cost_per_row"] = float(point.costs(rows, alerts).mean())
    return figures


def operating_table(
    points: Sequence[Point],
    chosen_on: EvaluationRows,
    chosen_scores: tuple[np.ndarray, np.ndarray],
    judged_on: EvaluationRows,
    judged_scores: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """Choose each point's threshold on some rows and judge it on others, for two models side by side.

    Parameters
    ----------
    points : sequence of Point
    chosen_on, judged_on : EvaluationRows
        Judge rows with out-of-fold scores, and test rows.
    chosen_scores, judged_scores : pair of numpy.ndarray, shape (n,), float
        Probability of the class to catch, by the model on real rows alone and by the loop's model.
    rng : numpy.random.Generator
        Draws the bootstrap.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    list of dict
        One per point: ``point`` (its description), ``figure`` (what is compared), ``real_only`` and ``loop``, each with
        ``threshold`` and the figures of `judge` as ``promised`` and as ``delivered``, and ``difference``: the interval
        of the loop's gain in the figure on ``judged_on``, positive = better.
    """
    table = []
    for point in points:
        arms, alerts = {}, []
        for arm, chosen, judged in zip(("before", "after"), chosen_scores, judged_scores, strict=True):
            threshold = point.choose(chosen_on, chosen)
            promised, delivered = judge(point, threshold, chosen_on, chosen), judge(point, threshold, judged_on, judged)
            arms[arm] = {"threshold": threshold, "promised": promised, "delivered": delivered}
            alerts.append(point.alert(threshold, judged_on, judged))
        difference = asdict(_difference(point, judged_on, alerts[0], alerts[1], rng, level))
        table.append({"point": point.named(judged_on), "figure": point.figure, **arms, "difference": difference})
    return table


def _difference(
    point: Point, rows: EvaluationRows, old: np.ndarray, new: np.ndarray, rng: np.random.Generator, level: float
) -> Interval:
    """Compare the alerts of two models by a percentile bootstrap that draws rows, or units, within each class."""
    if isinstance(point, ExpectedCost):
        gain = (point.costs(rows, old) - point.costs(rows, new)) / len(rows)
    else:
        gain = (new - old) * rows.is_positive / max(int(rows.is_positive.sum()), 1)
    drawn, hit, total = np.zeros(REPLICATES), rows.is_positive, float(gain.sum())
    if rows.judged.unit is not None:
        where = np.unique(rows.judged.unit, return_inverse=True)[1]
        gain, hit = np.bincount(where, gain), np.bincount(where, hit) > 0
    for side in (hit, ~hit):
        values, counts = np.unique(gain[side], return_counts=True)  # few: both models decide alike on most rows
        if len(values):
            drawn += rng.multinomial(counts.sum(), counts / counts.sum(), REPLICATES) @ values
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(total, float(low), float(high), level)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
