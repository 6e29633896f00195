"""The decision follows from the figures of a report, and its numbers are those of a power calculation."""

from dataclasses import replace

import pytest
from scipy.stats import norm

from experiments.report.decision import CHECK, COLLECT, DEPLOY, KEEP, UNTRUSTED, _scale
from experiments.report.labels_needed import MOST_TIMES, labels_needed, standard_error
from experiments.report.report import Report
from experiments.sanity.finding import HARM
from loop.support.plain_json import Record


def claim(estimate: float, half: float, arm: str = "targeted", against: str = "extra trees") -> Record:
    low, high = estimate - half, estimate + half
    difference = {"estimate": estimate, "low": low, "high": high, "level": 0.95}
    return {"arm": arm, "against": against, "difference": difference, "proven": low > 0, "sentence": "As measured."}


def report(gain: Record, loop_gain: Record | None = None, **parts: object) -> Report:
    data = {"name": "t", "positive": "fraud", "classes": 2, "train_rows": 9000, "train_positives": 90}
    data |= {"test_rows": 5000, "test_positives": 100, "test_fewest": 100}
    made = Report(
        data=data,
        recall_at_precision="recall_at_precision_90",
        generations=[],
        verdict={},
        arms=[],
        gain=gain,
        loop_gain=loop_gain or gain,
        delivery={"name": gain["arm"], "best_plain": gain["against"]},
        planted=[],
        supplies=[],
        patterns=[],
        seconds=1.0,
    )
    return replace(made, **parts)  # type: ignore[arg-type]


def test_a_proven_gain_is_deployed() -> None:
    decision = report(claim(0.05, 0.03)).decision
    assert (decision.action, decision.labels) == (DEPLOY, None)
    assert decision.headline == "Deploy targeted: it is proven better than the best plain model (extra trees)."


@pytest.mark.parametrize("name", UNTRUSTED)
def test_nothing_is_deployed_on_data_that_give_the_class_away(name: str) -> None:
    warning = {"name": name, "sentence": "'refunded' alone tells the class: drop it."}
    decision = report(claim(0.05, 0.03), warnings=[warning]).decision
    assert decision.action == CHECK
    assert decision.headline.endswith(warning["sentence"])
    assert report(claim(0.05, 0.03), warnings=[{"name": "contradictions", "sentence": "x"}]).decision.action == DEPLOY


def test_harm_is_in_the_headline_even_if_a_gain_is_proven() -> None:
    worse = report(claim(-0.05, 0.03)).decision
    assert worse.action == KEEP
    told = "Keep the plain model (extra trees): targeted is worse on the test rows. "
    assert worse.headline == f"{told}This run delivers targeted; deliver: plain has the plain model."
    harm = {"name": HARM, "sentence": "recall at precision 0.5: 0.131 before, 0.008 after."}
    decision = report(claim(0.05, 0.03), warnings=[harm]).decision
    assert decision.action == KEEP
    assert decision.headline.startswith("Keep the plain model (extra trees): targeted does harm where you use it")
    assert harm["sentence"] in decision.headline


def test_a_plain_model_that_does_harm_is_not_the_one_to_keep() -> None:
    harm = {"name": HARM, "sentence": "recall at precision 0.5: 0.131 before, 0.008 after."}
    decision = report(claim(0.0, 0.0, arm="extra trees"), warnings=[harm]).decision
    assert decision.headline.startswith("Keep the plain model (real only): extra trees does harm")


def test_labels_are_collected_where_a_sensible_number_would_prove_what_was_seen() -> None:
    decision = report(claim(0.03, 0.04)).decision
    assert decision.action == COLLECT
    assert decision.labels is not None
    times = ((norm.ppf(0.975) + norm.ppf(0.8)) * (0.04 / norm.ppf(0.975)) / 0.03) ** 2
    assert decision.labels.positives == pytest.approx(100 * times, rel=0.05)
    assert decision.labels.rows == pytest.approx(50 * decision.labels.positives, rel=0.02)
    assert decision.labels.more_positives == decision.labels.positives - 100
    assert f"{decision.labels.more_positives:,} more rows of class fraud" in decision.headline


@pytest.mark.parametrize(
    ("estimate", "told"), [(0.003, "no sensible number"), (-0.01, "does not beat it on the test rows")]
)
def test_nothing_is_asked_for_what_cannot_be_proven(estimate: float, told: str) -> None:
    decision = report(claim(estimate, 0.04)).decision
    assert (decision.action, decision.labels) == (KEEP, None)
    assert told in decision.headline
    assert decision.headline.startswith("Keep the plain model (extra trees): ")


def test_where_a_plain_model_is_delivered_the_loop_may_still_be_worth_labels() -> None:
    plain = claim(0.0, 0.0, arm="extra trees")
    assert report(plain).decision.action == KEEP
    decision = report(plain, loop_gain=claim(0.03, 0.04)).decision
    assert decision.action == COLLECT
    assert "targeted looks better" in decision.headline


def test_a_stated_pattern_is_a_reason_to_deploy_unless_there_is_harm() -> None:
    caught = [{"estimate": share, "low": share - 0.02, "high": share + 0.02, "level": 0.95} for share in (0.1, 0.9)]
    pattern = {"supply": "stated: testing", "rows": 500, "kept": True, "before": caught[0], "after": caught[1]}
    decision = report(claim(0.0, 0.02), patterns=[pattern]).decision
    assert decision.action == DEPLOY
    assert "testing: 90% of rows held back are caught, 10% before" in decision.headline
    assert report(claim(-0.05, 0.02), patterns=[pattern]).decision.action == KEEP


def test_few_rows_ask_for_at_least_what_a_proof_needs() -> None:
    small = report(claim(0.05, 0.03) | {"proven": False})
    small = replace(small, data={**small.data, "test_positives": 12, "test_fewest": 6})
    decision = small.decision
    assert decision.labels is not None
    assert decision.labels.positives >= 40  # 20 groups, where 6 groups hold 12 rows
    assert "nothing can be proven" in decision.headline


def test_the_number_falls_with_the_square_of_the_gain() -> None:
    few, many = (labels_needed(gain, 0.02, 100, 5000, 100) for gain in (0.04, 0.02))
    assert few is not None
    assert many is not None
    assert many.positives == pytest.approx(4 * few.positives, rel=0.02)
    assert labels_needed(0.001, 0.02, 100, 5000, 100) is None
    assert many.positives < MOST_TIMES * 100


def test_the_standard_error_is_that_of_the_interval() -> None:
    assert standard_error({"low": 0.1 - 1.96 * 0.02, "high": 0.1 + 1.96 * 0.02, "level": 0.95}) == pytest.approx(
        0.02, rel=1e-3
    )


def test_a_table_whose_time_is_not_named_is_not_said_to_lack_dates() -> None:
    told = _scale({"days": None}, report(claim(0.05, 0.03)))
    assert told == "Scaled from the 5,000 test rows, as no time column of dates is named (--time)."
