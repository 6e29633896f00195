"""The weak regions that a run has recorded, asked about without a book."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from small_runs import content, frame, write
from stress_commands import call, ci

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.run import run
from experiments.stress import output
from experiments.stress.regions import weak_regions
from experiments.stress.stress import Asked, stress
from experiments.stress.subject import subject_of
from loop.support.plain_json import Record

# Knows the real rows of the class to catch by heart, and no others: rows that were generated do not count.
ORACLE = """
import pandas as pd

rows = pd.read_parquet("edge_cases.parquet")
known = rows[rows["ws_rows"] == "real"].drop_duplicates(["amount", "age", "shop", "abroad"])


def score(frame):
    on = ["amount", "age", "shop", "abroad"]
    return frame[on].merge(known[on].assign(hit=1.0), on=on, how="left")["hit"].fillna(0).to_numpy()
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that found weak regions."""
    place = tmp_path_factory.mktemp("regions")
    settings = content(write(place, frame(3000)), place / "runs") | {"arms": {"run": False}}
    return run(load_config(RunConfig, None, settings), Console(file=StringIO(), width=200)).folder


@pytest.fixture(scope="module")
def out(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a stress of these regions leaves behind."""
    folder = tmp_path_factory.mktemp("out")
    result = call(before, "--rows", 60, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def cases_of(out: Path) -> list[Record]:
    cases: list[Record] = json.loads((out / output.RECORD).read_text())["cases"]
    return cases


def test_without_a_book_the_weak_regions_of_the_run_are_the_patterns(before: Path, out: Path) -> None:
    report = json.loads((before / "report.json").read_text())
    recorded = [region for each in report["generations"] for region in each["regions"]]
    names = list(dict.fromkeys(case["name"] for case in cases_of(out)))
    assert names
    assert set(names) <= {region["text"] for region in recorded}
    subject, caught = subject_of(before, None, None), {}
    for region in weak_regions(subject):
        inside = region.contains(subject.real.rows) & ~subject.honest
        caught[region.text] = (inside.sum(), (subject.score[inside] >= subject.points[0].threshold).mean())
    for case in cases_of(out):
        if case["kind"] == "real":
            told = case["rows"], case["recalls"][0]["estimate"]
            assert told == (caught[case["name"]][0], pytest.approx(caught[case["name"]][1]))
            assert case["recalls"][0]["low"] <= case["recalls"][0]["estimate"] <= case["recalls"][0]["high"]
    assert {case["kind"] for case in cases_of(out)} == {"real", "generated"}


def test_regions_of_nearly_the_same_rows_are_asked_about_once(before: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(before, copy)
    report = json.loads((copy / "report.json").read_text())
    aimed = next(each for each in report["generations"] if each["regions"])
    one = aimed["regions"][0]
    moved = {**one, "text": "moved", "rule": [{**side} for side in one["rule"]]}
    other_class = {**moved, "text": "another class", "label": 0, "class": "no"}
    for each in report["generations"]:
        each["regions"] = [one, moved, other_class]
    (copy / "report.json").write_text(json.dumps(report))
    assert [region.text for region in weak_regions(subject_of(copy, None, None))] == [one["text"], "another class"]
    table = subject_of(copy, None, None)
    asked = Asked(regions=True, rows=20)
    real = [case for case in stress(table, asked).cases if case.kind == "real"]
    assert [(case.label, case.alarm) for case in real][-1] == ("no", False)


def test_the_pytest_file_asks_about_real_rows_of_weak_regions(before: Path, out: Path) -> None:
    rows = pd.read_parquet(out / output.CASES)
    assert set(rows["ws_rows"]) == {"real", "generated"}
    done = ci(out, WEAKSPOT_MODEL=str(before / "model"))
    real = [case for case in cases_of(out) if case["kind"] == "real"]
    low = sum(case["recalls"][0]["estimate"] < output.LEAST for case in real)
    assert low
    assert f"{low} failed" in done.stdout
    asked = call(before, "--regions", "--rows", 60, "--fail-under", output.LEAST)
    assert asked.exit_code == 1
    (out / "own.py").write_text(ORACLE)
    assert ci(out, WEAKSPOT_PREDICT="own:score").returncode == 0


def test_a_run_without_weak_regions_and_a_damaged_report_get_one_sentence(before: Path, tmp_path: Path) -> None:
    def refusal(name: str, regions: list[object]) -> str:
        copy = tmp_path / name
        shutil.copytree(before, copy)
        report = json.loads((copy / "report.json").read_text())
        for each in report["generations"]:
            each["regions"] = regions
        (copy / "report.json").write_text(json.dumps(report))
        refused = call(copy)
        assert refused.exit_code == 2, refused.output
        assert refused.stderr.count("\n") == 1
        return refused.stderr

    assert "recorded none: give --book FILE or --where EXPRESSION" in refusal("none", [])
    rule = [{"column": 99, "low": 0.0, "high": 1.0, "codes": None, "missing": False}]
    odd = {"rule": rule, "text": "odd", "label": None, "class": None, "rows": 1, "positives": 1, "deficit": None}
    assert "report.json must be as the run wrote it" in refusal("odd", [odd])
