"""Registered models hold one version a run, all of one data set, and a champion needs proof."""

from dataclasses import replace
from pathlib import Path

import pytest

from loop.errors import TrackingError
from loop.testing import trackers as laws
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, replay, runs_page
from loop.tracking.uplink import connect, quiet


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> MlflowSettings:
    folder = tmp_path_factory.mktemp("registry")
    return MlflowSettings(f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts"))


def a_model(path: Path) -> None:
    path.mkdir()
    (path / "MLmodel").write_text("flavors: {}\n")


def begun(settings: MlflowSettings, folder: Path, dataset: str) -> MlflowTracker:
    tracker = MlflowTracker(settings, JsonlTracker(folder))
    tracker.start({**laws.RUN, "tags": {"dataset": dataset}})
    return tracker


def registered(settings: MlflowSettings, folder: Path, dataset: str, *, proven: bool) -> None:
    tracker = begun(settings, folder, dataset)
    tracker.keep_model(a_model, "what it is", {"proven": "yes" if proven else "no"}, proven=proven)
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


def versions_of(settings: MlflowSettings) -> list[tuple[int, str, dict[str, str], list[str]]]:
    """Return number, description, tags and aliases of every version under the settings' name."""
    client = connect(settings.tracking_uri)
    with quiet():
        found = client.search_model_versions(f"name = '{settings.registered_model}'")
        whole = [client.get_model_version(each.name, each.version) for each in found]
    told = [(int(each.version), str(each.description), dict(each.tags), list(each.aliases)) for each in whole]
    return sorted(told, key=lambda each: each[0])


class TestOneVersionARun:
    def test_an_upload_after_an_outage_registers_with_alias_and_description(
        self, settings: MlflowSettings, tmp_path: Path
    ) -> None:
        dead = replace(settings, tracking_uri="http://127.0.0.1:9", registered_model="late")
        tracker = begun(dead, tmp_path / "run", "payments.csv")
        tracker.keep_model(a_model, "what it is", {"proven": "yes"}, proven=True)
        tracker.finish(None, "finished")
        assert tracker.complaints() == (tracker.failure,)
        alive = replace(settings, registered_model="late")
        for _ in range(2):
            replay(tmp_path / "run", MlflowTracker(alive, JsonlTracker(tmp_path / "run", again=True)))
            ((number, description, tags, aliases),) = versions_of(alive)
            assert (number, description, tags["proven"], aliases) == (1, "what it is", "yes", ["champion"])

    def test_resuming_updates_the_version_of_the_run(self, settings: MlflowSettings, tmp_path: Path) -> None:
        named = replace(settings, registered_model="resumed")
        for words in ("cut short", "whole"):
            tracker = begun(named, tmp_path / "run", "payments.csv")
            tracker.keep_model(a_model, words, {"proven": words}, proven=False)
            assert tracker.complaints() == ()
        assert versions_of(named) == [(1, "whole", {"proven": "whole"}, [])]

    def test_sending_again_moves_no_alias_back(self, settings: MlflowSettings, tmp_path: Path) -> None:
        named = replace(settings, registered_model="moved")
        late = replace(named, tracking_uri="http://127.0.0.1:9")
        for number, store in enumerate((late, named, named)):
            tracker = begun(store, tmp_path / str(number), "payments.csv")
            tracker.keep_model(a_model, proven=True)
            tracker.finish(None, "finished")
        client = connect(named.tracking_uri)
        with quiet():
            client.set_registered_model_alias("moved", "champion", "1")  # by hand
        for number in (0, 2):
            replay(tmp_path / str(number), MlflowTracker(named, JsonlTracker(tmp_path / str(number), again=True)))
        assert [(number, aliases) for number, _, _, aliases in versions_of(named)] == [
            (1, ["champion"]),
            (2, []),
            (3, []),
        ]

    def test_a_kill_between_version_and_alias_is_made_good(self, settings: MlflowSettings, tmp_path: Path) -> None:
        named = replace(settings, registered_model="cut")
        tracker = begun(named, tmp_path / "run", "payments.csv")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mlflow.MlflowClient.set_registered_model_alias", interrupted)
            with pytest.raises(KeyboardInterrupt):
                tracker.keep_model(a_model, "what it is", proven=True)
        assert [(number, aliases) for number, _, _, aliases in versions_of(named)] == [(1, [])]
        replay(tmp_path / "run", MlflowTracker(named, JsonlTracker(tmp_path / "run", again=True)))
        assert [(number, aliases) for number, _, _, aliases in versions_of(named)] == [(1, ["champion"])]

    def test_an_upload_tells_what_is_not_registered(self, settings: MlflowSettings, tmp_path: Path) -> None:
        tracker = begun(replace(settings, registered_model=None), tmp_path / "run", "payments.csv")
        tracker.keep_model(a_model)
        tracker.finish(None, "finished")
        refused = MlflowTracker(replace(settings, registered_model="not/allowed"), tracker.local)
        with pytest.raises(TrackingError, match="did not register the model as 'not/allowed'"):
            replay(tmp_path / "run", refused)
        assert refused.failure is None

    def test_a_record_names_a_model_among_the_files(self, settings: MlflowSettings, tmp_path: Path) -> None:
        tracker = begun(settings, tmp_path / "run", "payments.csv")
        tracker.local.register("elsewhere", "", {}, False)
        tracker.metrics({"ap": 0.5})
        assert "did not register the model" in str(tracker.unregistered)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
