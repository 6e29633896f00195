"""Folders and configurations that another version wrote: one sentence that names it, and nothing is changed on disk."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import content, frame, write, write_config
from test_bad_input import refused, refused_run
from tiny import rare_table

from generators.common import persistence
from loop.cycle import checkpoint
from loop.errors import DataError, TrackingError
from loop.support.format import FORMAT
from loop.tracking.jsonl import JsonlTracker, read_records

OLD = "was written by weakspot 0.1.0: read it with that version, or "
INTERVAL = {"estimate": 0.5, "low": 0.4, "high": 0.6, "level": 0.95}
GENERATION: dict[str, Any] = {"index": 1, "counts": {}, "scores": {"average_precision": INTERVAL}, "looks": 1}
START = {"kind": "start", "time_ms": 1, "id": "0" * 32, "name": "old", "params": {}, "tags": {}}


def old_run(folder: Path, data: Path) -> Path:
    """Write the folder of a run as version 0.1.0 left it, in little."""
    settings = content(data, folder.parent / "out") | {
        "learner": {"name": "xgboost", "settings": {"grown_trees": 20}},
        "metrics": {"points": [{"false_positive": 1, "stake": "amount"}]},
    }
    files: dict[str, object] = {
        "data.json": {"training_rows": "0" * 64, "everything": "0" * 64},
        "report.json": {"data": {"name": "old"}, "generations": [GENERATION], "verdict": {}, "arms": [], "gain": {}},
        "model/model.json": {"learner": "xgboost"},
        "model/schema.json": {"columns": [], "set_aside": []},
        "model/learner/settings.json": {"settings": {"grown_trees": 250}, "learnt": {"base": []}},
        "generator/settings.json": {
            "format": 3,
            "generator": "resample",
            "settings": {},
            "learnt": {},
            "schema": {"columns": [], "set_aside": []},
        },
    }
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(value))
    (folder / "journal").mkdir()
    lines = [START, {"kind": "generation", "time_ms": 2, **GENERATION}]
    (folder / "journal" / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"torn')
    (folder / "checkpoint").mkdir()
    record = np.frombuffer(json.dumps(GENERATION).encode(), dtype=np.uint8)
    arrays = {"0/X": np.zeros((1, 3)), "0/born": np.ones(1), "0/source": np.zeros(1), "0/parent": np.zeros(1)}
    np.savez(folder / "checkpoint" / "generation-001.npz", record=record, **arrays)  # type: ignore[arg-type]
    write_config(folder, settings)
    return folder


def on_disk(place: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(place.rglob("*"))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return old_run(tmp_path / "old", write(tmp_path, frame()))


COMMANDS = {
    "predict": (("predict", "{run}", "--data", "{data}", "--out", "{out}"), "model/model.json", "run it again"),
    "report": (("report", "{run}"), "report.json", "run it again"),
    "generate": (("generate", "{run}", "--out", "{out}"), "generator/settings.json", "fit it again"),
    "generate of the generator": (
        ("generate", "{run}/generator", "--out", "{out}"),
        "generator/settings.json",
        "fit it again",
    ),
    "upload": (("upload", "{run}", "--tracking", "{tracking}"), "journal/records.jsonl", "run it again"),
    "resume": (("run", "--resume", "{run}"), "data.json", "run it again"),
}


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_what_the_first_version_wrote(
    command: str, finished: bool, folder: Path, tmp_path: Path
) -> None:
    if finished:
        (folder / "done.json").write_text('{"status": "finished", "seconds": 1.0}')
    tracking = tmp_path / "mlflow.yaml"
    tracking.write_text(f"tracking_uri: sqlite:///{tmp_path / 'mlflow.db'}\nexperiment: old\n")
    words, name, way_out = COMMANDS[command]
    places = {"run": folder, "data": tmp_path / "table.csv", "out": tmp_path / "rows.csv", "tracking": tracking}
    before = on_disk(tmp_path)
    sentence = refused(*(word.format(**places) for word in words))
    assert f"{folder / name} {OLD}{way_out}" in sentence
    assert on_disk(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_what_a_newer_version_wrote(command: str, folder: Path, tmp_path: Path) -> None:
    words, name, _ = COMMANDS[command]
    path = folder / name
    first, *rest = path.read_text().split("\n")
    path.write_text("\n".join([json.dumps(json.loads(first) | {"format": FORMAT + 1}), *rest]))
    tracking = tmp_path / "mlflow.yaml"
    tracking.write_text(f"tracking_uri: sqlite:///{tmp_path / 'mlflow.db'}\nexperiment: old\n")
    places = {"run": folder, "data": tmp_path / "table.csv", "out": tmp_path / "rows.csv", "tracking": tracking}
    before = on_disk(tmp_path)
    sentence = refused(*(word.format(**places) for word in words))
    assert f"{path} was written by a newer weakspot: " in sentence
    assert on_disk(tmp_path) == before


def test_a_checkpoint_of_the_first_version(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        checkpoint.load(folder / "checkpoint", rare_table(50).schema)
    assert str(caught.value) == f"{folder / 'checkpoint' / 'generation-001.npz'} {OLD}run it again."


def test_a_saved_generator_of_the_first_version(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        persistence.load(folder / "generator")
    assert str(caught.value) == f"{folder / 'generator' / 'settings.json'} {OLD}fit it again."


def test_a_journal_of_the_first_version_is_neither_read_nor_continued(folder: Path) -> None:
    journal = folder / "journal"
    before = on_disk(journal)
    with pytest.raises(TrackingError, match=r"weakspot 0\.1\.0: read it with that version"):
        read_records(journal)
    with pytest.raises(TrackingError, match=r"weakspot 0\.1\.0: read it with that version"):
        JsonlTracker(journal, again=True).start({"name": "new"})
    assert on_disk(journal) == before


@pytest.mark.parametrize(
    ("section", "key", "instead"),
    [
        ({"learner": {"name": "xgboost", "settings": {"grown_depth": 8}}}, "grown_depth", "augmented_learner"),
        ({"metrics": {"points": [{"false_positive": 1, "stake": "amount"}]}}, "stake", "miss_cost"),
    ],
)
def test_a_configuration_of_the_first_version(
    section: dict[str, object], key: str, instead: str, tmp_path: Path
) -> None:
    sentence = refused_run(tmp_path, content(write(tmp_path, frame()), tmp_path / "out") | section)
    assert f"{key!r}, which was a key of weakspot 0.1.0" in sentence
    assert "weakspot 0.1.0: run it with that version" in sentence
    assert instead in sentence
