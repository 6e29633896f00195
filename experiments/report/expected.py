"""What a model is expected to cost and to catch a month, against the best plain model and against no model at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.config.operating_points import AnyPoint
from loop.evaluation.operating_points import AlertBudget, EvaluationRows, ExpectedCost
from loop.evaluation.threshold_table import operating_table
from loop.support.plain_json import Record, plain

Pair = tuple[np.ndarray, np.ndarray]  # scores of the best plain model, and of the delivered one
ROWS = 100_000  # that figures are told for where the table has no time column of dates
MONTH = 30  # days


@dataclass(frozen=True)
class Period:
    """What the figures of the test rows are scaled to."""

    rows: float  # that are expected in it
    days: int | None  # of the test part; None = without dates, figures are for so many rows

    @classmethod
    def of(cls, rows: EvaluationRows, days: int | None) -> "Period":
        """Return a month like the days of the test part, or 100,000 rows where it has no dates.

        A day of which only a share is in the test part counts as a whole one.
        """
        if days is None:
            return cls(float(ROWS), None)
        whole = len(rows) if rows.share is None else float((1 / rows.share).sum())
        return cls(whole / days * MONTH, days)


def expected(
    points: Sequence[AnyPoint],
    chosen: tuple[EvaluationRows, Pair],
    tested: tuple[EvaluationRows, Pair],
    period: Period,
    rng: np.random.Generator,
) -> Record:
    """Return what is expected in a month, or of 100,000 rows, as values that JSON can hold.

    Parameters
    ----------
    points : sequence of operating points
        Of the user. Costs are told in money; the first budget of alerts is the one at which catches are compared.
    chosen : EvaluationRows and pair of scores (j,)
        Judge rows, on which thresholds are chosen, and out-of-fold scores of the best plain and the delivered model.
    tested : EvaluationRows and pair of scores (n,)
        Test rows.
    period : Period
    rng : numpy.random.Generator
        Draws the bootstrap.

    Returns
    -------
    dict
        ``rows`` and ``days`` of the period; ``points``: as of `operating_table`, the best plain model before and the
        delivered one after; ``money``: totals for each cost; ``alerts``: catches at the same number of alerts.
    """
    rows, scores = tested
    table = operating_table(points, *chosen, rows, scores, rng)
    costs = [(point, row) for point, row in zip(points, table, strict=True) if isinstance(point, ExpectedCost)]
    told: Record = plain(
        {
            "rows": period.rows,
            "days": period.days,
            "points": table,
            "money": [_money(point, row, rows, period) for point, row in costs],
            "alerts": _alerts(points, tested, period, rng),
        }
    )
    return told


def _money(point: ExpectedCost, row: Record, rows: EvaluationRows, period: Period) -> Record:
    """Return the totals of one cost; without a model the cheaper of alerting on no row and on every row is done."""
    none, every = (float(point.costs(rows, np.full(len(rows), alert)).mean()) for alert in (0.0, 1.0))
    before, after = (float(row[when]["delivered"]["cost_per_row"]) for when in ("before", "after"))
    return {
        "point": row["point"],
        "unit": point.miss_cost or "",
        "without": period.rows * min(none, every),
        "every_row": every < none,
        "before": period.rows * before,
        "after": period.rows * after,
        "saved": _scaled(row["difference"], period.rows),
    }


def _alerts(
    points: Sequence[AnyPoint], tested: tuple[EvaluationRows, Pair], period: Period, rng: np.random.Generator
) -> Record:
    """Compare catches at the user's budget of alerts; without one, at as many alerts as there are rows to catch."""
    rows, scores = tested
    positives = float(rows.is_positive.sum())
    budget = next((point for point in points if isinstance(point, AlertBudget)), None)
    if budget is None:
        rows = EvaluationRows(rows.judged)
        point = AlertBudget(1000 * positives / len(rows))
    else:
        point = budget
    (row,) = operating_table((point,), rows, scores, rows, scores, rng)  # ranks alone: nothing is chosen
    to_catch = period.rows * positives / len(rows)
    alerts = period.rows * row["after"]["delivered"]["alerts_per_1000"] / 1000
    if budget is not None and period.days is not None:  # of whole days
        alerts = budget.alerts * MONTH
    return {
        "budget": None if budget is None else budget.named(rows).removeprefix("recall at "),
        "alerts": alerts,
        "to_catch": to_catch,
        "before": to_catch * row["before"]["delivered"]["recall"],
        "after": to_catch * row["after"]["delivered"]["recall"],
        "more": _scaled(row["difference"], to_catch),
    }


def _scaled(interval: Record, times: float) -> Record:
    ends = {end: times * float(interval[end]) for end in ("estimate", "low", "high")}
    return {**ends, "level": interval["level"]}
