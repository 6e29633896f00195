"""The command line: quick to answer, quiet in files, and the same model on every way to it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.storage.run_folder import load_model

HERE = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
CONFIGS = Path(__file__).parents[3] / "experiments" / "configs"


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run."""
    place = tmp_path_factory.mktemp("cli")
    path = write_config(place, content(write(place, frame()), place / "out", generations=1))
    result = call("run", path, "--no-arms", "--seed", 5)
    assert result.exit_code == 0, result.output
    (made,) = (place / "out").iterdir()
    return made


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys, experiments.cli.app; "
        "print(*(set(sys.modules) & {'torch', 'pandas', 'numpy', 'mlflow', 'sklearn'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
    assert call("--help").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--data", "table.csv", "--target", "froud"],
        ["run", "table.csv", "--target", "fraud", "--learner", "oracle"],
        ["compare", "table.csv"],
        ["tune", "nothing.yaml"],
        ["report", "nowhere"],
        ["init", "table.csv", "--target", "froud"],
    ],
)
def test_a_refusal_waits_for_no_large_library(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path, frame(60))
    code = (
        "import sys; from typer.testing import CliRunner; from experiments.cli.app import app; "
        f"result = CliRunner().invoke(app, {words}); "
        "print(result.exit_code, *(set(sys.modules) & {'torch', 'matplotlib', 'mlflow', 'imblearn'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=HERE, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["2"]


def test_a_table_is_said_to_be_the_data(tmp_path: Path) -> None:
    table = write(tmp_path, frame(60).assign(fraud=["yes"] * 4 + ["no"] * 56), "my table.csv")
    result = call("run", table, "--target", "fraud", "--out", tmp_path / "out")
    assert f"read as: weakspot run --data '{table}' --target fraud" in result.stderr
    assert "use fewer lanes" in result.stderr
    assert "--target COLUMN" in call("run", table).stderr
    assert "one table" in call("run", table, "--data", table).stderr


def test_a_run_prints_one_object(folder: Path) -> None:
    config = folder / "config.yaml"
    result = call("run", config, "--no-arms", "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["status"] == "finished"
    report = json.loads((Path(record["folder"]) / "report.json").read_text())
    assert record["verdict"] == report["gain"]["sentence"]
    assert record["delivered"] == report["delivery"]["name"]


def test_a_quiet_run_prints_its_result(folder: Path) -> None:
    result = call("run", folder / "config.yaml", "--no-arms", "--quiet")
    assert result.exit_code == 0, result.output
    *_, decision, delivery, verdict, where = result.stdout.splitlines()
    report = json.loads((Path(where.removesuffix(": report.html")) / "report.json").read_text())
    assert decision == report["decision"]["headline"]
    assert (verdict, delivery) == (report["gain"]["sentence"], report["delivery"]["sentence"])


def test_a_shell_completes_commands_and_options() -> None:
    code = "import sys; sys.argv[0] = 'weakspot'; from experiments.cli.app import main; main()"
    for typed, found in (("weakspot rep", "report"), ("weakspot run --dr", "--drop\n--dry-run")):
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_WEAKSPOT_COMPLETE": "complete_bash"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=HERE | words, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == found


def test_every_command_has_help() -> None:
    for command in (
        "run",
        "init",
        "schema",
        "compare",
        "tune",
        "predict",
        "export",
        "generate",
        "stress",
        "report",
        "ui",
        "upload",
    ):
        result = call(command, "--help")
        assert result.exit_code == 0
        assert command in result.output


def test_version() -> None:
    assert call("--version").output.startswith("weakspot 0.")


def test_options_reach_the_run(folder: Path) -> None:
    config = (folder / "config.yaml").read_text()
    assert "seed: 5" in config
    assert folder.name.endswith("targeted-seed5")
    assert set(pd.read_csv(folder / "arms.csv")["arm"]) == {"real only", "teacher itself", "loop: targeted"}


def test_a_file_and_a_target_are_enough_to_be_understood(tmp_path: Path) -> None:
    table = frame(60).assign(fraud=["yes"] * 4 + ["no"] * 56)
    result = call("run", "--data", write(tmp_path, table), "--target", "fraud", "--out", tmp_path / "out")
    assert result.exit_code == 2  # four frauds are too few for the lanes, but the configuration was fine
    assert "use fewer lanes" in result.stderr


def test_report_prints_the_tables_again(folder: Path) -> None:
    result = call("report", folder)
    assert result.exit_code == 0
    for words in (
        "Generations",
        "Weak regions",
        "Arms",
        "Operating points",
        "Calibration",
        "Judge rows:",
        "Test rows:",
    ):
        assert words in result.stdout


def test_report_writes_the_page_anew_and_names_it(folder: Path) -> None:
    page = folder / "report.html"
    before = page.read_bytes()
    page.unlink()
    result = call("report", folder)
    assert result.exit_code == 0
    assert page.read_bytes() == before
    assert f"{page}: the page" in result.stdout


def test_a_miss_cost_that_is_no_column_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    settings["metrics"] = {"points": [{"false_positive": 1, "miss_cost": "amuont"}]}
    result = call("run", write_config(tmp_path, settings))
    assert result.exit_code == 2
    assert "got 'amuont': check the name" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_tune_searches_and_keeps_a_configuration_that_runs(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    settings |= {"sources": [settings.pop("data")], "space": {"loop.budget": [0.25, 0.5]}, "trials": 2}
    result = call("tune", write_config(tmp_path, settings), "--workers", 1)
    assert result.exit_code == 0, result.output
    (winner,) = (tmp_path / "out").glob("tune-*/winner.yaml")
    assert f"winner: {winner}" in result.stdout
    assert json.loads(result.stdout.splitlines()[-1])["trials"] == 2
    again = call("run", winner, "--no-arms", "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output


def test_an_interrupted_search_ends_with_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.tune.tune.tune", interrupted)
    assert call("tune", CONFIGS / "tune.yaml").exit_code == 130


def test_a_search_with_unknown_keys_is_refused(tmp_path: Path) -> None:
    result = call("tune", write_config(tmp_path, {"sources": ["simulation"], "trails": 3}))
    assert result.exit_code == 2
    assert "'trails'" in result.stderr


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet", None])
def test_predict_writes_the_probabilities_of_the_model(folder: Path, tmp_path: Path, name: str | None) -> None:
    rows = frame(30, seed=9).drop(columns="fraud")
    data = write(tmp_path, rows)
    out = [] if name is None else ["--out", tmp_path / name]
    result = call("predict", folder, "--data", data, *out)
    assert result.exit_code == 0, result.output
    if name is None:
        (tmp_path / "screen.csv").write_text(result.stdout)
    path = tmp_path / (name or "screen.csv")
    written = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    assert list(written) == ["p_no", "p_yes"]
    np.testing.assert_allclose(written, load_model(folder / "model").predict_proba(rows), rtol=1e-12)


def test_upload_sends_the_journal_once(folder: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    settings = tmp_path / "mlflow.yaml"
    settings.write_text(f"tracking_uri: {store}\nartifact_root: {tmp_path.as_uri()}/artifacts\n")
    for _ in range(2):
        result = call("upload", folder, "--tracking", settings)
        assert result.exit_code == 0, result.output
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        states = database.execute("select status from runs").fetchall()
    assert states == [("FINISHED",), ("FINISHED",)]  # the run and its only generation


def test_commands_of_their_own_fail_in_one_sentence_too() -> None:
    code = """
from experiments.cli.app import run_command
from loop.errors import DataError
def main(rows: int = 3) -> None:
    if rows == 0:
        raise KeyboardInterrupt
    raise DataError(f"rows must be few, got {rows}: take fewer.")
run_command(main)
"""
    words, status = "rows must be few, got 7: take fewer.\n", []
    for rows in ("7", "0"):
        ended = subprocess.run([sys.executable, "-c", code, "--rows", rows], capture_output=True, text=True)
        status.append(ended.returncode)
        assert ended.stderr == (words if rows == "7" else "Interrupted.\n")
    assert status == [2, 130]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("report.json", b"{}"),
        ("report.json", b"[]"),
        ("report.json", b'{"data": 3}'),
        ("report.json", b'{"data": '),
        ("curves.json", b"[]"),
        ("curves.json", b'{"before": {}}'),
        ("curves.json", b"{"),
        ("data.json", b"[]"),
        ("config.yaml", b""),
        ("config.yaml", b"loop: ["),
        ("config.yaml", b"loop: 3"),
        ("config.yaml", b"\xff\xfe"),
        ("synthetic.parquet", None),
        ("synthetic.parquet", b""),
    ],
)
def test_a_damaged_file_of_a_run_is_named_in_one_sentence(
    folder: Path, tmp_path: Path, name: str, damage: bytes | None
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    path = copy / name
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    result = call("report", copy)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert str(copy) in result.stderr
    assert ": " in result.stderr  # then comes the way out


def test_a_terminal_that_cannot_spell_everything_gets_the_rest(folder: Path) -> None:
    command = [sys.executable, "-c", "from experiments.cli.app import main; main()", "report", str(folder)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Weak regions" in done.stdout


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("generations", 0, "scores"), "high"),
        (("generations", 0, "scores"), {}),
        (("generations", 0, "counts"), 3),
        (("generations", 0, "decision"), None),
        (("generations", 0, "regions"), [1]),
        (("generations", 0, "seconds"), {"learner": "long"}),
        (("arms", 0, "average_precision"), {}),
        (("verdict", "sentence"), None),
        (("gain", "difference"), 3),
        (("generations", 0, "index"), "[/x]"),
        (("arms", 0, "arm"), 3),
        (("data", "classes"), float("inf")),
        (("generations", 0, "scores", "average_precision", "estimate"), 10**400),
    ],
)
def test_a_damaged_value_of_a_report_is_told_in_one_sentence(
    folder: Path, tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    kept = json.loads((copy / "report.json").read_text())
    inner = kept
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    (copy / "report.json").write_text(json.dumps(kept))
    result = call("report", copy)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.count("\n") == 1
    assert "report.json must be as the run wrote it" in result.stderr


@pytest.mark.parametrize("part", ["data", "verdict", "gain", "arms", "generations"])
def test_a_report_that_lacks_a_part_is_refused(folder: Path, tmp_path: Path, part: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    kept = json.loads((copy / "report.json").read_text())
    (copy / "report.json").write_text(json.dumps({**kept, part: [{}] if isinstance(kept[part], list) else {}}))
    result = call("report", copy)
    assert result.exit_code == 2, (result.output, result.exception)
    assert f"{part} lacks" in result.stderr.replace(".0 lacks", " lacks")


def test_a_report_of_a_newer_version_is_shown(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    kept = json.loads((copy / "report.json").read_text())
    (copy / "report.json").write_text(json.dumps({**kept, "new": 1}))
    assert call("report", copy).exit_code == 0
