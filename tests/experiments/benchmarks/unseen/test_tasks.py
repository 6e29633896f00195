"""Tables that are no card fraud: what is hidden is hidden, test rows are the same, books state what is hidden."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.unseen import simulated
from experiments.benchmarks.unseen.cases import NONE, OTHER
from experiments.benchmarks.unseen.stating import RANDOM, supply_of
from experiments.benchmarks.unseen.subgroups import SUBGROUPS
from experiments.benchmarks.unseen.tables import aimed, show_aim, stated
from experiments.benchmarks.unseen.tasks import SIMULATION, TABLES, task_of
from experiments.benchmarks.unseen.unseen import main
from experiments.cli import output
from loop.errors import ConfigError
from loop.types import Region, Request

OTHERS = TABLES[1:]  # all but card fraud


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables with the columns that the books state, a fifth of the rows positive."""
    rng, n = np.random.default_rng(0), 1500
    frame = pd.DataFrame({"age": rng.integers(17, 90, n), "job": rng.choice(["a", "b"], n)})
    frame["capital_gain"] = np.where(rng.random(n) < 0.2, rng.integers(7000, 40_000, n), rng.integers(0, 7000, n))
    frame["PageValues"] = np.where(rng.random(n) < 0.2, rng.uniform(50, 300, n), rng.uniform(0, 50, n))
    frame["target"] = (rng.random(n) < 0.2).astype(int)
    parts = rng.choice(["train", "test"], n)
    frame.assign(split=parts).drop(columns="PageValues").to_parquet(tmp_path / "adult.parquet")
    frame.drop(columns="capital_gain").to_parquet(tmp_path / "shoppers.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    monkeypatch.setattr(simulated, "DAYS", 28)
    monkeypatch.setattr(simulated, "SIZE", {"customers": 80, "days": 28, "fraud_rate": 0.1})


@pytest.mark.parametrize("table", OTHERS)
def test_training_lacks_the_pattern_and_the_test_rows_are_the_same(table: str) -> None:
    hidden, seen = (task_of(table).case("0", 1, seen=seen) for seen in (False, True))
    assert set(hidden.kind) == {NONE, OTHER, 1}
    np.testing.assert_array_equal(hidden.kind, seen.kind)
    np.testing.assert_array_equal(hidden.split.test.y, seen.split.test.y)
    np.testing.assert_array_equal(hidden.kind != NONE, hidden.split.test.y == hidden.split.schema.positive)
    assert hidden.split.train.y.sum() < seen.split.train.y.sum()
    assert "split" not in hidden.split.schema.names


@pytest.mark.parametrize(
    ("table", "column", "least"), [("adult", "capital_gain", 7000), ("shoppers", "PageValues", 50)]
)
def test_the_positives_of_the_subgroup_are_hidden_and_no_others(table: str, column: str, least: float) -> None:
    hidden, seen = (task_of(table).case("1", 1, seen=seen).split.train for seen in (False, True))
    place = seen.schema.names.index(column)
    inside, positive = seen.X[:, place] >= least, seen.y == 1
    np.testing.assert_array_equal(hidden.X[:, place], seen.X[~(inside & positive), place])
    assert (hidden.X[:, place] >= least).any(), "the other class stays"


def test_a_late_scenario_is_in_no_count_of_the_training_days() -> None:
    hidden, seen = (task_of(SIMULATION).case("0", 1, seen=seen) for seen in (False, True))
    np.testing.assert_array_equal(hidden.split.test.row_number.size, seen.split.test.row_number.size)
    for name in ("amount", "count_7d", "terminal_risk"):
        places = [each.split.schema.names.index(name) for each in (hidden, seen)]
        one, other = (each.split.test.X[:, place] for each, place in zip((hidden, seen), places, strict=True))
        np.testing.assert_array_equal(one, other)
    counts = [each.split.train.X[:, each.split.schema.names.index("count_7d")] for each in (hidden, seen)]
    negative = [each.split.train.y == 0 for each in (hidden, seen)]
    assert negative[0].sum() == negative[1].sum()
    assert counts[0][negative[0]].sum() < counts[1][negative[1]].sum(), "payments of victims count the frauds before"


@pytest.mark.parametrize("table", OTHERS)
def test_the_book_states_the_pattern(table: str) -> None:
    task = task_of(table)
    train = task.case("0", 1, seen=False).split.train
    supply = supply_of(task.book, task.patterns[1], 50, RANDOM)
    rng = np.random.default_rng(0)
    made = supply.generator.fit(train, rng).sample(Request(Region(), None, 50), rng).table
    assert (made.y == 1).all()
    columns = {name: made.X[:, place] for place, name in enumerate(train.schema.names)}
    if table == SIMULATION:
        assert (columns["night"] == 1).all()
        assert (columns["hour"] < 6).all()
        assert (columns["count_1h"] >= 2).all()
    else:
        assert pd.DataFrame(columns).eval(SUBGROUPS[table].where).all()


def test_figures_of_one_pattern_are_told_for_every_number_of_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(table="adult", splits=2, rows="4,8", trees=3, out=tmp_path)
    printed = capsys.readouterr().out
    told = json.loads(printed.splitlines()[-1])
    arms = ("hidden", "stated", "aimed", "seen", *(f"{arm}_{n}_rows" for arm in ("stated", "aimed") for n in (4, 8)))
    names = {f"{figure}_{arm}" for figure in ("recall", "ap") for arm in arms} | {"others_lost"}
    assert set(told) == {"table", "splits", *names, *(f"xgboost_{name}" for name in names)}
    assert told["recall_stated"] == told["recall_stated_8_rows"]
    assert "adult: means over 2 splits" in printed
    assert "Aimed minus at random" in printed


def test_aim_is_compared_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    recall = {"0": (0.5, 0.7), "1": (0.6, 0.5)}  # at random, aimed
    records = [
        {"part": part, "learner": "XGBoost", "hidden": 1, "arm": arm, "recall": value, "average_precision": value / 2}
        for part, values in recall.items()
        for arm, value in zip((stated(9), aimed(9)), values, strict=True)
    ]
    show_aim(output.console(120), pd.DataFrame(records), (9,), {1: "pattern"})
    printed = capsys.readouterr().out
    assert "+0.050 (-0.100 to +0.200)" in printed
    assert "+0.025 (-0.050 to +0.100)" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "cards"}, "--table must be among card_fraud, adult, shoppers, simulation"),
        ({"table": "adult", "start": "2018-07-25"}, "--start must be left out for adult"),
        ({"table": "adult", "variant": "clean_risk"}, "--variant must be left out for adult"),
        ({"table": "simulation", "misstated": True}, "--misstated must be left out for simulation"),
        ({"splits": 2}, "--splits must be left out for card_fraud, got 2"),
        ({"table": "adult,shoppers"}, "--table must be one of"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        main(**options, out=tmp_path)  # type: ignore[arg-type]
