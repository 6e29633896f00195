"""Thresholds are chosen on some rows and judged on others; what was asked for, promised and delivered is told apart."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from experiments.config.operating_points import AnyPoint, days_spanned, evaluation_rows, point_of
from experiments.data.sources import Dataset
from experiments.report.formatting import threshold
from experiments.run.sealed_figures import answer_metrics
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.evaluation.operating_points import (
    NEVER,
    AlertBudget,
    AtFalsePositiveRate,
    AtPrecision,
    EvaluationRows,
    ExpectedCost,
)
from loop.evaluation.threshold_table import judge, operating_table
from loop.support.plain_json import plain

POINTS: tuple[AnyPoint, ...] = (
    AtPrecision(0.4),
    AtFalsePositiveRate(0.05),
    AlertBudget(3),
    ExpectedCost(1.0, 20.0),
    ExpectedCost(1.0, miss_cost="amount"),
)
seeds = st.integers(0, 10**6)
few_levels = st.sampled_from([3, 20, 10**6])  # how many distinct scores: ties are where thresholds go wrong


def evaluated(
    is_positive: np.ndarray, day: np.ndarray | None = None, miss_cost: Mapping[str, np.ndarray] | None = None
) -> EvaluationRows:
    return EvaluationRows(JudgeRows(is_positive.astype(np.int64), 1), day, miss_cost or {})


def draw(
    rng: np.random.Generator, n: int = 600, levels: int = 10**6, days: int = 5
) -> tuple[EvaluationRows, np.ndarray]:
    """Draw rows and the probabilities, rounded to so many levels, that their labels were drawn from."""
    p = rng.beta(1, 8, n)
    rows = evaluated(rng.random(n) < p, rng.integers(0, days, n), {"amount": rng.exponential(50, n)})
    return rows, np.ceil(p * levels) / levels


@settings(max_examples=50, deadline=None)
@given(seed=seeds, levels=few_levels)
def test_limits_hold_where_thresholds_were_chosen_and_recall_is_the_most(seed: int, levels: int) -> None:
    rows, scores = draw(np.random.default_rng(seed), levels=levels)
    proba = np.column_stack([1 - scores, scores])
    for point, metric in (
        (AtPrecision(0.4), "recall_at_precision_40"),
        (AtFalsePositiveRate(0.05), "recall_at_fpr_05"),
    ):
        told = judge(point, point.choose(rows, scores), rows, scores)
        assert told["recall"] == pytest.approx(score(metric, rows.judged, proba))
        assert np.isnan(told["precision"]) or metric.endswith("05") or told["precision"] >= 0.4 - 1e-9
        assert told["false_positive_rate"] <= 0.05 + 1e-9 or metric.endswith("40")


@settings(max_examples=50, deadline=None)
@given(seed=seeds, levels=few_levels, by_row=st.booleans())
def test_no_threshold_costs_less_than_the_one_chosen(seed: int, levels: int, by_row: bool) -> None:
    rows, scores = draw(np.random.default_rng(seed), n=80, levels=levels)
    point = ExpectedCost(2.0, miss_cost="amount") if by_row else ExpectedCost(2.0, 9.0)
    chosen = judge(point, point.choose(rows, scores), rows, scores)["cost_per_row"]
    ranked = scores * rows.miss_cost["amount"] - (1 - scores) * 2 if by_row else scores
    others = [judge(point, float(each), rows, scores)["cost_per_row"] for each in (*ranked, NEVER)]
    assert chosen == pytest.approx(min(others))


def test_calibrated_scores_lead_to_the_rules_of_bayes() -> None:
    rows, scores = draw(np.random.default_rng(0), n=200_000)
    for false_negative in (1.0, 4.0, 19.0):
        chosen = ExpectedCost(1.0, false_negative).choose(rows, scores)
        assert chosen == pytest.approx(1 / (1 + false_negative), abs=0.04)
    assert ExpectedCost(5.0, miss_cost="amount").choose(rows, scores) == pytest.approx(0, abs=1)


def test_knowing_what_a_miss_costs_saves_money() -> None:
    rng = np.random.default_rng(0)
    (judged, chosen_scores), (tested, scores) = draw(rng, n=20_000), draw(rng, n=20_000)
    aware, blind = ExpectedCost(5.0, miss_cost="amount"), ExpectedCost(5.0, 50.0)  # 50 is the mean cost of a miss
    alerts = blind.alert(blind.choose(judged, chosen_scores), tested, scores)
    paid = judge(aware, aware.choose(judged, chosen_scores), tested, scores)["cost_per_row"]
    assert paid < 0.95 * aware.costs(tested, alerts).mean()


@settings(max_examples=50, deadline=None)
@given(seed=seeds, levels=few_levels, k=st.integers(1, 300))
def test_a_budget_is_spent_on_the_best_of_each_day_and_never_exceeded(seed: int, levels: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    rows, scores = draw(rng, levels=levels)
    alerts = AlertBudget(k).alert(float("nan"), rows, scores)
    assert rows.day is not None
    for day in np.unique(rows.day):
        own = rows.day == day
        assert alerts[own].sum() == pytest.approx(min(k, own.sum()))
        passed_over, alerted = scores[own][alerts[own] < 1], scores[own][alerts[own] > 0]
        assert not len(passed_over) or passed_over.max() <= alerted.min()
    order = rng.permutation(len(scores))
    shuffled = replace(rows, judged=rows.judged.take(order), day=rows.day[order])
    np.testing.assert_allclose(AlertBudget(k).alert(0.0, shuffled, scores[order]), alerts[order])


def test_a_budget_by_hand() -> None:
    rows = evaluated(np.array([1, 0, 1, 0, 1, 0], dtype=bool), np.array([0, 0, 0, 1, 1, 1]))
    scores = np.array([0.9, 0.5, 0.5, 0.3, 0.2, 0.1])
    np.testing.assert_array_equal(AlertBudget(2).alert(0.0, rows, scores), [1, 0.5, 0.5, 1, 1, 0])
    half = replace(rows, share=np.full(6, 0.5))  # half of each day's rows: half of the budget
    np.testing.assert_array_equal(AlertBudget(2).alert(0.0, half, scores), [1, 0, 0, 1, 0, 0])
    without = replace(rows, day=None)
    np.testing.assert_array_equal(AlertBudget(500).alert(0.0, without, scores), [1, 1, 1, 0, 0, 0])
    assert AlertBudget(2).named(rows) == "recall at 2 alerts a day"
    assert AlertBudget(5).named(without) == "recall at 5 alerts per 1,000 rows"


@pytest.mark.parametrize("positives", [0, 1])
def test_where_no_threshold_meets_the_limit_nothing_is_alerted(positives: int) -> None:
    rows = evaluated(np.arange(50) < positives, miss_cost={"amount": np.ones(50)})
    scores = np.arange(50) / 50  # the positive, if any, comes last
    for point in (
        AtPrecision(0.9),
        AtFalsePositiveRate(0.01),
        ExpectedCost(1.0, 2.0),
        ExpectedCost(1.0, miss_cost="amount"),
    ):
        threshold = point.choose(rows, scores)
        told = judge(point, threshold, rows, scores)
        assert (threshold, told["alerts_per_1000"]) == (NEVER, 0)
        assert np.isnan(told["precision"])


def test_thresholds_know_nothing_of_the_test_labels() -> None:
    rng = np.random.default_rng(0)
    (judged, chosen), (tested, scores) = draw(rng), draw(rng)
    permuted = replace(tested, judged=replace(tested.judged, y=rng.permutation(tested.judged.y)))
    one, other = (
        operating_table(POINTS, judged, (chosen, chosen), rows, (scores, scores), np.random.default_rng(0))
        for rows in (tested, permuted)
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_equal(a["after"]["threshold"], b["after"]["threshold"])
        np.testing.assert_equal(a["after"]["promised"], b["after"]["promised"])
        assert a["after"]["delivered"] != b["after"]["delivered"]


def test_the_same_model_twice_differs_by_nothing_and_a_better_one_is_found_better() -> None:
    rng = np.random.default_rng(0)
    (judged, chosen), (tested, scores) = draw(rng, n=4000), draw(rng, n=4000)
    blurred = [0.2 * each + 0.8 * rng.beta(1, 8, len(each)) for each in (chosen, scores)]
    for row in operating_table(POINTS, judged, (chosen, chosen), tested, (scores, scores), rng):
        assert (row["difference"]["low"], row["difference"]["estimate"], row["difference"]["high"]) == (0, 0, 0)
    many = (*POINTS[1:2], AlertBudget(100), *POINTS[3:])
    better = operating_table(many, judged, (blurred[0], chosen), tested, (blurred[1], scores), rng)
    for row in better:
        sign = -1 if row["figure"] == "cost_per_row" else 1
        delivered = [row[arm]["delivered"][row["figure"]] for arm in ("before", "after")]
        assert row["difference"]["estimate"] == pytest.approx(sign * (delivered[1] - delivered[0]))
        assert row["difference"]["low"] <= row["difference"]["estimate"] <= row["difference"]["high"]
    assert all(row["difference"]["low"] > 0 for row in better)


def test_ten_copies_of_each_row_as_units_leave_the_interval_as_it_was() -> None:
    rng = np.random.default_rng(3)
    hit = rng.random(400) < 0.2
    old, new = (expit(rng.normal(size=400) + hit) for _ in range(2))
    widths = []
    for copies, unit in ((1, None), (10, np.repeat(np.arange(400), 10)), (10, None)):
        rows = EvaluationRows(JudgeRows(np.repeat(hit, copies).astype(np.int64), 1, unit=unit))
        scores = np.repeat(old, copies), np.repeat(new, copies)
        (row,) = operating_table((AtFalsePositiveRate(0.1),), rows, scores, rows, scores, rng)
        widths.append(row["difference"]["high"] - row["difference"]["low"])
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
    assert widths[2] < 0.5 * widths[0]


def test_the_interval_is_that_of_a_bootstrap_of_rows() -> None:
    rng = np.random.default_rng(0)
    tested, scores = draw(rng, n=3000)
    rival = 0.5 * scores + 0.5 * rng.beta(1, 8, 3000)
    point = ExpectedCost(1.0, 10.0)
    (row,) = operating_table((point,), tested, (rival, scores), tested, (rival, scores), rng)
    alerts = [point.alert(row[arm]["threshold"], tested, each) for arm, each in (("before", rival), ("after", scores))]
    gain = point.costs(tested, alerts[0]) - point.costs(tested, alerts[1])
    sides = [np.flatnonzero(tested.is_positive == side) for side in (True, False)]
    drawn = [gain[np.concatenate([rng.choice(side, len(side)) for side in sides])].mean() for _ in range(2000)]
    spread = np.std(drawn)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (row["difference"]["low"], row["difference"]["high"]) == pytest.approx((low, high), abs=0.25 * spread)


class TestEntries:
    @pytest.mark.parametrize(
        ("entry", "point"),
        [
            ({"precision": 0.5}, AtPrecision(0.5)),
            ({"false_positive_rate": 0.01}, AtFalsePositiveRate(0.01)),
            ({"alerts": 100}, AlertBudget(100.0)),
            ({"false_positive": 1, "false_negative": 50}, ExpectedCost(1.0, 50.0)),
            (
                {"false_positive": 1, "false_negative": None, "miss_cost": "amount"},
                ExpectedCost(1.0, miss_cost="amount"),
            ),
        ],
    )
    def test_an_entry_is_a_point(self, entry: object, point: AnyPoint) -> None:
        assert point_of(entry) == point

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ("precision", "must hold"),
            ({}, "must hold"),
            ({"precision": "high"}, "got .*high"),
            ({"precision": True}, "rewrite"),
            ({"recall": 0.5}, "recall"),
            ({"false_positive": 1.0}, "false_negative"),
            ({"false_positive": 1, "false_negative": 2, "miss_cost": "amount"}, "rewrite"),
            ({"false_positive": 1, "miss_cost": 7}, "rewrite"),
            ({"precision": 1.0}, "between 0 and 1, got 1.0"),
            ({"false_positive_rate": float("nan")}, "between 0 and 1, got nan"),
            ({"alerts": 0}, "alerts must be above 0"),
            ({"false_positive": -1, "false_negative": 2}, "false_positive must be above 0"),
            ({"false_positive": 1, "false_negative": float("inf")}, "false_negative must be above 0"),
        ],
    )
    def test_faults_are_refused_in_a_sentence(self, entry: object, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            point_of(entry)

    def test_a_cost_names_one_price_of_a_miss(self) -> None:
        with pytest.raises(ConfigError, match="give one of them"):
            ExpectedCost(1.0)


def payments(time: object = "2024-03-01T23:30:00", n: int = 40) -> Dataset:
    rng = np.random.default_rng(0)
    amount = rng.exponential(50, n).round(2)
    columns = {"amount": amount, "shop": rng.choice(["a", "b"], n), "fraud": np.arange(n) % 4 == 0}
    moments = time if not isinstance(time, str) else pd.Timestamp(time) + pd.to_timedelta(np.arange(n), unit="h")
    return Dataset("payments", pd.DataFrame({**columns, "time": moments}), "fraud", time="time")


class TestEvaluationRows:
    def rows(self, dataset: Dataset, points: tuple[AnyPoint, ...] = POINTS) -> tuple[EvaluationRows, EvaluationRows]:
        schema = infer(dataset.frame, "fraud", aside={"time": "time column"})
        whole = encode(schema, dataset.frame)
        first, last = np.arange(30), np.arange(30, 40)
        train, test = (whole.take(rows).numbered(rows) for rows in (first, last))
        return evaluation_rows(points, dataset, JudgeRows.of(train, np.array([5, 3, 29])), JudgeRows.of(test))

    def test_rows_keep_their_day_and_their_miss_cost(self) -> None:
        dataset = payments()
        judged, tested = self.rows(dataset)
        amount = dataset.frame["amount"].to_numpy()
        assert judged.day is not None
        assert tested.day is not None
        assert judged.day.tolist() == [1, 1, 2]  # half past eleven, then every hour
        assert tested.day.tolist() == [2] * 10
        np.testing.assert_array_equal(judged.miss_cost["amount"], amount[[5, 3, 29]])
        np.testing.assert_array_equal(judged.is_positive, dataset.frame["fraud"].to_numpy()[[5, 3, 29]])
        # Of the 24 hours of the second day two are judged; of the third day's 15 one is judged, and ten are test rows.
        assert judged.share is not None
        np.testing.assert_allclose(judged.share, [2 / 24, 2 / 24, 1 / 15])
        assert tested.share is not None
        np.testing.assert_allclose(tested.share, [10 / 15] * 10)

    def test_days_are_counted_from_the_first_to_the_last(self) -> None:
        dataset = payments()
        assert days_spanned(dataset, np.arange(40)) == len(np.unique(dataset.frame["time"].dt.date))
        assert days_spanned(dataset, np.array([39, 0])) == days_spanned(
            dataset, np.arange(40)
        )  # days without rows count
        assert days_spanned(dataset, np.array([5])) == 1
        assert days_spanned(replace(dataset, time=None), np.arange(40)) is None

    def test_the_budgets_of_the_day_on_which_training_ends_add_up_to_one(self) -> None:
        dataset = payments()
        schema = infer(dataset.frame, "fraud", aside={"time": "time column"})
        whole = encode(schema, dataset.frame)
        train, test = (whole.take(rows).numbered(rows) for rows in (np.arange(30), np.arange(30, 40)))
        sides = evaluation_rows((AlertBudget(3),), dataset, JudgeRows.of(train), JudgeRows.of(test))
        scores = np.random.default_rng(0).random(40)
        alerts = [AlertBudget(3).alert(0.0, side, scores[: len(side)]) for side in sides]
        last = [made[side.day == 2].sum() for made, side in zip(alerts, sides, strict=True)]
        assert sum(last) == pytest.approx(3)
        assert alerts[0][sides[0].day == 1].sum() == pytest.approx(3)  # a day that is there whole has its whole budget

    def test_a_budget_shrinks_with_the_later_rows_that_were_left_out(self) -> None:
        dataset = payments()
        schema = infer(dataset.frame, "fraud", aside={"time": "time column"})
        whole = encode(schema, dataset.frame)
        train, test = (whole.take(rows).numbered(rows) for rows in (np.arange(30), np.array([31, 37])))
        _, tested = evaluation_rows(POINTS, dataset, JudgeRows.of(train, np.array([5, 3, 29])), JudgeRows.of(test))
        assert tested.share is not None
        np.testing.assert_allclose(tested.share, [2 / 15] * 2)

    def test_text_has_days_and_plain_numbers_have_none(self) -> None:
        text = payments().frame["time"].dt.strftime("%Y-%m-%d %H:%M:%S").to_numpy(dtype=object)
        assert self.rows(payments(text))[0].day is not None
        assert self.rows(payments(np.arange(40)))[0].day is None

    def test_a_zone_keeps_its_own_days(self) -> None:
        local = pd.Series(pd.to_datetime("2024-03-01 23:30") + pd.to_timedelta(np.arange(40), unit="h"))
        judged, _ = self.rows(payments(local.dt.tz_localize("Asia/Tokyo")))
        assert judged.day is not None
        assert judged.day.tolist() == [1, 1, 2]

    @pytest.mark.parametrize(
        ("column", "words"), [("amuont", "check the name"), ("shop", "numbers"), ("loss", "got 1 rows without")]
    )
    def test_a_miss_cost_must_be_a_column_of_amounts(self, column: str, words: str) -> None:
        dataset = payments()
        dataset.frame["loss"] = np.where(np.arange(40) == 7, np.nan, 1.0)
        with pytest.raises(DataError, match=words):
            self.rows(dataset, (ExpectedCost(1.0, miss_cost=column),))

    def test_a_row_of_the_table_is_json_and_its_finite_figures_are_metrics(self) -> None:
        rng = np.random.default_rng(0)
        judged, tested = self.rows(payments())
        scores = [(rng.random(len(each)), rng.random(len(each))) for each in (judged, tested)]
        table = operating_table(POINTS, judged, scores[0], tested, scores[1], rng)
        records = json.loads(json.dumps(plain(table), allow_nan=False))
        metrics = answer_metrics(records, {"test": {"brier": {"before": 0.2, "after": 0.1}}})
        assert np.isfinite(list(metrics.values())).all()
        assert (metrics["calibration/brier_before"], metrics["calibration/brier_after"]) == (0.2, 0.1)
        for row in table:
            name = f"point/{row['point']}"
            assert metrics[f"{name}/difference_low"] == row["difference"]["low"]
            for arm in ("before", "after"):
                assert metrics[f"{name}/{arm}_{row['figure']}_delivered"] == row[arm]["delivered"][row["figure"]]
                assert (f"{name}/{arm}_threshold" in metrics) == bool(np.isfinite(row[arm]["threshold"]))


@pytest.mark.parametrize(
    ("value", "written"), [(0.25, "0.25"), (-0.0754321, "−0.0754"), ("NaN", "by rank"), ("Infinity", "no alerts")]
)
def test_a_threshold_in_words(value: object, written: str) -> None:
    assert threshold(value) == written
