"""Real rows of a stated pattern, named in a column of the data: they tell what is caught and are no feature."""

import copy
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from small_runs import PATTERN, content, frame, write

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report.terminal import show
from experiments.run.inputs import gather
from experiments.run.real_rows import named_rows
from experiments.run.run import run
from loop.cycle.held_back import above_others
from loop.errors import WeakspotError

REAL = 31  # of the pattern, the latest


def table() -> pd.DataFrame:
    """Ordinary rows of earlier days, and real rows of the pattern among the latest."""
    rows, rng = frame(900), np.random.default_rng(1)
    rows = rows[(rows["shop"] != "toys") | (rows["age"] > 40)].assign(kind="ordinary")
    own = {"shop": "toys", "age": rng.integers(18, 23, REAL), "amount": rng.uniform(20, 30, REAL).round(2)}
    late = pd.DataFrame(own | {"abroad": rng.random(REAL) < 0.3, "fraud": "yes", "kind": "young"})
    whole = pd.concat([rows, late], ignore_index=True)
    return whole.assign(day=pd.date_range("2026-01-01", periods=len(whole), freq="h").astype(str))


def config_of(folder: Path, rows: pd.DataFrame, data: dict[str, object], **entry: object) -> RunConfig:
    settings = content(write(folder, rows), folder / "out")
    book = folder / "book.yaml"
    other = {**copy.deepcopy(PATTERN), "label": "no"}
    book.write_text(yaml.safe_dump({"target": "fraud", "scenarios": {"young": PATTERN, "other": other}}))
    supplies = [{"book": str(book), "rows": 300, "scenario": "young"} | entry]
    told = {"data": {**dict(settings["data"]), **data}, "supplies": supplies}  # type: ignore[call-overload]
    return load_config(RunConfig, None, settings | told | {"arms": {"run": False}})


def test_real_rows_tell_what_is_caught_before_and_after(tmp_path: Path) -> None:
    config = config_of(tmp_path, table(), {"scenario": "kind", "time": "day"})
    console = Console(file=StringIO(), width=200)
    done = run(config.model_copy(update={"deliver": "loop"}), console)
    assert done.report is not None
    assert "stated: young: 0 real rows in training, 31 in the test part" in console.file.getvalue()  # type: ignore[attr-defined]
    (real,) = done.report.real_patterns
    assert (real["supply"], real["rows"]) == ("stated: young", REAL)
    assert real["before"]["estimate"] < 0.3
    assert real["after"]["estimate"] > 0.7
    assert real["after"]["low"] < real["after"]["estimate"] <= real["after"]["high"]
    show(done.report, done.folder, told := Console(file=StringIO(), width=300))
    share = f"{real['after']['estimate']:.0%}"
    sentence = f"stated: young: of 31 real ones among the test rows the delivered model catches {share}"
    assert sentence in told.file.getvalue()  # type: ignore[attr-defined]
    assert sentence in (done.folder / "report.html").read_text()


def test_the_column_is_no_feature(tmp_path: Path) -> None:
    rows = table().drop(columns="day")
    rows["kind"] = np.where(rows["kind"] == "young", "young", np.where(rows["fraud"] == "yes", "usual", "none"))
    config = config_of(tmp_path, rows, {"scenario": "kind"})
    inputs = gather(config.data, config.loop)
    assert "kind" not in inputs.schema.names
    assert ("kind", "scenario column") in inputs.schema.excluded
    (named,) = named_rows(config, inputs)
    assert named.train + len(named.test) == REAL
    where = inputs.dataset.frame.iloc[inputs.test.row_number[named.test]]
    assert set(where["kind"]) == {"young"}
    assert len(named.test) == (inputs.dataset.frame["kind"].iloc[inputs.test.row_number] == "young").sum()


def test_rows_of_another_class_are_told_and_left_out(tmp_path: Path) -> None:
    rows = table()
    late = rows.index[rows["kind"] == "young"]
    rows.loc[late[:4], "fraud"] = "no"
    config = config_of(tmp_path, rows, {"scenario": "kind", "time": "day"}, real_rows="young")
    (named,) = named_rows(config, gather(config.data, config.loop))
    assert (len(named.test), named.others) == (REAL - 4, 4)
    assert named.sentence.endswith("27 in the test part; 4 of other classes are left out")


@pytest.mark.parametrize("values", [(1, 0), (1.0, np.nan), (True, False), ("1", "usual")])
def test_a_name_may_be_a_number_or_a_flag(tmp_path: Path, values: tuple[object, object]) -> None:
    rows = table()
    rows["kind"] = [values[0] if kind == "young" else values[1] for kind in rows["kind"]]
    name = True if values[0] is True else 1
    config = config_of(tmp_path, rows, {"scenario": "kind", "time": "day"}, real_rows=name)
    (named,) = named_rows(config, gather(config.data, config.loop))
    assert len(named.test) == REAL


def test_without_real_rows_nothing_is_told(tmp_path: Path) -> None:
    config = config_of(tmp_path, table().assign(kind="ordinary", sort="a"), {"scenario": "kind"})
    done = run(config, Console(file=StringIO(), width=200))
    assert done.report is not None
    assert done.report.real_patterns == []
    assert "Real rows of stated patterns" not in (done.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("data", "entry", "words"),
    [
        ({}, {"real_rows": "young"}, "real_rows must be a value of the column data.scenario, got 'young'"),
        ({"scenario": "kind"}, {"real_rows": "yuong"}, "the column 'kind', and no row has 'yuong'"),
        ({"scenario": "kind"}, {"real_rows": "young", "scenario": None}, "has other, young: add scenario"),
        (
            {"scenario": "kinds"},
            {},
            "The scenario must be a column of table.csv, and 'kinds' is not: did you",
        ),
        ({"scenario": "fraud"}, {}, "target, time, group and scenario must be different columns, got fraud, fraud"),
        ({"scenario": "kind"}, {"real_rows": ["young"]}, "real_rows"),
    ],
)
def test_bad_input_gets_one_sentence_before_any_work(
    tmp_path: Path, data: dict[str, object], entry: dict[str, object], words: str
) -> None:
    with pytest.raises(WeakspotError) as caught:
        run(config_of(tmp_path, table(), data, **entry), Console(file=StringIO(), width=200))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_caught_is_above_99_of_100_judge_rows_of_other_classes() -> None:
    judged = np.linspace(0, 1, 101)
    y = np.array([0] * 50 + [1] * 51)  # the higher half is no other
    proba = np.array([0.48, 0.495, 0.6])
    caught = above_others(np.column_stack([1 - judged, judged]), y, np.column_stack([1 - proba, proba]), 1)
    assert caught.tolist() == [False, True, True]
