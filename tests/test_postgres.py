"""A real PostgreSQL behind MLflow: the records of SQLite, with many writers, and through a crash of the server."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import kills
import pytest
import yaml
from lost_servers import call, call_losing, together, working_folder
from mlflow_serving import free_port, wait_until_healthy
from postgres_server import PostgresServer, missing, shown

from loop.protocols import Child
from loop.testing import trackers as laws
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, read_records, replay
from loop.tracking.records import dataset_record
from loop.tracking.storable import ARTIFACT_ROOT
from loop.tracking.uplink import Uplink, connect, quiet

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

WRITERS = 4
TABLES = "tables"  # the database with MLflow's tables of which others are copies
SOURCE = {"source": "table.csv", "target": "fraud", "positive": "yes"}
TAGS = ("strategy", "learner", "seed", "dataset", "weakspot", "rows", "rows_reason", "judge_verdict")
RUN = ("run", "config.yaml")


@pytest.fixture(scope="module")
def experiments(cluster: PostgresServer) -> list[str]:
    """The experiment's id as seen by each of several processes that make the tables at once."""
    cluster.start()
    url = cluster.create(TABLES)
    return together([partial(kills.apart, _experiment, url)] * WRITERS)


@pytest.fixture
def server(cluster: PostgresServer, experiments: list[str]) -> PostgresServer:
    """Return the server, running, with `TABLES` in it."""
    cluster.start()
    return cluster


@pytest.fixture
def url(server: PostgresServer, tmp_path: Path) -> str:
    """Return the address of a database that this test has for itself."""
    return server.create(tmp_path.name.lower().replace("-", "_"), TABLES)


def _experiment(url: str) -> str:
    return Uplink(url, "weakspot", None).experiment_id


def values(place: Path) -> list[tuple[Any, ...]]:
    """Return what MLflow has of all runs, without what differs between two runs of one configuration."""
    os.chdir(place)
    client = connect(yaml.safe_load(Path(kills.STORE).read_text())["tracking_uri"])
    with quiet():
        (experiment,) = [each for each in client.search_experiments() if each.name == "weakspot"]
        runs = client.search_runs([experiment.experiment_id], max_results=1000)
    return [_values(run) for run in runs]


def _values(run: Any) -> tuple[Any, ...]:
    metrics = {key: value for key, value in run.data.metrics.items() if "second" not in key}
    tags = {key: run.data.tags.get(key) for key in TAGS}
    return run.info.run_name, sorted(metrics.items()), sorted(run.data.params.items()), sorted(tags.items())


def times(told: list[Any], number: int = 1) -> Counter[str]:
    return Counter({str(each): many * number for each, many in Counter(map(str, told)).items()})


def test_processes_that_make_the_tables_at_once_do_not_fail_each_other(experiments: list[str]) -> None:
    assert len(experiments) == WRITERS
    assert len(set(experiments)) == 1


def test_many_writers_lose_nothing_and_write_what_sqlite_has(url: str, tmp_path: Path) -> None:
    alone = working_folder(tmp_path / "sqlite" / "alone", f"sqlite:///{tmp_path}/mlflow.db")
    runs = [working_folder(tmp_path / "all" / str(number), url) for number in range(WRITERS - 1)]
    arms = {"data": None, "sources": [SOURCE], "strategies": ["targeted"], "seeds": [0]}
    comparison = working_folder(tmp_path / "all" / "comparison", url, **arms)
    kills.command(alone, *RUN)
    each = [partial(kills.command, place, *RUN) for place in runs]
    together([*each, partial(kills.command, comparison, "compare", "config.yaml")])

    expected, found = kills.apart(kills.in_mlflow, alone), kills.apart(kills.in_mlflow, runs[0])
    names = {run[0] for run in expected["runs"]}
    assert times([run for run in found["runs"] if run[0] in names]) == times(expected["runs"], len(runs))
    told = [run for run in kills.apart(values, runs[0]) if run[0] in names]
    assert times(told) == times(kills.apart(values, alone), len(runs))
    (journal,) = (comparison / "out").glob("[!.]*/journal")
    children = [record["name"] for record in read_records(journal) if record["kind"] == "child"]
    assert len(found["runs"]) == len(runs) * len(expected["runs"]) + 1 + len(children)
    assert {run[1] for run in found["runs"]} == {"FINISHED"}
    assert len(found["versions"]) == len(runs)
    files = [path for path in (tmp_path / "all").rglob("*") if path.is_file() and path.name != kills.STORE]
    assert not [path for path in files if shown(path.read_bytes())]  # journals, pages and what was said among them


def test_a_server_that_is_lost_is_told_in_one_sentence_and_an_upload_completes_the_run(
    url: str, server: PostgresServer, tmp_path: Path
) -> None:
    whole = working_folder(tmp_path / "one" / "whole", f"sqlite:///{tmp_path}/mlflow.db")
    kills.command(whole, *RUN)
    place = working_folder(tmp_path / "two" / "place", url)
    code, said = call_losing(server, place, ("loop.tracking.mlflow", "MlflowTracker.record"), 2, *RUN)
    (folder,) = (path.relative_to(place) for path in (place / "out").glob("[!.]*"))
    (told,) = [line for line in said.splitlines() if "did not take all records" in line]
    assert code == 0
    assert told.endswith(f"send them later with `weakspot upload {folder}/journal --tracking mlflow.yaml`.")
    upload = ("upload", str(folder), "--tracking", kills.STORE)
    code, again = kills.apart(call, place, *upload)  # the server is away from the start
    assert (code, again.count("\n")) == (2, 1)
    assert not shown(said + again)
    server.start()
    for _ in range(2):
        assert kills.apart(call, place, *upload)[0] == 0
    assert kills.apart(kills.in_mlflow, place) == kills.apart(kills.in_mlflow, whole)


def test_texts_that_only_sqlite_takes_as_they_are_reach_the_database(url: str, tmp_path: Path) -> None:
    kinds = {f"column {number} {'x' * 60}": "numeric" for number in range(12_000)}
    tables = [dataset_record("d" * 600, "0" * 16, "a\0\udcff.csv", "training", kinds)]
    run = {"name": "name " * 100, "params": {"source": "\udcff.csv"}, "tags": {"dataset": "a\0b"}, "datasets": tables}
    where = MlflowSettings(url, "texts", str(tmp_path / "artifacts"))
    tracker = MlflowTracker(where, JsonlTracker(tmp_path / "run"))
    tracker.start({**laws.RUN, **run})
    tracker.child(Child("c" * 300, {"arm": "x\0"}, {"tiny": 5e-324, "none": float("nan")}, {"arm": "\ud800"}))
    tracker.tags({"mlflow.note.content": "n\0" * 10_000})
    tracker.keep_model(lambda path: path.mkdir(), "\0" * 9000, {"arm": "\0" * 9000})
    tracker.finish(laws.VERDICT, "finished")
    assert tracker.complaints() == ()
    assert replay(tmp_path / "run", MlflowTracker(where, JsonlTracker(tmp_path / "run"))) == 6


def test_files_at_an_address_too_long_for_the_tables_are_refused_in_one_sentence(url: str, tmp_path: Path) -> None:
    attached = tmp_path / "attached"
    attached.write_text("text")
    for length, fits in ((ARTIFACT_ROOT, True), (ARTIFACT_ROOT + 1, False)):
        root = str(tmp_path / ("r" * (length - len(str(tmp_path)) - 1)))
        tracker = MlflowTracker(MlflowSettings(url, f"long {length}", root), JsonlTracker(tmp_path / str(length)))
        laws.play(tracker, attached)
        assert (tracker.failure is None) == fits, tracker.failure
    assert f"at most {ARTIFACT_ROOT} characters" in str(tracker.failure)


def test_runs_of_one_table_tell_so_at_the_same_time(url: str, tmp_path: Path) -> None:
    uplink = Uplink(url, "inputs", str(tmp_path / "artifacts"))
    runs = [uplink.client.create_run(uplink.experiment_id).info.run_id for _ in range(8)]
    tables = [[dataset_record("cards", f"{number:016}", "cards.csv", "training", {})] for number in range(5)]
    with quiet():
        for table in tables:
            together([partial(uplink._log_tables, run, table) for run in runs])
    inputs = [uplink.client.get_run(run).inputs.dataset_inputs for run in runs]
    assert [len(each) for each in inputs] == [len(tables)] * len(runs)


@pytest.mark.slow
def test_the_page_shows_no_password_to_other_users(url: str, tmp_path: Path) -> None:
    place = working_folder(tmp_path / "place", url)
    with page(place, tmp_path / "said"):
        processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert " ui " in processes
    assert not shown(processes + (tmp_path / "said").read_text())


@contextmanager
def page(place: Path, said: Path) -> Iterator[None]:
    """Run the command that shows MLflow's page."""
    port, code = free_port(), "from experiments.cli.app import main; main()"
    command = [sys.executable, "-c", code, "ui", "--port", str(port), "--tracking", kills.STORE]
    known = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONWARNINGS": "ignore"}
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=place, env=known, stdout=log, stderr=log)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", seconds=240)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
