"""A scenario is hidden from training and no more; what is measured and stated is checked on tables made by hand."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.unseen import misstated
from experiments.benchmarks.unseen.measures import flagged
from experiments.benchmarks.unseen.stating import BLINDNESS, RANDOM, Stating, share_alike, supply_of
from experiments.benchmarks.unseen.tables import aimed, headline, stated
from experiments.benchmarks.unseen.tasks import task_of
from experiments.benchmarks.unseen.terminal_risk import COLUMNS, risks
from experiments.benchmarks.unseen.unseen import Cell, Settings, cell, main
from experiments.benchmarks.unseen.weeks import CLEAN_RISK, KIND, RECORDED, SCENARIOS, payments, week_of
from experiments.config.supplies import StatedConfig
from experiments.data.card_fraud import FEATURES, TARGET, encoded, split_weeks
from generators.rules.rules import Rules
from loop.errors import ConfigError
from loop.gates import Contradicted, Domain
from loop.rows import Rows
from loop.supplies.acquisition import Blindness
from loop.types import Table

DAYS, A_DAY = 30, 120
BOOK = task_of("card_fraud").book


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with payments at random, a tenth of them frauds of the three scenarios."""
    rng, n = np.random.default_rng(0), DAYS * A_DAY
    frame = pd.DataFrame({name: rng.random(n).round(3) for name in FEATURES})
    frame["TX_AMOUNT"] = rng.gamma(2, 40, n).round(2)
    frame["TX_DURING_WEEKEND"] = rng.integers(0, 2, n)
    frame["TX_TIME_DAYS"] = np.repeat(np.arange(DAYS), A_DAY)
    seconds = rng.permutation(86_400)[:A_DAY]
    frame["TX_DATETIME"] = pd.Timestamp("2018-04-01") + pd.to_timedelta(
        frame["TX_TIME_DAYS"] * 86_400 + np.tile(seconds, DAYS), unit="s"
    )
    frame["CUSTOMER_ID"], frame["TERMINAL_ID"] = rng.integers(0, 900, n), rng.integers(0, 20, n)
    frame[TARGET] = (rng.random(n) < 0.1).astype(int)
    frame[KIND] = frame[TARGET] * rng.integers(1, 4, n)
    home = tmp_path_factory.mktemp("data")
    frame.to_parquet(home / "fraud_handbook.parquet")
    return home


@pytest.fixture
def frame(folder: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setenv("WEAKSPOT_DATA", str(folder))
    return pd.read_parquet(folder / "fraud_handbook.parquet")


@pytest.mark.parametrize("hidden", [0, 1, 2, 3])
def test_training_lacks_one_scenario_and_the_test_week_none(frame: pd.DataFrame, hidden: int) -> None:
    week, whole = week_of(frame, "2018-04-02", hidden), split_weeks(frame, "2018-04-02")
    kept = whole.train[KIND] != hidden if hidden else whole.train[KIND] >= 0
    assert len(week.split.train) == kept.sum()
    assert week.split.train.y.sum() == whole.train.loc[kept, TARGET].sum()
    np.testing.assert_array_equal(week.split.train.X[:, 0], whole.train.loc[kept, "TX_AMOUNT"])
    np.testing.assert_array_equal(week.kind, whole.test[KIND])
    np.testing.assert_array_equal(week.split.test.y, whole.test[TARGET])
    assert set(week.kind) == {0, 1, 2, 3}


def test_risk_is_that_of_the_windows_before_the_delay() -> None:
    days = [0, 1, 1, 5, 9, 9.5]
    told = pd.DataFrame({"TERMINAL_ID": [7] * 6 + [8], "TX_DATETIME": pd.Timestamp("2018-04-01")})
    told["TX_DATETIME"] += pd.to_timedelta([*days, 9.5], unit="D")
    found = risks(told, np.array([True, False, True, False, False, False, True]))
    np.testing.assert_allclose(found["TERMINAL_ID_RISK_7DAY_WINDOW"], [0, 0, 0, 0, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(found["TERMINAL_ID_RISK_1DAY_WINDOW"], 0)  # day 1 is more than a day before day 2
    later = told.iloc[[0, 5]].assign(TX_DATETIME=[pd.Timestamp("2018-04-01"), pd.Timestamp("2018-04-08 12:00")])
    np.testing.assert_allclose(risks(later, np.array([True, False]))["TERMINAL_ID_RISK_1DAY_WINDOW"], [0, 1])


def test_clean_risk_does_not_know_the_hidden_scenario(frame: pd.DataFrame) -> None:
    clean = payments(2, CLEAN_RISK)
    forgotten = risks(frame, ((frame[TARGET] == 1) & (frame[KIND] != 2)).to_numpy())
    everything = risks(frame, (frame[TARGET] == 1).to_numpy())
    for name in COLUMNS:
        np.testing.assert_allclose(clean[name], forgotten[name])
        assert (everything[name] > clean[name] + 0.01).any()
    seen = week_of(clean, "2018-04-02", 0)
    assert seen.split.train.y.sum() == split_weeks(frame, "2018-04-02").train[TARGET].sum()
    others = [name for name in FEATURES if name not in COLUMNS]
    pd.testing.assert_frame_equal(clean[others], frame[others])


def test_the_threshold_lets_a_hundredth_of_the_honest_pass() -> None:
    honest = np.arange(1000) < 800
    scores = np.arange(1000.0)
    assert flagged(scores, honest)[honest].sum() == 8
    ties = np.where(honest, 0.5, scores / 1000 - 0.4)  # all honest rows alike: none may be flagged
    assert not flagged(ties, honest)[honest].any()
    np.testing.assert_array_equal(flagged(ties, honest)[~honest], ties[~honest] > 0.5)


@pytest.mark.parametrize(("number", "name"), SCENARIOS.items())
def test_the_book_states_each_scenario(frame: pd.DataFrame, number: int, name: str) -> None:
    train = encoded(split_weeks(frame, "2018-04-02")).train
    made = Stating(Amounts(), train, 0).made(supply_of(BOOK, name, 200, RANDOM), Amounts())
    base = Table.take(train, made.parents[:, 0])
    assert len(made) == 200
    assert (made.y == 1).all()
    assert (base.y == 0).all()
    stated_columns = Rules(BOOK, scenario=name).stated
    told = np.isin(FEATURES, stated_columns)
    np.testing.assert_array_equal(made.X[:, ~told], base.X[:, ~told])
    amount, before = made.X[:, 0], base.X[:, 0]
    if number == 1:
        assert amount.min() >= 220
    elif number == 2:
        assert set(stated_columns) == set(COLUMNS)
        day, week, month = made.X[:, told].T
        low, high = train.X[:, told].min(axis=0), train.X[:, told].max(axis=0)  # values stay within the data's range
        inside = (month > low[2]) & (month < high[2])
        np.testing.assert_allclose(week[inside], np.clip(30 * month[inside] / 7, low[1], high[1]), atol=0.004)
        assert ((day == 0) | (day >= np.minimum(week, high[0]) - 0.004)).all()
    else:
        np.testing.assert_allclose(amount, np.minimum(5 * before, train.X[:, 0].max()))


@dataclass
class Amounts:
    """A model to which large amounts are suspicious, and all that are above ``known`` certain."""

    known: float = 1e9

    def fit(self, table: Table, rng: np.random.Generator) -> "Amounts":
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        amount = rows.X[:, 0]
        chance = np.where(amount > self.known, 1.0, amount / 1000)
        return np.column_stack([1 - chance, chance])


@pytest.fixture
def stating(frame: pd.DataFrame) -> Stating:
    return Stating(Amounts(), encoded(split_weeks(frame, "2018-04-02")).train, 0)


def test_a_stated_supply_is_that_of_a_configuration() -> None:
    aimed_at, control = (supply_of(BOOK, "stolen_card", 100, acquisition) for acquisition in (BLINDNESS, RANDOM))
    told = StatedConfig(book=str(BOOK), scenario="stolen_card", rows=100).make()[0]
    assert aimed_at.acquisition == told.acquisition == Blindness()
    assert tuple(aimed_at.gates) == tuple(told.gates) == (Domain(), Contradicted())
    assert replace(control, acquisition=told.acquisition, generator=told.generator) == told


def test_aim_takes_what_the_model_does_not_know(stating: Stating) -> None:
    random, chosen = (
        stating.made(supply_of(BOOK, "stolen_card", 100, acquisition), Amounts()) for acquisition in (RANDOM, BLINDNESS)
    )
    assert len(random) == len(chosen) == 100
    assert np.median(chosen.X[:, 0]) < 0.9 * np.median(random.X[:, 0])
    known = Stating(Amounts(known=200), stating.train, 0)
    aimed_at = known.made(supply_of(BOOK, "stolen_card", 100, BLINDNESS), Amounts(known=200))
    assert aimed_at.X[:, 0].max() <= 200 < random.X[:, 0].max()


def test_a_model_that_knows_all_is_told_nothing(stating: Stating) -> None:
    assert not len(stating.made(supply_of(BOOK, "stolen_card", 100, BLINDNESS), Amounts(known=-1)))


def test_gates_refuse_stated_rows(stating: Stating) -> None:
    supply = supply_of(BOOK, "stolen_card", 100, RANDOM)
    rules = Rules({"target": TARGET, "label": 1, "from_rows": {"where": "target == 0"}, "columns": {"TX_AMOUNT": 50}})
    plain = replace(supply, generator=rules)
    assert len(stating.made(plain, Amounts())) == 100
    refusing = replace(plain, gates=(Contradicted(("TX_DURING_WEEKEND",)),))  # the base row has it as well
    assert not len(stating.made(refusing, Amounts()))


def test_the_second_generation_is_aimed_at_what_the_first_has_not_taught(stating: Stating) -> None:
    taught = Stating(Taught(), stating.train, 0)
    made = taught.made(supply_of(BOOK, "stolen_card", 100, BLINDNESS), Amounts())
    assert len(made) == 50  # after them the model knows everything


class Taught(Amounts):
    """It knows all frauds once it is fitted."""

    def fit(self, table: Table, rng: np.random.Generator) -> "Amounts":
        return Amounts(known=-1)


def test_a_rule_that_describes_honest_rows_is_told(stating: Stating) -> None:
    train = stating.train
    amount, honest = train.X[:, 0], train.y == 0
    only_frauds = float(np.setdiff1d(amount[~honest], amount[honest])[0])
    for columns, share in (({"TX_DURING_WEEKEND": "1 - TX_DURING_WEEKEND"}, 1), ({"TX_AMOUNT": only_frauds}, 0)):
        book = {"target": TARGET, "label": 1, "from_rows": {"where": "target == 0"}, "columns": columns}
        rules = Rules(book)
        made = stating.made(replace(supply_of(BOOK, "stolen_card", 50, RANDOM), generator=rules), Amounts())
        assert share_alike(made, train, rules.stated) == share


def test_every_arm_is_measured(frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = {}
    for _ in range(2):  # the second time from the files
        main(start="2018-04-02,2018-04-03", rows="6", trees=3, misstated=True, out=tmp_path)
        printed = capsys.readouterr().out
        again[printed.splitlines()[-1]] = printed
    ((last, printed),) = again.items()
    told = json.loads(last)
    of = [
        f"{figure}_{arm}_{n}"
        for figure in ("recall", "ap")
        for arm in ("hidden", "stated", "aimed", "seen")
        for n in SCENARIOS
    ]
    expected = {prefix + name for prefix in ("", "xgboost_") for name in (*of, "others_lost")}
    assert set(told) == {"start", *expected}
    assert all(-1 <= told[name] <= 1 for name in expected)
    assert "means over 2 starts" in printed
    for _, rule in misstated.RULES:
        assert rule in printed


@pytest.mark.usefixtures("frame")
@pytest.mark.parametrize(("variant", "fits"), [(RECORDED, 1), (CLEAN_RISK, 3)])
def test_what_has_seen_all_is_measured_on_the_columns_of_what_has_not(variant: str, fits: int) -> None:
    records = cell(Cell("2018-04-10", 0, "XGBoost"), Settings((5,), 2, variant, misstated=False, seed=0))
    assert [(record["hidden"], record["arm"]) for record in records] == [(number, "seen") for number in SCENARIOS]
    assert len({record["average_precision"] for record in records}) == fits


def test_the_last_line_tells_of_the_usual_rows() -> None:
    recall = {"hidden": 0.1, stated(400): 0.6, aimed(400): 0.7, stated(25): 0.2, "seen": 0.8}
    records = [
        {"learner": "extra trees", "hidden": hidden, "arm": arm, "recall": value, "average_precision": value / 2}
        | {"recall_others": 0.9 - value * hidden / 100}
        for hidden in SCENARIOS
        for arm, value in recall.items()
    ]
    told = headline(pd.DataFrame(records), 400, SCENARIOS)
    assert told["recall_stated_2"] == 0.6
    assert told["ap_seen_3"] == 0.4
    assert told["others_lost"] == pytest.approx(0.015)
    assert not any(name.startswith("xgboost") for name in told)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "many"}, "--rows must be whole numbers from 1 to 100000, got 'many'"),
        ({"rows": "0"}, "--rows must be whole numbers"),
        ({"start": ","}, "--start must name a day"),
        ({"variant": "dirty"}, "--variant must be among recorded, clean_risk"),
    ],
)
def test_options_that_are_refused(options: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        main(**options, out=tmp_path)  # type: ignore[arg-type]
