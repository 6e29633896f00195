"""The command on a tiny run: what it fits, judges, writes and says, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from parquet_folders import write_folder
from small_runs import content, frame, write
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.storage import run_folder
from loop.data.schema import infer

WHOLE = frame(1500)


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 2, done.output
    assert len(done.output) <= 400
    return " ".join(done.output.split())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with its data and a finished run on a sample of them."""
    place = tmp_path_factory.mktemp("refit")
    data = write_folder(place / "data", [WHOLE[:500], WHOLE[500:]], rows=300)
    settings = content(data, place / "runs", lanes=1)
    settings["data"]["rows_in_memory"] = 600
    settings["loop"]["generations"] = 1
    settings["arms"] = {"run": False}
    (place / "config.yaml").write_text(yaml.safe_dump(settings))
    run("run", place / "config.yaml", "--quiet")
    return place


def folder_of(place: Path) -> Path:
    (folder,) = (place / "runs").iterdir()
    return folder


def copied(place: Path, to: Path) -> Path:
    """Copy the run without what is fitted on all rows."""
    return Path(shutil.copytree(folder_of(place), to / "run", ignore=shutil.ignore_patterns("all_rows")))


def test_a_run_is_fitted_on_all_rows(place: Path, tmp_path: Path) -> None:
    folder = folder_of(place)
    told = json.loads(run("refit", folder, "--json"))
    assert (told["files"], told["rows"], told["test_rows"]) == (2, 1500, 180)
    assert told["fitted_rows"] + told["judge_rows"] + told["test_rows"] == 1500
    names = [each["model"] for each in told["models"]]
    assert names[0] == "all rows"
    assert names[-1] == "model of the run"
    judged = {each["model"]: each["judge_average_precision"] for each in told["models"][:-1]}
    assert told["delivered"] == max(judged, key=lambda name: judged[name])
    model = run_folder.load_model(folder / "all_rows" / "model")
    assert model.schema.columns[0].high <= WHOLE["amount"].max()
    assert model.schema.columns[0].high > run_folder.load_model(folder / "model").schema.columns[0].high
    new = write(tmp_path, frame(40, seed=9), "new.csv")
    run("predict", folder / "all_rows", "--data", new, "--out", tmp_path / "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")["p_yes"]
    np.testing.assert_allclose(scores, model.predict_proba(frame(40, seed=9))[:, 1], atol=1e-6)
    again = json.loads(run("refit", folder, "--json"))
    timed = {"seconds", "seconds_fit"}
    kept = [[{k: v for k, v in each.items() if k not in timed} for each in one["models"]] for one in (told, again)]
    assert kept[0] == kept[1]


class TestIsRefused:
    def test_without_a_run(self, tmp_path: Path) -> None:
        assert "must hold data.json" in refused("refit", tmp_path)

    def test_an_unfinished_run(self, place: Path, tmp_path: Path) -> None:
        folder = copied(place, tmp_path)
        (folder / run_folder.MARKER).unlink()
        assert "a run must be finished" in refused("refit", folder)

    def test_changed_files(self, place: Path, tmp_path: Path) -> None:
        folder, data = copied(place, tmp_path), tmp_path / "data"
        write_folder(data, [WHOLE[:500], WHOLE[501:]], rows=300)
        change(folder, data={"source": str(data)})
        assert "must be as the run found them, and differ" in refused("refit", folder)

    def test_a_run_on_a_file(self, place: Path, tmp_path: Path) -> None:
        folder = copied(place, tmp_path)
        change(folder, data={"source": str(write(tmp_path, WHOLE))})
        assert "must be a folder of Parquet files" in refused("refit", folder)

    def test_another_learner(self, place: Path, tmp_path: Path) -> None:
        folder = copied(place, tmp_path)
        change(folder, learner={"name": "forest", "settings": {}}, augmented_learner={"settings": {}})
        assert "must be xgboost to be fitted on all rows, got forest" in refused("refit", folder)

    def test_a_class_in_one_file_alone(self, place: Path, tmp_path: Path) -> None:
        """Found in the first pass: the sample has no row of it."""
        odd = WHOLE.copy()
        sample = infer(WHOLE, "fraud")
        assert sample.classes == ("no", "yes")
        folder, data = copied(place, tmp_path), tmp_path / "data"
        numbers = drawn_numbers(place)
        at = next(row for row in range(600, 1500) if row not in numbers)
        odd.loc[at, "fraud"] = "odd"
        write_folder(data, [odd[:500], odd[500:]], rows=300)
        change(folder, data={"source": str(data)})
        told = refused("refit", folder)
        assert "part-1.parquet: target 'fraud' must hold one of its 2 classes" in told
        assert not (folder / "all_rows").exists()
        assert [path.name for path in folder.iterdir() if "partial" in path.name] == []


def drawn_numbers(place: Path) -> set[int]:
    from experiments.data.partitions import numbers_drawn, row_groups

    return set(numbers_drawn(row_groups(place / "data"), 600).tolist())


def change(folder: Path, **sections: dict[str, object]) -> None:
    """Change sections of the configuration of a run."""
    path = run_folder.configuration(folder)
    told = yaml.safe_load(path.read_text())
    for name, section in sections.items():
        told[name] |= section
    path.write_text(yaml.safe_dump(told))
    load_config(RunConfig, path)
