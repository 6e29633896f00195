"""A retraction is the run without the rows, byte for byte; what is listed as clean, and what stays, holds none."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from canaries import found_in, needles
from rich.console import Console
from small_runs import content, frame, write, write_config
from typer.testing import CliRunner, Result

from experiments.cli.app import app
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.run.run import run
from experiments.storage import run_folder
from experiments.trust.provenance.record import Provenance
from experiments.trust.retraction.inventory import CLEAN, DERIVES, HOLDS, Inventory, inventory_of
from loop.data.parquet_file import marks_of
from loop.tracking.forgetting import Traces
from loop.tracking.uplink import quiet

pytestmark = pytest.mark.slow

ROWS, CARDS = 260, 60
RECEIPTS = [f"R{number:05d}" for number in range(ROWS)]
LEFT_OUT = [3, *range(40, 59)]  # twenty rows
CANARY = {"amount": 987654.32, "shop": "canary-shop", "card": "card-canary"}
WANTED = needles(["canary-shop", "card-canary"], [987654.32])
SAME = ("synthetic.parquet", "regions.csv", "curves.json", "data.json", "provenance.json")


def table() -> pd.DataFrame:
    """The small table with receipts and cards; row 3 has values that no other has."""
    made = frame(ROWS)
    made.insert(0, "receipt", RECEIPTS)
    made.insert(1, "card", [f"c{number % CARDS}" for number in range(ROWS)])
    for name, value in CANARY.items():
        made.loc[3, name] = value
    return made


def settings(place: Path, source: str = "table.csv") -> dict[str, object]:
    told = content(place / source, place / "out", generations=1)
    told["data"] |= {"group": "card", "drop": ["receipt"], "licence": "CC0-1.0", "origin": "made up"}  # type: ignore[operator]
    told |= {"deliver": "loop", "arms": {"run": False}}
    return told


def done(place: Path, told: dict[str, object]) -> Path:
    """Run a configuration and return its folder."""
    config = load_config(RunConfig, write_config(place, told))
    return run(config, Console(quiet=True)).folder


def weakspot(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@dataclass(frozen=True)
class Place:
    """A run with the rows, the replays without them, and runs on files that never had them."""

    folder: Path
    run: Path
    replays: dict[str, Path]
    fresh: dict[str, Path]
    said: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Twenty rows retracted from a run in MLflow; then a card from the run on the file without them, for comparison."""
    folder = tmp_path_factory.mktemp("retract")
    whole = table()
    some = whole.drop(index=LEFT_OUT)
    for name, rows in {"": whole, "rows": some, "group": some[some["card"] != "c7"]}.items():
        (folder / name).mkdir(exist_ok=True)
        write(folder / name, rows)
    (folder / "mlflow.yaml").write_text(f"tracking_uri: sqlite:///{folder}/mlflow.db\nartifact_root: {folder}/kept\n")
    (folder / "ids.csv").write_text("receipt\n" + "\n".join(RECEIPTS[number] for number in LEFT_OUT))
    with_rows = done(folder, settings(folder) | {"tracking": str(folder / "mlflow.yaml")})
    fresh = {name: done(folder / name, settings(folder / name)) for name in ("rows", "group")}
    said = {
        "rows": weakspot("retract", with_rows, "--rows", folder / "ids.csv", "--by", "receipt").output,
        "group": weakspot("retract", fresh["rows"], "--group", "c7").output,
    }
    (one,) = {*(folder / "out").iterdir()} - {with_rows}
    (other,) = {*(folder / "rows" / "out").iterdir()} - {fresh["rows"]}
    return Place(folder, with_rows, {"rows": one, "group": other}, fresh, said)


def without_clock(value: object) -> object:
    """Return a record without what is measured in seconds."""
    if isinstance(value, dict):
        return {key: without_clock(each) for key, each in value.items() if "second" not in key}
    return [without_clock(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["rows", "group"])
def test_a_replay_is_a_fresh_run_without_the_rows_byte_for_byte(place: Place, name: str) -> None:
    again, fresh = place.replays[name], place.fresh[name]
    for file in SAME:
        assert (again / file).read_bytes() == (fresh / file).read_bytes(), file
    for folder in ("model", "generator"):
        files = {path.relative_to(again) for path in (again / folder).rglob("*") if path.is_file()}
        assert files == {path.relative_to(fresh) for path in (fresh / folder).rglob("*") if path.is_file()}
        assert len(files) >= 3
        for file in files:
            assert (again / file).read_bytes() == (fresh / file).read_bytes(), file
    reports = [without_clock(json.loads((each / "report.json").read_text())) for each in (again, fresh)]
    assert reports[0] == reports[1]
    made = sorted(path.relative_to(again) for path in (again / "journal" / "rows").iterdir())
    assert sum(len(pd.read_parquet(again / file)) for file in made) >= 50
    for file in made:  # also those that were rolled back
        assert (again / file).read_bytes() == (fresh / file).read_bytes(), file
    arms = [pd.read_csv(each / "arms.csv") for each in (again, fresh)]
    kept = [name for name in arms[0] if "second" not in name]
    pd.testing.assert_frame_equal(arms[0][kept], arms[1][kept])
    for path in sorted((again / "checkpoint").glob("*.npz")):
        with np.load(path) as one, np.load(fresh / "checkpoint" / path.name) as other:
            for part in set(one.files) - {"record"}:
                np.testing.assert_array_equal(one[part], other[part])


def test_a_replay_differs_from_the_run_with_the_rows(place: Place) -> None:
    learnt = next((place.run / "model" / "learner").glob("*.*")).relative_to(place.run)
    for before, name in ((place.run, "rows"), (place.fresh["rows"], "group")):
        for file in ("data.json", "synthetic.parquet", "provenance.json", learnt):
            assert (place.replays[name] / file).read_bytes() != (before / file).read_bytes()


def test_the_canary_is_found_where_it_is_listed_and_nowhere_that_is_clean(place: Place) -> None:
    found = {str(Path(each).relative_to(place.run)) for each in found_in(place.run, WANTED)}
    assert any(each.startswith("generator/") for each in found)
    assert any(each.startswith("journal/") for each in found)
    inventory = inventory_told(place)
    kinds = {item.place: item.kind for item in inventory.run}
    assert {kinds[each] for each in found} <= {HOLDS, DERIVES}
    clean = [each for each, kind in kinds.items() if kind == CLEAN]
    assert "config.yaml" in clean
    assert set(kinds) == {str(path.relative_to(place.run)) for path in place.run.rglob("*") if path.is_file()}
    assert found_in(place.replays["rows"], WANTED) == []
    assert found_in(place.fresh["rows"], WANTED) == []


def inventory_told(place: Place) -> Inventory:
    config = load_config(RunConfig, run_folder.configuration(place.run))
    return inventory_of(place.run, config, place.replays["rows"], Traces())


def test_the_record_of_a_retraction_tells_positions_and_no_values(place: Place) -> None:
    text = (place.replays["rows"] / "config.yaml").read_text()
    without = yaml.safe_load(text)["data"]["without"]
    assert without["rows"] == "3, 40-58"
    assert not any(receipt in text for receipt in RECEIPTS)
    told = Provenance.read(place.replays["rows"])
    assert told == Provenance.read(place.fresh["rows"])
    assert told is not None
    assert told.table.sha256 not in (place.run / "provenance.json").read_text()


def test_a_retraction_says_what_it_is_and_what_it_leaves(place: Place) -> None:
    said = place.said["rows"]
    for words in (
        "20 rows of",
        "would not be forgetting",
        "Nothing was deleted",
        "models:/weakspot/1",
        "runs:/",
        "the source itself, which is yours",
        "training rows",
        "kept synthetic rows",
    ):
        assert words in said
    assert "another run on this file" not in said


@pytest.mark.parametrize("which", ["fresh", "replay"])
def test_a_trace_names_the_lines_of_all_parents_in_the_file_as_it_is(place: Place, which: str) -> None:
    """Ten rows; in the replay parents have the numbers of what remains, and the trace finds them in the file."""
    folder, file = (
        (place.replays["rows"], "table.csv") if which == "replay" else (place.fresh["rows"], "rows/table.csv")
    )
    lines, read = (place.folder / file).read_text().splitlines(), table().drop(index=LEFT_OUT).reset_index(drop=True)
    whole = table() if which == "replay" else read
    kept = pd.read_parquet(folder / "synthetic.parquet")
    assert len(kept) >= 10
    for row in range(10):
        said = weakspot("trace", folder, row).output
        parents = [int(each) for each in kept["ws_parents"][row].split(",")]
        told = re.findall(r"(\d+) \(line (\d+)\)", said)
        assert len(told) == len(parents) >= 1
        for parent, (number, line) in zip(parents, told, strict=True):
            assert lines[int(line) - 1].split(",")[0] == read["receipt"][parent] == whole["receipt"][int(number)]
        for words in ("generation 1", "'taught'", "Neighbourhood", "ByTeacher", "licence CC0-1.0; made up"):
            assert words in said


def test_files_of_rows_and_records_say_that_they_are_synthetic_and_where_they_are_from(place: Place) -> None:
    told = Provenance.read(place.run)
    assert told is not None
    assert told.table.sha256 == hashlib.sha256((place.folder / "table.csv").read_bytes()).hexdigest()
    carried = {
        "weakspot.run": told.run,
        "weakspot.digest": told.table.sha256,
        "licence": "CC0-1.0",
        "origin": "made up",
    }
    files = [place.run / "synthetic.parquet", *(place.run / "journal" / "rows").glob("*.parquet")]
    assert len(files) == 2
    for path in files:
        assert marks_of(path) == {"synthetic": "true", **carried}
    assert Provenance.read(place.run / "model") == told
    with quiet():
        from mlflow import MlflowClient
        from mlflow.models import Model

        client = MlflowClient(f"sqlite:///{place.folder}/mlflow.db")
        experiment = client.get_experiment_by_name("weakspot")
        runs = client.search_runs([experiment.experiment_id], f"tags.folder = '{place.run.name}'")
        made = [each for each in runs if each.data.tags.get("synthetic") == "true"]
        (parent,) = [each for each in runs if "mlflow.parentRunId" not in each.data.tags]
        served = Model.load(f"{parent.info.artifact_uri}/model")
    assert len(made) == 1
    for each in (parent, *made):
        assert {name: each.data.tags[name] for name in carried} == carried
    assert served.metadata["provenance"]["inputs"][0]["licence"] == "CC0-1.0"
    assert served.metadata["provenance"]["run"] == told.run


def test_the_same_retraction_again_finds_its_replay_then_deletes_all_it_can(place: Place) -> None:
    """Last: it deletes. Neither files nor artifacts nor the database hold the canary afterwards."""
    out = place.folder / "rows.parquet"
    weakspot("generate", place.run, "--n", 40, "--out", out)
    folders = set((place.folder / "out").iterdir())
    assert found_in(place.folder / "kept", WANTED)
    words = ("retract", place.run, "--rows", place.folder / "ids.csv", "--by", "receipt", "--delete", "--yes")
    said = weakspot(*words).output
    assert "found as it was repeated before" in said
    assert set((place.folder / "out").iterdir()) == folders
    left = {path.name for path in place.run.rglob("*") if path.is_file()}
    assert left <= {"config.yaml", "done.json", ".lock", "retracted.json"}
    assert not out.exists()
    assert not out.with_name("rows.parquet.croissant.json").exists()
    for where in (place.run, place.folder / "mlflow.db", place.replays["rows"]):
        assert found_in(where, WANTED) == [], where
    runs = kept_runs(place)
    group = {run_id for run_id, name in runs.items() if name == place.replays["group"].name}
    holding = {
        Path(each).relative_to(place.folder / "kept").parts[0] for each in found_in(place.folder / "kept", WANTED)
    }
    assert holding <= group | {"models"}
    assert place.run.name not in runs.values()
    assert place.replays["rows"].name in runs.values()


def kept_runs(place: Place) -> dict[str, str]:
    """Return the folder tag of each run in MLflow by its id."""
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{place.folder}/mlflow.db")
        experiment = client.get_experiment_by_name("weakspot")
        found = client.search_runs([experiment.experiment_id], run_view_type=3)
    return {each.info.run_id: each.data.tags.get("folder", "") for each in found}
