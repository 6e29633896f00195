"""Registered models hold versions of one data set, and a champion needs proof."""

from pathlib import Path

import pytest

from loop.testing import trackers as laws
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, runs_page
from loop.tracking.uplink import connect, quiet


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> MlflowSettings:
    folder = tmp_path_factory.mktemp("registry")
    return MlflowSettings(f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts"))


def registered(settings: MlflowSettings, folder: Path, dataset: str, *, proven: bool) -> None:
    def write(path: Path) -> None:
        path.mkdir()
        (path / "MLmodel").write_text("flavors: {}\n")

    tracker = MlflowTracker(settings, JsonlTracker(folder))
    tracker.start({**laws.RUN, "tags": {"dataset": dataset}})
    tracker.keep_model(write, "what it is", {"proven": "yes" if proven else "no"}, proven=proven)
    tracker.finish(None, "finished")
    assert tracker.complaints() == ()


def test_versions_are_of_one_data_set_and_the_champion_is_proven(settings: MlflowSettings, tmp_path: Path) -> None:
    told = (("payments.csv", False), ("payments.csv", True), ("simulation:days=3", False), ("payments.csv", False))
    for number, (dataset, proven) in enumerate(told):
        registered(settings, tmp_path / str(number), dataset, proven=proven)
    client = connect(settings.tracking_uri)
    with quiet():
        models = {model.name: model for model in client.search_registered_models()}
        versions = [each.version for each in client.search_model_versions("name = 'weakspot'")]
    assert {
        name: {alias: int(version) for alias, version in model.aliases.items()} for name, model in models.items()
    } == {
        "weakspot": {"champion": 2},  # a later version without proof leaves it there
        "weakspot-simulation-days-3": {},
    }
    assert sorted(map(int, versions)) == [1, 2, 3]
    assert models["weakspot"].tags["dataset"] == "payments.csv"


def test_the_page_of_runs_is_not_that_of_chats(settings: MlflowSettings) -> None:
    page = runs_page(settings, "http://127.0.0.1:5000")
    assert page.startswith("http://127.0.0.1:5000/#/experiments/")
    assert page.endswith("/runs?workflowType=machine_learning")
    assert runs_page(MlflowSettings("http://127.0.0.1:9"), "http://127.0.0.1:9") == "http://127.0.0.1:9"
