"""What is expected a month: totals counted by hand."""

import numpy as np
import pytest

from experiments.report.expected import ROWS, Period, expected
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import AlertBudget, AtFalsePositiveRate, EvaluationRows, ExpectedCost

Y = np.array([1] * 10 + [0] * 90)
PLAIN = np.where(Y == 1, np.where(np.arange(100) < 6, 0.9, 0.1), np.where(np.arange(100) >= 96, 0.8, 0.1))
BETTER = np.where(Y == 1, np.where(np.arange(100) < 9, 0.9, 0.1), 0.1)


def rows(**more: object) -> EvaluationRows:
    return EvaluationRows(JudgeRows(Y, 1), **more)  # type: ignore[arg-type]


def test_costs_are_totals_with_and_without_a_model() -> None:
    point = ExpectedCost(1.0, false_negative=50.0)
    scores = (PLAIN, BETTER)
    told = expected((point,), (rows(), scores), (rows(), scores), Period.of(rows(), None), np.random.default_rng(0))
    (money,) = told["money"]
    per_row = ROWS / 100
    assert money["every_row"]  # 90 false alarms cost less than 10 misses at 50
    assert money["without"] == pytest.approx(90 * per_row)
    assert money["before"] == pytest.approx(90 * per_row)  # four misses at 50 cost more than 90 false alarms
    assert money["after"] == pytest.approx(50 * per_row)
    assert money["saved"]["estimate"] == pytest.approx(40 * per_row)


def test_catches_are_compared_at_the_same_number_of_alerts() -> None:
    scores = (PLAIN, BETTER)
    point = AtFalsePositiveRate(0.01)
    told = expected((point,), (rows(), scores), (rows(), scores), Period.of(rows(), None), np.random.default_rng(0))
    alerts, per_row = told["alerts"], ROWS / 100
    assert (alerts["budget"], alerts["alerts"]) == (None, pytest.approx(10 * per_row))
    assert alerts["before"] == pytest.approx(6 * per_row)
    assert alerts["after"] == pytest.approx((9 + 1 / 91) * per_row)  # the last alert goes to one of the 91 left
    assert alerts["more"]["estimate"] == pytest.approx(alerts["after"] - alerts["before"])
    assert alerts["more"]["low"] > 0


def test_a_budget_of_the_user_is_kept_and_scaled_to_a_month() -> None:
    day, scores = np.arange(100) % 5, (PLAIN, BETTER)
    part = rows(day=day, share=np.full(100, 0.5))  # half of the rows of each day
    period = Period.of(part, days=5)
    assert period.rows == pytest.approx(100 / 0.5 / 5 * 30)
    told = expected((AlertBudget(4),), (part, scores), (part, scores), period, np.random.default_rng(0))
    assert told["alerts"]["budget"] == "4 alerts a day"
    assert told["alerts"]["alerts"] == pytest.approx(4 * 30)
