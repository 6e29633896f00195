"""Trackers: what is written, what survives a dead server, a torn file or a full disk, and what MLflow shows."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow_serving import free_port, mlflow_server

from loop.cycle.generation_codec import to_record
from loop.errors import ConfigError, TrackingError
from loop.protocols import Child
from loop.support.plain_json import plain
from loop.testing import trackers as laws
from loop.tracking import (
    JsonlTracker,
    MlflowSettings,
    MlflowTracker,
    NullTracker,
    load_settings,
    read_records,
    replay,
)
from loop.tracking.records import generation_metrics, region_table
from loop.tracking.uplink import quiet

CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
def attached(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text("no proven gain")
    return path


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> MlflowSettings:
    """One SQLite database for all tests: making its tables takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    return MlflowSettings(f"sqlite:///{folder / 'mlflow.db'}", artifact_root=str(folder / "artifacts"))


def mlflow_tracker(database: MlflowSettings, tmp_path: Path) -> MlflowTracker:
    settings = MlflowSettings(database.tracking_uri, tmp_path.name, database.artifact_root)
    return MlflowTracker(settings, JsonlTracker(tmp_path / "run"))


def runs_of(settings: MlflowSettings) -> list:
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(settings.tracking_uri)
        experiment = client.get_experiment_by_name(settings.experiment)
        return list(client.search_runs([experiment.experiment_id]))


# Laws over every tracker


@pytest.mark.parametrize("make", [lambda _: NullTracker(), JsonlTracker], ids=["null", "jsonl"])
def test_local_trackers_obey_the_laws(make, tmp_path: Path, attached: Path) -> None:
    laws.check_fits_the_protocol(make(tmp_path / "run"))
    laws.check_leaves_records_alone(make(tmp_path / "run"), attached)
    laws.check_has_nothing_to_complain_of(make(tmp_path / "run"))
    laws.check_models(make(tmp_path / "other"), False, attached, tmp_path / "other" / "files")


def test_the_journal_holds_all(tmp_path: Path, attached: Path) -> None:
    laws.check_journal_holds_all(JsonlTracker(tmp_path / "run"), tmp_path / "run", attached)


def test_mlflow_mirrors_the_journal(database: MlflowSettings, tmp_path: Path, attached: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    laws.check_fits_the_protocol(tracker)
    laws.check_journal_holds_all(tracker, tmp_path / "run", attached)
    assert tracker.failure is None
    laws.check_runs_mirror_the_run(runs_of(tracker.settings), "KILLED")
    laws.check_has_nothing_to_complain_of(tracker)


def test_mlflow_keeps_models(database: MlflowSettings, tmp_path: Path, attached: Path) -> None:
    laws.check_models(mlflow_tracker(database, tmp_path), True, attached, tmp_path / "run" / "files")


# Records


def test_values_json_has_no_word_for_come_back() -> None:
    values = [float("nan"), float("inf"), float("-inf"), np.float64("nan"), np.int64(3), np.bool_(True), None, (1, "a")]
    back = json.loads(json.dumps(plain(values), allow_nan=False))
    np.testing.assert_array_equal([float(x) for x in back[:4]], [np.nan, np.inf, -np.inf, np.nan])
    assert back[4:] == [3, True, None, [1, "a"]]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_value_becomes_strict_json(value: object) -> None:
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


def test_metric_keys_are_the_documented_ones() -> None:
    metrics = generation_metrics(to_record(laws.generation(1)))
    assert set(metrics) == laws.GENERATION_METRICS
    assert metrics["kept"] == 1
    assert np.isnan(metrics["drift/amount_psi"])
    assert metrics["new_rows"] == 12


def test_the_region_table_says_what_was_asked() -> None:
    table = region_table(to_record(laws.generation(1)))
    assert table.loc[0, ["region", "label", "positives", "deficit_low", "asked"]].tolist() == [
        *("amount > 500", "fraud", 9, 0.2, 24)
    ]


def test_new_rows_keep_values_and_trail(tmp_path: Path) -> None:
    tracker, made = JsonlTracker(tmp_path), laws.generation(2, kept=False)
    tracker.start(laws.RUN)
    tracker.record(made)
    frame = pd.read_parquet(tmp_path / "rows" / "generation-002.parquet")
    np.testing.assert_array_equal(frame["amount"], made.rows.X[:, 0])
    assert frame["shop"].tolist() == [laws.SCHEMA.columns[2].categories[int(code)] for code in made.rows.X[:, 2]]
    assert frame["label"].tolist() == [laws.SCHEMA.classes[code] for code in made.rows.y]
    np.testing.assert_array_equal(frame["ws_p_fraud"], made.rows.targets[:, 1])
    assert frame["ws_region"].tolist() == [made.origins[i].region for i in made.rows.supply]
    assert not frame["ws_kept"].any()
    assert (frame["ws_generation"] == 2).all()
    assert (frame["ws_supply"] == "taught").all()
    named = [[int(row) for row in text.split(",")] for text in frame["ws_parents"]]
    assert named == [[row for row in parents if row >= 0] for parents in made.rows.parents.tolist()]


def test_a_generation_without_new_rows_is_kept(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path)
    tracker.start(laws.RUN)
    tracker.record(laws.generation(1, n=12))
    empty = laws.generation(2)
    rows = empty.rows.take(np.zeros(0, dtype=np.int64))
    tracker.record(type(empty)(**{**vars(empty), "rows": rows}))
    assert read_records(tmp_path)[-1]["n_rows"] == 0
    assert len(pd.read_parquet(tmp_path / "rows" / "generation-002.parquet")) == 0


# The journal on a bad day


def test_records_outside_a_run_are_refused(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path)
    tracker.finish(None, "failed")
    with pytest.raises(TrackingError, match="call start"):
        tracker.metrics({"ap": 0.5})
    assert read_records(tmp_path) == []


def write_journal(folder: Path, end: str) -> None:
    """Write the journal of a run that has begun, with an end of one's own."""
    JsonlTracker(folder).start(laws.RUN)
    with (folder / "records.jsonl").open("a") as journal:
        journal.write(end)


def test_a_resumed_run_keeps_its_identity_and_loses_only_the_torn_line(tmp_path: Path) -> None:
    write_journal(tmp_path, '{"kind": "metr')
    assert len(read_records(tmp_path)) == 1
    JsonlTracker(tmp_path).start(laws.RUN)
    first, second = read_records(tmp_path)
    assert first["id"] == second["id"]


@pytest.mark.parametrize("line", ["{bad", "[1]", '{"a": 1}', "\0\0", "[" * 100_000], ids=str.__len__)
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    write_journal(tmp_path, line + "\n")
    with pytest.raises(TrackingError, match=r"line 2 of .*records\.jsonl holds none: remove it"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "party", "time_ms": 1}',
        '{"kind": ["start"], "time_ms": 1}',
        '{"kind": "metrics", "time_ms": 1, "values": {"ap": "high"}, "step": 0}',
        '{"kind": "attach", "time_ms": 1, "file": "../../secret", "folder": ""}',
        '{"kind": "finish", "time_ms": 1, "status": "finished", "verdict": {}}',
        '{"kind": "generation", "time_ms": 1, "index": 1, "file": "rows/x.parquet"}',
    ],
)
def test_a_record_that_no_run_writes_is_refused_before_it_is_used(line: str, tmp_path: Path) -> None:
    write_journal(tmp_path, line + "\n")
    with pytest.raises(TrackingError, match=r"in line 2 of .*records\.jsonl .*: remove that line"):
        read_records(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrackingError, match="make room or name another folder"):
        JsonlTracker(tmp_path / "file" / "run").start(laws.RUN)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path / "run")
    tracker.start(laws.RUN)
    (tmp_path / "run" / "rows").mkdir()

    def on_a_full_disk(_: pd.DataFrame, path: Path, marks: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loop.tracking.jsonl.write_frame", on_a_full_disk)
        with pytest.raises(TrackingError, match="No space left"):
            tracker.record(laws.generation(1))
    assert list((tmp_path / "run" / "rows").iterdir()) == []
    assert len(read_records(tmp_path / "run")) == 1


def test_a_directory_is_attached_whole_and_again(tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    tracker = JsonlTracker(tmp_path / "run")
    tracker.start(laws.RUN)
    for text in ("old", "new"):
        (source / "weights").write_text(text)
        tracker.attach(source)
    assert (tmp_path / "run" / "files" / "model" / "weights").read_text() == "new"


# Settings


def test_the_settings_of_the_project_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert load_settings(Path(__file__).parents[3] / "mlflow.yaml") == MlflowSettings()


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.yaml").write_text("tracking_uri: sqlite:///here.db\nexperiment: cards\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert load_settings(tmp_path / "mlflow.yaml") == MlflowSettings("http://elsewhere", "cards")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tracking_url: x", "tracking_uri.*got.*tracking_url"),
        ("[1, 2]", "may hold the keys"),
        ("amount,card\n" + "12.5,4000123412341234\n" * 99, r"^.{0,300}$"),  # a table's rows are not printed
        ("experiment: 3", "experiment.*must be text, got 3"),
        ("experiment: null", "experiment.*must be text"),
        ("a: [", "readable YAML"),
    ],
)
def test_bad_settings_are_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mlflow.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_settings(tmp_path / "mlflow.yaml")


def test_missing_settings_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a readable YAML file"):
        load_settings(tmp_path / "none.yaml")


# MLflow


def test_two_processes_that_make_the_same_database_do_not_fail_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from loop.tracking.uplink import Uplink;"
        "print(Uplink('sqlite:///' + sys.argv[1], 'weakspot', None).experiment_id)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "mlflow.db")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert len({said for said, _ in told}) == 1


def test_importing_the_trackers_does_not_import_mlflow() -> None:
    code = "import sys, loop.tracking; sys.exit('mlflow' in sys.modules or 'sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_children_carry_artifacts_datasets_and_steps(database: MlflowSettings, tmp_path: Path, attached: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    laws.play(tracker, attached)
    assert tracker.uplink is not None
    client, parent = tracker.uplink.client, tracker.uplink.run_id
    with quiet():
        history = client.get_metric_history(parent, "judge_ap")
        runs = {run.info.run_name: run for run in runs_of(tracker.settings)}
        child = runs["generation-002"]
        rows = client.download_artifacts(child.info.run_id, "rows/generation-002.parquet")
        regions = client.download_artifacts(child.info.run_id, "regions.json")
        report = client.download_artifacts(parent, "reports/report.txt")
    assert [(point.step, point.value) for point in history] == [(0, 0.5), (1, 0.51), (2, 0.52)]
    assert len(pd.read_parquet(rows)) == 12
    assert pd.read_json(regions, orient="split")["asked"].tolist() == [24]
    assert "regions.json" in child.data.tags["mlflow.loggedArtifacts"]  # so the UI shows it as a table
    assert Path(report).read_text() == "no proven gain"
    assert child.data.tags["rows"] == "rolled back"
    assert [data.tags[0].value for data in child.inputs.dataset_inputs] == ["rolled back"]
    assert child.info.end_time - child.info.start_time == 1750  # the stages took 1.5 s and 0.25 s


def test_sending_twice_changes_nothing(database: MlflowSettings, tmp_path: Path, attached: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    laws.play(tracker, attached)
    before = runs_of(tracker.settings)
    assert replay(tmp_path / "run", MlflowTracker(tracker.settings, JsonlTracker(tmp_path / "run"))) == 9
    after = runs_of(tracker.settings)
    assert [run.data.metrics.keys() for run in after] == [run.data.metrics.keys() for run in before]
    assert [(run.info.run_id, run.info.status) for run in after] == [
        (run.info.run_id, run.info.status) for run in before
    ]
    assert tracker.uplink is not None
    assert len(tracker.uplink.client.get_metric_history(tracker.uplink.run_id, "judge_ap")) == 3


def test_arms_of_a_comparison_have_their_generations_as_steps(database: MlflowSettings, tmp_path: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    tracker.start(laws.RUN)
    tracker.child(Child("loop", {}, {"ap": 0.4}, {"arm": "loop"}, {"score/ap": [0.5, float("nan"), 0.6]}))
    tracker.finish(None, "finished")
    replay(tmp_path / "run", MlflowTracker(tracker.settings, JsonlTracker(tmp_path / "run")))
    assert tracker.uplink is not None
    with quiet():
        child = next(run for run in runs_of(tracker.settings) if run.info.run_name == "loop")
        curve = tracker.uplink.client.get_metric_history(child.info.run_id, "score/ap")
    np.testing.assert_array_equal([point.value for point in curve], [0.5, np.nan, 0.6])
    assert [point.step for point in curve] == [0, 1, 2]
    assert child.data.metrics["ap"] == 0.4
    assert child.data.tags["data"] == "cards"  # the key tags of the run repeat


def test_four_generations_log_within_a_second_and_a_half(database: MlflowSettings, tmp_path: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    tracker.start(laws.RUN)  # connecting is a fixed cost, paid once
    began = time.process_time()
    for index in range(1, 5):
        tracker.record(laws.generation(index, n=20_000))
    tracker.finish(laws.VERDICT, "finished")
    assert tracker.failure is None
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("uri", [CLOSED_PORT, "sqlite:////proc/none/mlflow.db", "foo://me:secret@nowhere/db"])
def test_a_dead_server_costs_seconds_and_no_record(
    uri: str, database: MlflowSettings, tmp_path: Path, attached: Path
) -> None:
    tracker = MlflowTracker(MlflowSettings(uri), JsonlTracker(tmp_path / "run"))
    began = time.monotonic()
    laws.check_journal_holds_all(tracker, tmp_path / "run", attached)
    assert time.monotonic() - began < 10
    assert tracker.failure is not None
    assert f"weakspot upload {tmp_path / 'run'}" in tracker.failure
    assert "secret" not in tracker.failure
    laws.check_complains(tracker, "weakspot upload")
    assert "\n" not in tracker.failure
    later = mlflow_tracker(database, tmp_path)
    assert replay(tmp_path / "run", later) == 9
    laws.check_runs_mirror_the_run(runs_of(later.settings), "KILLED")


def test_an_upload_that_fails_says_so(tmp_path: Path) -> None:
    tracker = MlflowTracker(MlflowSettings(CLOSED_PORT), JsonlTracker(tmp_path / "run"))
    with pytest.raises(TrackingError, match="give the folder of a run"):
        replay(tmp_path / "run", tracker)
    JsonlTracker(tmp_path / "run").start(laws.RUN)
    with pytest.raises(TrackingError, match="weakspot upload"):
        replay(tmp_path / "run", tracker)


@pytest.mark.slow
def test_a_server_killed_in_the_middle_loses_nothing(tmp_path: Path, attached: Path) -> None:
    port = free_port()
    tracker = MlflowTracker(MlflowSettings(f"http://127.0.0.1:{port}"), JsonlTracker(tmp_path / "run"))
    with mlflow_server(port, tmp_path / "server", f"sqlite:///{tmp_path / 'mlflow.db'}"):
        tracker.start(laws.RUN)
        tracker.metrics({"judge_ap": 0.5}, step=0)
        tracker.record(laws.generation(1))
        assert tracker.failure is None
    tracker.record(laws.generation(2, kept=False))
    assert tracker.failure is not None
    for name, score in laws.ARMS:
        tracker.child(laws.arm(name, score))
    tracker.attach(attached, "reports")
    tracker.tags(laws.TOLD)
    tracker.finish(laws.VERDICT, "finished")
    with mlflow_server(port, tmp_path / "server", f"sqlite:///{tmp_path / 'mlflow.db'}"):
        assert replay(tmp_path / "run", MlflowTracker(tracker.settings, JsonlTracker(tmp_path / "run"))) == 9
        laws.check_runs_mirror_the_run(runs_of(tracker.settings), "FINISHED")


@pytest.mark.parametrize("kind", ["link", "link in a folder", "linked folder", "pipe"])
def test_an_upload_takes_no_file_from_elsewhere(
    kind: str, database: MlflowSettings, tmp_path: Path, attached: Path
) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_text("hunter2")
    local = JsonlTracker(tmp_path / "run")
    local.start(laws.RUN)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("a")
    local.attach(folder if "folder" in kind else attached)
    local.finish(None, "finished")
    held = tmp_path / "run" / "files" / (folder.name if "folder" in kind else attached.name)
    if kind == "link in a folder":
        (held / "more").symlink_to(secret)
    elif kind == "linked folder":
        shutil.rmtree(held)
        held.symlink_to(secret.parent)
    else:
        held.unlink()
        held.symlink_to(secret) if kind == "link" else os.mkfifo(held)
    tracker = mlflow_tracker(database, tmp_path)
    with pytest.raises(TrackingError, match="must name files inside"):
        replay(tmp_path / "run", tracker)
    assert tracker.uplink is not None
    with quiet():
        assert tracker.uplink.client.list_artifacts(tracker.uplink.run_id, "folder") == []
        assert tracker.uplink.client.list_artifacts(tracker.uplink.run_id) == []


@pytest.mark.parametrize(
    "uri",
    ["postgresql://me:hunter2@host:port/db", "http://me:hunter2@host:50x0", "postgresql://me:hunter2@host:/5432x"],
)
@pytest.mark.parametrize("given", ["file", "environment"])
def test_a_malformed_address_is_refused_without_its_password(
    uri: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.yaml").write_text(f"tracking_uri: {uri!r}\n" if given == "file" else "experiment: x\n")
    if given == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ConfigError, match="tracking_uri must be an address") as caught:
        load_settings(tmp_path / "mlflow.yaml")
    assert "hunter2" not in str(caught.value)


def test_what_was_said_before_a_kill_is_not_said_twice(database: MlflowSettings, tmp_path: Path) -> None:
    for seconds, ap in ((1.0, 0.5), (2.0, 0.5), (3.0, 0.6)):
        tracker = mlflow_tracker(database, tmp_path)
        tracker.start(laws.RUN)
        tracker.record(replace(laws.generation(1), seconds={"fit": seconds}))
        tracker.metrics(
            {"test_average_precision": ap, "wide": float("nan"), "seconds": seconds}
        )  # and killed: no finish
    tracker.finish(None, "finished")
    kinds = [record["kind"] for record in read_records(tmp_path / "run")]
    assert kinds.count("generation") == 1
    assert kinds.count("metrics") == 2  # of three, as the third says something else
    assert tracker.uplink is not None
    with quiet():
        client, run_id = tracker.uplink.client, tracker.uplink.run_id
        points = {name: client.get_metric_history(run_id, name) for name in ("test_average_precision", "seconds")}
    assert [point.value for point in points["test_average_precision"]] == [0.5, 0.6]
    assert [point.value for point in points["seconds"]] == [1.0]  # measured anew each time


def test_a_run_that_ends_twice_has_one_verdict(database: MlflowSettings, tmp_path: Path) -> None:
    for _ in range(2):  # killed between its last record and its marker
        tracker = MlflowTracker(mlflow_tracker(database, tmp_path).settings, JsonlTracker(tmp_path / "run", again=True))
        tracker.start(laws.RUN)
        tracker.finish(laws.VERDICT, "finished")
    assert tracker.uplink is not None
    with quiet():
        points = tracker.uplink.client.get_metric_history(tracker.uplink.run_id, "generations_kept")
    assert len(points) == 1


def test_what_a_kill_left_half_copied_is_no_artifact(database: MlflowSettings, tmp_path: Path, attached: Path) -> None:
    tracker = mlflow_tracker(database, tmp_path)
    laws.play(tracker, attached)
    folders = [Path(run.info.artifact_uri) for run in runs_of(tracker.settings)]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name, age in (("old", 3600), ("young", 0)):
            (folder / f".artifact.uploading.{name}").write_text("half")
            os.utime(folder / f".artifact.uploading.{name}", (time.time() - age,) * 2)
    replay(tmp_path / "run", MlflowTracker(tracker.settings, JsonlTracker(tmp_path / "run")))
    for folder in folders:
        assert [path.name for path in folder.rglob(".artifact*")] == [".artifact.uploading.young"]  # another's at work


def test_a_first_use_that_is_killed_leaves_no_half_made_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MlflowSettings(f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}?timeout=5", "loop", str(tmp_path / "files"))

    def killed(store: object, session: object) -> None:
        raise KeyboardInterrupt

    with quiet():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    with monkeypatch.context() as patched:
        patched.setattr(SqlAlchemyStore, "_create_default_experiment", killed)
        with pytest.raises(KeyboardInterrupt):
            MlflowTracker(settings, JsonlTracker(tmp_path / "first")).start(laws.RUN)
    assert list((tmp_path / "new").glob("*.db")) == []
    (tmp_path / "new" / ".mlflow.db.1.partial").write_text("half a database")  # a kill cannot be cleaned up after
    (tmp_path / "new" / ".mlflow.db.abc.partial").mkdir()
    (tmp_path / "new" / ".mlflow.db.backup").write_text("of the user")
    tracker = MlflowTracker(settings, JsonlTracker(tmp_path / "second"))
    tracker.start(laws.RUN)
    assert tracker.failure is None, tracker.failure[-400:]
    left = {path.name for path in (tmp_path / "new").iterdir()} - {".mlflow.db.lock"}  # of the killed one
    assert ".mlflow.db.backup" in left
    left -= {".mlflow.db.backup"}
    assert left == {"mlflow.db"}


@pytest.mark.parametrize(
    ("place", "root"), [("it's 100%20", None), ("it's 100%20", "files"), ("why?#b", None), ("both ' and \"", None)]
)
def test_artifacts_lie_in_the_working_folder_whatever_its_name(
    place: str, root: str | None, tmp_path: Path, attached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / place
    folder.mkdir()
    monkeypatch.chdir(folder)
    # A name of its own: MLflow keeps stores by address, and this one is relative.
    tracker = MlflowTracker(MlflowSettings(f"sqlite:///{tmp_path.name}.db", "loop", root), JsonlTracker(folder / "run"))
    tracker.start(laws.RUN)
    tracker.attach(attached)
    tracker.finish(None, "finished")
    assert tracker.complaints() == ()
    kept = list((folder / (root or "mlruns")).rglob(attached.name))
    assert [path.read_bytes() for path in kept] == [attached.read_bytes()]
    assert [path.name for path in tmp_path.iterdir() if path != attached] == [place]
    assert tracker.uplink is not None
    with quiet():
        got = tracker.uplink.client.download_artifacts(tracker.uplink.run_id, attached.name, str(tmp_path))
    assert Path(got).read_bytes() == attached.read_bytes()
