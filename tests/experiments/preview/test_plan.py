"""What would be done, without doing it."""

import json
from pathlib import Path

import pytest
import yaml
from commands import refused
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app


def call(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result


def test_a_dry_run_says_what_a_run_says_first_and_leaves_nothing(tmp_path: Path) -> None:
    config = write_config(tmp_path, content(write(tmp_path, frame()), tmp_path / "out"))
    before = set(tmp_path.rglob("*"))
    told = call("run", config, "--dry-run").stdout
    assert set(tmp_path.rglob("*")) == before
    for words in ("240 rows, 4 features", "classes: no, yes; to catch: yes", "shop (categorical)", "strategy targeted"):
        assert words in told
    assert "class weight; random oversampling; SMOTE" in told  # other names hold a comma
    assert "time: roughly " in told
    real = call("run", config, "--no-arms", "--generations", 1).stdout
    assert real.splitlines()[:2] == told.splitlines()[:2]


def test_the_record_is_one_object(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    config = write_config(tmp_path, settings | {"arms": {"plain": False, "untargeted": False, "tuning": False}})
    record = json.loads(call("run", config, "--dry-run", "--json").stdout)
    assert record["train"] + record["test"] == 240
    assert record["columns"]["shop"] == "categorical"
    assert record["arms"] == ["class weight", "random oversampling", "SMOTE"]
    assert record["seconds"] == pytest.approx(sum(record["seconds_by_step"].values()), abs=0.5)
    assert record["seconds_range"] == pytest.approx([record["seconds"] / 2, record["seconds"] * 2], abs=0.2)
    assert {"weighted and oversampled rows", "test and files"} < set(record["seconds_by_step"])
    assert "plain models" not in record["seconds_by_step"]


def test_a_line_break_in_the_name_of_a_column_breaks_no_line(tmp_path: Path) -> None:
    odd = frame().rename(columns={"shop": "shop\nof \x1b[31mcard", "amount": "amount\r\n(EUR)"}).assign(**{"a\nb": 1})
    config = write_config(tmp_path, content(write(tmp_path, odd), tmp_path / "out"))
    told = call("run", config, "--dry-run").stdout
    assert "shop\\nof \\x1b[31mcard (categorical)" in told
    assert "amount\\r\\n(EUR) (numeric)" in told
    assert "excluded a\\nb: " in told
    assert all(line.isprintable() for line in told.split("\n"))


def test_a_fault_is_found_by_a_dry_run_too(tmp_path: Path) -> None:
    config = write_config(
        tmp_path, content(write(tmp_path, frame()), tmp_path / "out") | {"constraints": ["amont > 0"]}
    )
    assert "amont" in refused("run", config, "--dry-run")


def test_a_comparison_counts_its_cells(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out")
    sources = {"sources": [settings.pop("data")], "seeds": [0, 1], "strategies": ["targeted", "untargeted"]}
    path = tmp_path / "compare.yaml"
    path.write_text(yaml.safe_dump(settings | sources))
    before = set(tmp_path.rglob("*"))
    record = json.loads(call("compare", path, "--dry-run", "--json").stdout)
    assert (record["cells"], record["finished"]) == (4, 0)
    assert set(tmp_path.rglob("*")) == before


def test_a_search_says_what_it_would_try(tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame()), tmp_path / "out", generations=1)
    space = {"loop.generations": {"low": 1, "high": 3}, "loop.strategy": ["targeted", "untargeted"]}
    path = tmp_path / "tune.yaml"
    path.write_text(yaml.safe_dump(settings | {"sources": [settings.pop("data")], "space": space, "trials": 5}))
    before = set(tmp_path.rglob("*"))
    told = call("tune", path, "--dry-run").stdout
    for words in (
        "240 rows, 4 features",
        "shop (categorical)",
        "loop.generations: whole numbers from 1 to 3; begins with 1",
        "loop.strategy: targeted | untargeted; begins with targeted",
        "points: 6; trials: 5 to run, 0 finished; each at most 3 generations",
        "time: roughly ",
    ):
        assert words in told
    assert set(tmp_path.rglob("*")) == before
