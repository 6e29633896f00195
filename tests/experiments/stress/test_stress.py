"""A pattern that no training row shows: found as a hole before it is stated, and closed after."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from small_runs import PATTERN, content, frame, write
from stress_commands import call, ci

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.run import run
from experiments.storage.run_folder import load_model
from experiments.stress import output
from experiments.stress.subject import subject_of

WHERE = "amount > 50 and shop == 'fuel'"


def book(folder: Path, name: str = "book.yaml", **told: object) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"target": "fraud", "scenarios": {"young": PATTERN}} | told))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table without anything like the pattern, and the book that states it."""
    folder = tmp_path_factory.mktemp("stress")
    table = frame(900).assign(day=pd.date_range("2026-01-01", periods=900, freq="h").astype(str))
    write(folder, table[(table["shop"] != "toys") | (table["age"] > 40)])
    book(folder)
    return folder


def made(place: Path, name: str, *supplies: object) -> Path:
    settings = content(place / "table.csv", place / name)
    settings["data"] = {**dict(settings["data"]), "time": "day"}  # type: ignore[call-overload]
    arms = {"tuning": False, "plain": True, "plain_seconds": 1e-9, "untargeted": False}
    told = settings | {"supplies": list(supplies), "arms": arms}
    return run(load_config(RunConfig, None, told), Console(file=StringIO(), width=200)).folder


@pytest.fixture(scope="module")
def before(place: Path) -> Path:
    return made(place, "before", "taught")


@pytest.fixture(scope="module")
def after(place: Path) -> Path:
    return made(place, "after", {"book": str(place / "book.yaml"), "rows": 100}, "taught")


def figures(folder: Path) -> dict[str, dict[str, object]]:
    return {case["name"]: case for case in json.loads((folder / output.RECORD).read_text())["cases"]}


def test_the_hole_is_shown_before_and_closed_after(place: Path, before: Path, after: Path) -> None:
    told = ("--book", place / "book.yaml", "--rows", 400, "--fail-under", 0.8)
    hole = call(before, *told, "--out", place / "hole")
    assert hole.exit_code == 1, hole.output
    assert "Below 80%" in hole.output
    (young,) = figures(place / "hole").values()
    assert young["rows"] == 400
    first = young["recalls"][0]  # type: ignore[index]
    assert first["estimate"] < 0.1
    assert first["low"] <= first["estimate"] < first["high"]
    assert young["fails"] == ["anywhere: all 400 rows are missed"]
    closed = call(after, *told, "--out", place / "closed")
    assert closed.exit_code == 0, closed.output
    assert "Every pattern is at 80% or above" in closed.output
    (young,) = figures(place / "closed").values()
    assert young["recalls"][0]["low"] > first["high"]  # type: ignore[index]
    page = (place / "closed" / output.PAGE).read_text()
    assert "young" in page
    assert "<script" not in page
    assert call(before, *told[:4]).exit_code == 0


def test_the_pytest_file_fails_before_and_passes_after(place: Path, before: Path, after: Path) -> None:
    folder = place / "ci"
    assert call(before, "--book", place / "book.yaml", "--rows", 400, "--out", folder).exit_code == 0
    failed = ci(folder, WEAKSPOT_MODEL=str(before / "model"))
    assert failed.returncode == 1, failed.stdout
    assert "1 failed" in failed.stdout
    assert "0.0% of 400 rows are handled rightly, not 80%" in failed.stdout
    passed = ci(folder, WEAKSPOT_MODEL=str(after / "model"))
    assert passed.returncode == 0, passed.stdout
    (folder / "own.py").write_text("def score(rows):\n    return (rows['age'] < 23) * (rows['shop'] == 'toys') + 0.0\n")
    assert ci(folder, WEAKSPOT_PREDICT="own:score").returncode == 0
    (folder / "own.py").write_text("def score(rows):\n    return rows['amount'] * 0.0\n")
    assert ci(folder, WEAKSPOT_PREDICT="own:score").returncode == 1


def test_edge_cases_are_rows_of_the_user_with_what_the_model_says(place: Path, before: Path) -> None:
    folder = place / "cases"
    assert call(before, "--book", place / "book.yaml", "--rows", 50, "--out", folder).exit_code == 0
    rows = pd.read_parquet(folder / output.CASES)
    assert list(rows) == ["amount", "age", "shop", "abroad", "fraud", *output.NOTED]
    assert set(rows["fraud"]) == {"yes"}
    assert rows["age"].between(18, 22).all()
    model = load_model(before / "model")
    np.testing.assert_array_equal(model.predict_proba(rows)[:, 1], rows["ws_score"])
    again = place / "again"
    call(before, "--book", place / "book.yaml", "--rows", 50, "--out", again)
    pd.testing.assert_frame_equal(rows, pd.read_parquet(again / output.CASES))
    assert (again / output.TEST).read_bytes() == (folder / output.TEST).read_bytes()


def test_false_alarms_are_those_of_the_run_and_counted_by_day(before: Path) -> None:
    subject = subject_of(before, None, None)
    report = json.loads((before / "report.json").read_text())
    told = [each["after"] for each in report["operating"]]
    assert [point.threshold for point in subject.points] == [each["threshold"] for each in told]
    delivered = told[0]["delivered"]
    alarmed = subject.score[subject.honest] >= subject.points[0].threshold
    assert alarmed.mean() == pytest.approx(delivered["false_positive_rate"])
    assert subject.pace is not None
    assert 15 < subject.pace < 25  # hourly rows, some left out


def test_where_looks_at_real_and_generated_rows(place: Path, before: Path) -> None:
    result = call(before, "--where", WHERE, "--rows", 60, "--out", place / "where")
    assert result.exit_code == 0, result.output
    told = json.loads((place / "where" / output.RECORD).read_text())
    assert [case["kind"] for case in told["cases"]] == ["real", "generated"]
    assert any("start from training rows" in sentence for sentence in told["said"])
    subject = subject_of(before, None, None)
    rows = subject.frame
    inside = (rows["amount"] > 50) & (rows["shop"] == "fuel") & (rows["fraud"] == "yes")
    assert told["cases"][0]["rows"] == inside.sum()


def test_the_region_where_a_pattern_is_missed_is_told(place: Path, before: Path) -> None:
    wide = {**PATTERN, "columns": {"amount": {"from": "uniform", "low": 0, "high": 200}}}
    path = book(place, "wide.yaml", scenarios={"wide": wide})
    assert call(before, "--book", path, "--out", place / "wide").exit_code == 0
    fails = figures(place / "wide")["wide"]["fails"]
    assert fails
    assert "amount <= " in fails[0]  # type: ignore[index]


def test_a_pattern_of_another_class_must_not_be_alarmed(place: Path, before: Path) -> None:
    path = book(place, "honest.yaml", scenarios={"young": {**PATTERN, "label": "no"}})
    assert call(before, "--book", path, "--out", place / "honest", "--fail-under", 0.9).exit_code == 0
    young = figures(place / "honest")["young"]
    assert young["label"] == "no"
    assert young["recalls"][0]["estimate"] > 0.9  # type: ignore[index]
    assert ci(place / "honest", WEAKSPOT_MODEL=str(before / "model")).returncode == 0


def test_rows_that_were_trained_on_are_not_called_unseen(place: Path, before: Path) -> None:
    told = ("--book", place / "book.yaml", "--rows", 20)
    own = call(before, *told)
    assert "test rows of the run, which its model was not trained on" in own.output
    data = ("--data", place / "table.csv")
    counted = subject_of(before, place / "table.csv", None).said[0]
    assert " of them equal rows that the model was trained on" in counted
    assert "; 0 of them" not in counted
    bare = call(before / "model", *told, *data)
    assert bare.exit_code == 0, bare.output
    assert "the model may have been trained on some of them" in bare.output
    subject = subject_of(before / "model", place / "table.csv", "fraud")
    (point,) = subject.points
    assert 0 < (subject.score[subject.honest] >= point.threshold).mean() <= 0.01


def test_checks_are_tried_and_tested(place: Path, before: Path) -> None:
    limits = [{"where": "amount > 100 and shop == 'fuel'", "at_least": 1}, {"where": "amount < 1", "at_most": 1}]
    checks = {"monotone": {"age": "down"}, "invariant": ["abroad"], "within": 1, "limits": limits}
    path = book(place, "checks.yaml", checks=checks)
    result = call(before, "--book", path, "--rows", 40, "--out", place / "checks")
    assert result.exit_code == 0, result.output
    down, abroad, high, _ = json.loads((place / "checks" / output.RECORD).read_text())["checks"]
    assert down["broken"] > 0
    assert "age from " in down["example"]
    assert abroad["broken"] == 0
    assert high["broken"] == high["rows"] > 0
    done = ci(place / "checks", WEAKSPOT_MODEL=str(before / "model"))
    assert {line.split()[1].partition("::")[2] for line in done.stdout.splitlines() if line.startswith("FAILED")} == {
        "test_pattern[young]",
        "test_monotone[age]",
        "test_limit[0]",
    }


def test_an_earlier_stress_is_replaced_and_nothing_else(place: Path, before: Path) -> None:
    folder = place / "twice"
    told = (before, "--book", place / "book.yaml", "--rows", 20, "--out", folder)
    assert call(*told).exit_code == 0
    (folder / "__pycache__").mkdir()
    assert call(*told).exit_code == 0
    (folder / "notes.txt").write_text("mine")
    refused = call(*told)
    assert refused.exit_code == 2
    assert "holds 'notes.txt': choose another" in refused.stderr
    assert (folder / "notes.txt").read_text() == "mine"


BAD_BOOKS = [
    ({"scenarios": {"a": {**PATTERN, "columns": {"colour": 1}}}}, "got 'colour'"),
    ({"scenarios": {"a": {**PATTERN, "columns": {"age": "age"}}}}, "'a' leaves"),
    ({"checks": {"monotone": {"shop": "up"}}}, "a monotone column must have an order, and 'shop' is categorical"),
    ({"checks": {"monotone": {"amount": "high"}}}, "must be up or down, got 'high'"),
    ({"checks": {"invariant": ["colour"]}}, "checks must name columns of the table"),
    ({"checks": {"limit": []}}, "checks must have no keys but monotone, invariant, within, limits, got 'limit'"),
    ({"checks": {"limits": [{"where": "age > 3"}]}}, "must have at_least or at_most, got neither"),
    ({"checks": {"limits": [{"where": "age > 3", "at_least": 2}]}}, "at most 1, got 2"),
    ({"checks": {"limits": [{"where": "age > 3", "at_least": 0.5, "at_most": 0.4}]}}, "limits must leave a score"),
    (
        {"checks": {"limits": [{"where": "age > 3", "at_least": 0.5}, {"where": "age < 30", "at_most": 0.4}]}},
        'those of "age > 3" and "age < 30" ask for at least 0.5 and at most 0.4',
    ),
    ({"checks": {"limits": [{"where": "colour > 3", "at_least": 0.5}]}}, "columns must be features of the table"),
]


@pytest.mark.parametrize(("told", "words"), BAD_BOOKS)
def test_a_bad_book_gets_one_sentence(place: Path, before: Path, told: dict[str, object], words: str) -> None:
    refused = call(before, "--book", book(place, "bad.yaml", **told), "--out", place / "none")
    assert refused.exit_code == 2, refused.output
    assert words in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (place / "none").exists()


def test_limits_of_different_rows_may_differ(place: Path, before: Path) -> None:
    limits = [{"where": "age > 30", "at_least": 0.5}, {"where": "age < 30", "at_most": 0.4}]
    assert call(before, "--book", book(place, "apart.yaml", checks={"limits": limits})).exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("MODEL", "--data", "DATA"), "a model alone has recorded no weak regions"),
        (("MODEL", "--data", "DATA", "--book", "BOOK", "--regions"), "a model alone has recorded no weak regions"),
        (("RUN/model", "--book", "BOOK"), "a model alone has no rows to start from"),
        ((".", "--book", "BOOK"), "neither: check it"),
        (("RUN", "--book", "BOOK", "--target", "fraud"), "no file is given: leave it out"),
        (("RUN", "--book", "BOOK", "--data", "DATA", "--target", "froud"), "got 'froud'"),
        (("RUN", "--book", "missing.yaml"), "cannot be read"),
        (("RUN", "--where", "colour == 1"), "got 'colour'"),
        (("RUN", "--where", "amount > 1e9", "--fail-under", "0.5"), "--fail-under needs rows of known class"),
        (("RUN", "--book", "BOOK", "--out", "DATA"), "--out must be a folder"),
    ],
)
def test_bad_input_gets_one_sentence(place: Path, before: Path, words: tuple[str, ...], told: str) -> None:
    model = before / "model"
    known = {
        "RUN": before,
        "RUN/model": model,
        "MODEL": model,
        "BOOK": place / "book.yaml",
        "DATA": place / "table.csv",
    }
    refused = call(*(known.get(word, word) for word in words))
    assert refused.exit_code == 2, refused.output
    assert told in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_run_that_is_unfinished_or_whose_data_changed_is_refused(place: Path, before: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(before, copy)
    (copy / "done.json").unlink()
    assert "go on with weakspot run --resume" in call(copy, "--book", place / "book.yaml").stderr
    shutil.copytree(before, tmp_path / "other")
    config = (before / "config.yaml").read_text()
    table = pd.read_csv(place / "table.csv")
    changed = write(tmp_path, table.assign(amount=table["amount"] + 1))
    (tmp_path / "other" / "config.yaml").write_text(config.replace(str(place / "table.csv"), str(changed)))
    assert "the data of a run must be as they were" in call(tmp_path / "other", "--book", place / "book.yaml").stderr
