"""The simulation: its features against slow definitions, its planted regions, and the judge of finders."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from experiments.data.simulation.population import CATEGORIES, Population, pick
from experiments.data.simulation.scenarios import SCENARIOS
from experiments.data.simulation.simulation import (
    BEGINS,
    REPORT_DAYS,
    RISK_DAYS,
    RISK_PRIOR,
    START,
    Planted,
    Simulation,
    judge,
    simulate,
)
from loop.errors import ConfigError

SMALL = {"customers": 60, "terminals": 40, "days": 45, "fraud_rate": 0.03}


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate(**SMALL, seed=3)


@pytest.fixture(scope="module")
def usual() -> Simulation:
    return simulate(seed=1)


def test_same_seed_gives_the_same_frame_in_another_process(small: Simulation) -> None:
    code = (
        "import pandas as pd; from experiments.data.simulation.simulation import simulate; "
        f"print(pd.util.hash_pandas_object(simulate(**{SMALL!r}, seed=3).frame).sum())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(answer) == pd.util.hash_pandas_object(small.frame).sum()


def test_other_seed_gives_another_frame(small: Simulation) -> None:
    assert not simulate(**SMALL, seed=4).frame.equals(small.frame)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [0.005, 0.05])
def test_fraud_rate_is_the_one_asked_for(rate: float, seed: int) -> None:
    simulation = simulate(customers=100, terminals=50, days=30, fraud_rate=rate, seed=seed)
    assert simulation.frame["fraud"].mean() == pytest.approx(rate, rel=0.05)


def test_target_and_scenario_agree_and_the_answer_is_no_feature(small: Simulation) -> None:
    assert np.array_equal(small.frame["fraud"] == 1, small.scenario != "")
    assert set(small.scenario) == {"", *(scenario.name for scenario in SCENARIOS)}
    assert "scenario" not in small.frame.columns
    assert sum(scenario.share for scenario in SCENARIOS) == pytest.approx(1.0)


def test_payments_come_in_order_of_time_within_the_days(small: Simulation) -> None:
    time_of = small.frame["time"]
    assert time_of.is_monotonic_increasing
    assert (time_of.max() - pd.Timestamp("2024-01-01")).days < SMALL["days"]
    assert small.frame["transaction"].is_unique
    assert (small.frame["account_age_days"] >= 0).all()


def test_features_of_the_past_match_their_definition(small: Simulation) -> None:
    frame = small.frame
    for row in np.random.default_rng(0).choice(len(frame), 150, replace=False):
        now = frame.iloc[row]
        before = frame.iloc[:row].query("customer == @now.customer")
        ago = (now["time"] - before["time"]).dt.total_seconds()
        for name, width in (("count_1h", 3600), ("count_24h", 86_400), ("count_7d", 7 * 86_400)):
            assert now[name] == ((ago > 0) & (ago <= width)).sum()
        assert now["new_terminal"] == (now["terminal"] not in set(before["terminal"]))
        assert now["new_category"] == (now["category"] not in set(before["category"]))
        if before.empty:
            assert np.isnan(now["seconds_since_last"])
            assert np.isnan(now["amount_to_mean"])
        else:
            assert now["seconds_since_last"] == ago.iloc[-1]
            assert now["amount_to_mean"] == pytest.approx(now["amount"] / before["amount"].mean(), abs=1e-3)


def test_terminal_risk_counts_reported_frauds_only(small: Simulation) -> None:
    frame = small.frame
    for row in np.random.default_rng(1).choice(len(frame), 150, replace=False):
        now = frame.iloc[row]
        ago = (now["time"] - frame["time"]).dt.total_seconds() / 86_400
        told = (frame["terminal"] == now["terminal"]) & (ago > REPORT_DAYS) & (ago <= REPORT_DAYS + RISK_DAYS)
        risk = frame.loc[told, "fraud"].sum() / (told.sum() + RISK_PRIOR) if told.any() else np.nan
        assert now["terminal_risk"] == pytest.approx(risk, abs=1e-4, nan_ok=True)


def test_distance_is_missing_exactly_for_online_payments(small: Simulation) -> None:
    assert np.array_equal(small.frame["distance_km"].isna(), small.frame["online"])


def test_no_single_feature_gives_fraud_away(usual: Simulation) -> None:
    fraud = usual.frame["fraud"].to_numpy() == 1
    for name in usual.frame.select_dtypes("number").columns.drop("fraud"):
        value = usual.frame[name].rank().to_numpy()
        rank = np.nan_to_num(value, nan=float(np.nanmedian(value)))
        auc = (pd.Series(rank).rank()[fraud].mean() - (fraud.sum() + 1) / 2) / (~fraud).sum()
        assert 0.1 < auc < 0.9, name


def test_planted_rules_are_weak_regions_with_doubt_in_them(usual: Simulation) -> None:
    for planted in usual.planted:
        inside = planted.frauds[planted.rows].sum()
        assert planted.rows.mean() < 0.05, planted.name
        assert inside / planted.frauds.sum() > 0.2, planted.name
        assert inside / planted.rows.sum() > 3 * planted.frauds.mean(), planted.name
        assert (planted.rows & (usual.scenario == "")).any(), planted.name  # legitimate behaviour overlaps


def test_every_planted_region_is_found_by_its_own_rule(usual: Simulation) -> None:
    findings = judge(usual.planted, [planted.rows for planted in usual.planted])
    assert all(finding.found for finding in findings)
    assert all(finding.precision > 0 for finding in findings)


def test_random_and_huge_regions_find_nothing(usual: Simulation) -> None:
    rng = np.random.default_rng(0)
    n = len(usual.frame)
    masks = [rng.random(n) < share for share in (0.02, 0.3, 0.6)] + [np.ones(n, dtype=bool), np.zeros(n, dtype=bool)]
    assert not any(finding.found for finding in judge(usual.planted, masks))
    assert not any(finding.found for finding in judge(usual.planted, []))


def test_judge_by_hand() -> None:
    rows, frauds = np.arange(100) < 20, np.arange(100) % 10 == 0  # frauds at 0, 10, ..., 90
    planted = Planted("example", "x < 20", "easy", rows, frauds)
    region = np.isin(np.arange(100), [0, 10, 20, 30])  # 4 of 10 frauds in 4 of 100 rows, 2 rows inside the rule
    (finding,) = judge([planted], [region])
    assert finding == ("example", True, 0.4, 0.5)
    (too_few,) = judge([planted], [np.arange(100) == 0])  # lift 10, but 1 fraud of 10
    assert too_few == ("example", False, 0.0, 0.0)
    (too_wide,) = judge([planted], [np.arange(100) <= 50])  # 6 of 10 frauds in 51 rows
    assert not too_wide.found
    assert too_wide.recall == pytest.approx(0.6)


def test_planted_take_follows_a_split(usual: Simulation) -> None:
    rows = np.random.default_rng(0).permutation(len(usual.frame))[:1000]
    part = usual.planted[0].take(rows)
    assert np.array_equal(part.rows, usual.frame.iloc[rows].eval(part.text, engine="python").to_numpy())


def test_every_category_exists_and_has_a_terminal_of_each_way_to_pay() -> None:
    world = Population.draw(20, 20, 21, np.random.default_rng(0))
    assert set(world.category) == set(range(len(CATEGORIES)))
    fashion = world.category == CATEGORIES.index("fashion")
    assert set(world.online[fashion]) == {True, False}


def test_pick_follows_the_weights_of_its_row() -> None:
    weight = np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    columns = pick(weight, np.repeat([0, 1], 4000), np.random.default_rng(0))
    assert np.bincount(columns[:4000], minlength=3)[[0, 2]] == pytest.approx([1000, 3000], abs=120)
    assert set(columns[4000:]) == {1}


@pytest.mark.parametrize(
    ("name", "value"), [("customers", 3), ("terminals", 0), ("days", 20), ("fraud_rate", 0.9), ("seed", -1)]
)
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be between .* got {value}"):
        simulate(**{name: value})  # type: ignore[arg-type]


def test_smallest_world_works() -> None:
    simulation = simulate(customers=20, terminals=20, days=21, fraud_rate=0.0001)
    assert simulation.frame["fraud"].sum() == 1


def test_a_hundred_thousand_payments_take_seconds() -> None:
    started = time.perf_counter()
    assert len(simulate(customers=1700).frame) > 90_000
    assert time.perf_counter() - started < 10


def test_a_late_scenario_begins_after_three_quarters_of_the_days_and_all_else_stays() -> None:
    usual, late = (simulate(customers=150, days=40, fraud_rate=0.05, late=name) for name in ("", "card_testing"))
    day = (late.frame["time"] - START).dt.days
    begun = day[late.scenario == "card_testing"]
    assert len(begun) > 0
    assert begun.min() >= BEGINS * 40
    assert (usual.scenario == "card_testing").sum() > len(begun)
    for other in {"", "stolen_card", "account_takeover"}:
        assert (usual.scenario == other).sum() == (late.scenario == other).sum()
    with pytest.raises(ConfigError, match=r"late must be one of card_testing, .*got 'theft'"):
        simulate(late="theft")
