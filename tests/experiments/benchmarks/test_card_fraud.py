"""The card-fraud protocol on frames so small that the answer is known by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY, TARGETED, TEACHER
from experiments.benchmarks.card_fraud import BAGGING, PUBLISHED, TUNED_LOOP, bagged, headline
from experiments.data.card_fraud import FEATURES, TARGET, card_precision_at_100, encoded, fraud_weeks, split_weeks
from loop.errors import DataError
from loop.rows import Rows
from loop.types import Column, Schema, Table


def transactions(rows: list[tuple[int, int, int]]) -> pd.DataFrame:
    """Make transactions from (day, card, fraud); day 0 is 2018-04-01, features are zero."""
    frame = pd.DataFrame(rows, columns=["TX_TIME_DAYS", "CUSTOMER_ID", TARGET])
    frame["TX_DATETIME"] = pd.Timestamp("2018-04-01 10:00") + pd.to_timedelta(frame["TX_TIME_DAYS"], unit="D")
    return frame.assign(**dict.fromkeys(FEATURES, 0.0))


def pairs(frame: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(frame["TX_TIME_DAYS"], frame["CUSTOMER_ID"], strict=True))


def test_weeks_are_seven_days_each_with_seven_between() -> None:
    frame = transactions([(day, 1, 0) for day in range(30)])
    weeks = split_weeks(frame, "2018-04-03")
    assert list(weeks.train["TX_TIME_DAYS"]) == list(range(2, 9))
    assert list(weeks.test["TX_TIME_DAYS"]) == list(range(16, 23))


def test_cards_leave_the_test_days_when_their_fraud_is_known() -> None:
    every_day = [(day, card, 0) for day in range(21) for card in (1, 2, 3, 4, 5)]
    frauds = [(3, 1, 1), (10, 2, 1), (14, 3, 1), (7, 4, 1)]
    test = split_weeks(transactions(every_day + frauds), "2018-04-01").test
    seen = {card: sorted(day for day, other in pairs(test) if other == card) for card in range(1, 6)}
    assert seen == {
        1: [],  # fraud in the training week
        2: [14, 15, 16],  # fraud on day 10 is known on day 17
        3: list(range(14, 21)),  # would be known on day 21
        4: [],  # known on day 14
        5: list(range(14, 21)),
    }


def test_handbook_code_learns_of_a_fraud_one_day_later() -> None:
    frame = transactions([(day, 2, 0) for day in range(21)] + [(10, 2, 1)])
    assert split_weeks(frame, "2018-04-01", known_after=8).test["TX_TIME_DAYS"].max() == 17


def test_frauds_before_the_training_week_are_forgotten() -> None:
    frame = transactions([(0, 1, 1)] + [(day, 1, 0) for day in range(30)])
    assert len(split_weeks(frame, "2018-04-03").test) == 7


def test_the_payments_of_a_customer_are_one_piece_of_evidence() -> None:
    frame = transactions([(day, card, card == 1 and day == 2) for day in range(21) for card in (1, 2, 3)])
    frame["TX_AMOUNT"] = np.arange(len(frame)) / 4
    weeks = split_weeks(frame, "2018-04-01")
    split = encoded(weeks)
    for part, rows in zip((split.train, split.test), weeks, strict=True):
        assert part.unit is not None
        same = part.unit[:, None] == part.unit[None]
        ids = rows["CUSTOMER_ID"].to_numpy()
        np.testing.assert_array_equal(same, ids[:, None] == ids[None])


def test_features_hold_no_identity_time_or_answer() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 15
    assert not {"TX_FRAUD_SCENARIO", "CUSTOMER_ID", "TERMINAL_ID", "TX_DATETIME", TARGET} & set(FEATURES)


@pytest.mark.parametrize("start", ["2018-03-31", "2018-04-15", "soon", ""])
def test_start_outside_the_table_is_refused(start: str) -> None:
    with pytest.raises(DataError, match="start"):
        split_weeks(transactions([(day, 1, 0) for day in range(30)]), start)


def test_weeks_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="WEAKSPOT_DATA"):
        fraud_weeks("2018-04-01", tmp_path)
    frame = transactions([(day, 1, 0) for day in range(21)])
    frame.drop(columns="TX_AMOUNT").to_parquet(tmp_path / "fraud_handbook.parquet")
    with pytest.raises(DataError, match="handbook's columns"):
        fraud_weeks("2018-04-01", tmp_path)
    frame.assign(TX_FRAUD_SCENARIO=0).to_parquet(tmp_path / "fraud_handbook.parquet")
    weeks = fraud_weeks("2018-04-01", tmp_path)
    assert len(weeks.train) == len(weeks.test) == 7
    assert "TX_FRAUD_SCENARIO" not in weeks.test


def test_precision_takes_the_highest_transaction_of_a_card() -> None:
    # 150 cards of one transaction each and card 0 with two: a fraud that scores low and a payment that scores high.
    frame = transactions([(14, 0, 1), (14, 0, 0)] + [(14, card, 0) for card in range(1, 151)])
    scores = np.r_[0.0, 1.0, np.full(150, 0.5)]
    assert card_precision_at_100(frame, scores) == pytest.approx(1 / 100)


def test_precision_counts_only_the_hundred_highest_cards() -> None:
    frame = transactions([(14, card, int(card < 150)) for card in range(300)])
    best, worst = -np.arange(300.0), np.arange(300.0)
    assert card_precision_at_100(frame, best) == 1.0
    assert card_precision_at_100(frame, worst) == 0.0
    assert card_precision_at_100(frame, np.where(np.arange(300) < 30, 1.0, worst / 300 - 1)) == pytest.approx(0.3)


def test_a_card_found_is_not_found_again() -> None:
    # Day 14: cards 1 and 2 are caught. Day 15: they are out, card 3 is caught. Mean of 2/100 and 1/100.
    frame = transactions([(14, 1, 1), (14, 2, 1), (15, 1, 1), (15, 2, 1), (15, 3, 1)])
    assert card_precision_at_100(frame, np.ones(5)) == pytest.approx(0.015)


def test_a_card_missed_can_be_found_later() -> None:
    crowd = [(14, card, 0) for card in range(100, 200)]
    frame = transactions([*crowd, (14, 1, 1), (15, 1, 1)])
    scores = np.r_[np.ones(100), 0.0, 0.0]
    assert card_precision_at_100(frame, scores) == pytest.approx(0.005)


@pytest.mark.parametrize("scores", [np.ones(3), np.array([0.1, np.nan]), np.ones((2, 2))])
def test_scores_of_the_wrong_shape_are_refused(scores: np.ndarray) -> None:
    with pytest.raises(DataError, match="one finite number"):
        card_precision_at_100(transactions([(14, 1, 0), (14, 2, 1)]), scores)


def test_the_headline_names_what_is_delivered_and_the_best_plain_model() -> None:
    arms = {REAL_ONLY: 0.64, BAGGING: 0.65, TEACHER: 0.68, TARGETED: 0.67, TUNED_LOOP: 0.69}
    arms |= {BEST_PLAIN: 0.66, DELIVERED: 0.68}
    half = {arm: score / 2 for arm, score in arms.items()}
    printed = {f"ap {PUBLISHED}": arms, f"cp100 {PUBLISHED}": half}
    seconds = dict.fromkeys(arms, 2.0) | {TARGETED: 3.0}
    table = pd.DataFrame({"average_precision": arms, "cp100": half, "seconds_per_million": seconds, **printed})
    figures = headline("2018-07-25", table)
    assert (figures["ap_delivered"], figures["ap_best_plain"], figures["cp100_delivered"]) == (0.68, 0.66, 0.34)
    assert (figures["ap_student"], figures["cp100_tuned_loop"]) == (0.67, 0.345)
    assert figures["student_scoring_ratio"] == 1.5
    assert "ap_smote" not in figures  # an arm that did not run has no figure


def test_bags_are_balanced() -> None:
    rng = np.random.default_rng(0)
    schema = Schema((Column("a", "numeric", "float64"),), (0, 1))
    y = (rng.random(2000) < 0.03).astype(np.int64)
    learner = bagged(Table.real(rng.normal(size=(2000, 1)), y, schema), seed=0)
    # Of pure noise, though 3 % are 1; below a half, as drawing with replacement repeats the few.
    assert 0.3 < learner.predict_proba(Rows(rng.normal(size=(500, 1))))[:, 1].mean() < 0.5
