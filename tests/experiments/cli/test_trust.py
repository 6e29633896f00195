"""What `trace` and `retract` refuse, in a sentence each, before any work."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import refused
from small_runs import content, frame, write

from experiments.storage import run_folder
from loop.support.format import stamped


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a run that has only begun."""
    folder = tmp_path / "run"
    folder.mkdir()
    told = content(write(tmp_path, frame()), tmp_path / "out")
    (folder / run_folder.CONFIG).write_text(yaml.safe_dump(told))
    (folder / run_folder.FINGERPRINT).write_text(json.dumps(stamped({"training_rows": "a", "everything": "b"})))
    return folder


def finish(folder: Path) -> None:
    (folder / run_folder.MARKER).write_text("{}")


@pytest.mark.parametrize(
    "words", [[], ["--group", "a", "--rows", "ids.csv"], ["--group", "a", "--by", "receipt"], ["--by", "receipt"]]
)
def test_rows_are_named_in_one_way(begun: Path, words: list[str]) -> None:
    assert "--rows FILE" in refused("retract", begun, *words)


def test_nothing_is_deleted_where_nobody_can_answer(begun: Path) -> None:
    assert "add --yes" in refused("retract", begun, "--group", "a", "--delete")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "data.json" in refused("retract", tmp_path, "--group", "a")
    assert "data.json" in refused("trace", tmp_path, "0")


def test_an_unfinished_run_has_nothing_to_retract_from(begun: Path) -> None:
    assert "must be finished" in refused("retract", begun, "--group", "a")
    assert "synthetic.parquet" in refused("trace", begun, "0")


def test_rows_are_named_in_the_file_that_was_read(begun: Path) -> None:
    finish(begun)
    assert "has changed since" in refused("retract", begun, "--group", "a")


def test_a_run_with_answers_or_without_a_file_is_refused(begun: Path) -> None:
    finish(begun)
    told = yaml.safe_load((begun / run_folder.CONFIG).read_text())
    told["data"]["answers"] = str(begun)
    (begun / run_folder.CONFIG).write_text(yaml.safe_dump(told))
    assert "went on with answers" in refused("retract", begun, "--group", "a")
    told["data"] = {"source": "simulation"}
    (begun / run_folder.CONFIG).write_text(yaml.safe_dump(told))
    assert "from a file" in refused("retract", begun, "--group", "a")


def test_a_trace_is_of_a_kept_row_with_its_trail(begun: Path) -> None:
    pd.DataFrame({"amount": [1.0]}).to_parquet(begun / "synthetic.parquet")
    assert "one of the 1 that the run kept" in refused("trace", begun, "1")
    assert "lacks columns" in refused("trace", begun, "0")
    (begun / "synthetic.parquet").write_bytes(b"PAR1 nothing")
    assert "damaged" in refused("trace", begun, "0")
