"""What MLflow keeps of one run, and how it is removed: artifacts, versions of models, records."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loop.errors import TrackingError
from loop.support.secrets import masked
from loop.tracking.databases import database
from loop.tracking.jsonl import read_records
from loop.tracking.mlflow import MlflowSettings
from loop.tracking.postgres import reachable
from loop.tracking.uplink import IDENTITY, connect, lost_connection, quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

PARENT = "mlflow.parentRunId"
MOST = 10_000  # children of a run


@dataclass(frozen=True)
class Traces:
    """What MLflow keeps of a run."""

    uri: str = ""  # of the store, "" = none is asked
    runs: tuple[str, ...] = ()  # ids, the parent last
    versions: tuple[tuple[str, str], ...] = ()  # name and version of models
    told: tuple[tuple[str, str], ...] = ()  # place and what it is, a line each


def traces_of(journal: Path, settings: MlflowSettings | None) -> Traces:
    """Find what MLflow keeps of the run of a journal; nothing without settings or a journal.

    Raises
    ------
    TrackingError
        If MLflow does not answer.
    """
    records = read_records(journal)
    if settings is None or not records:
        return Traces()
    with quiet():
        errors = lost_connection()
        try:
            return _traces(connect(settings.tracking_uri), settings, str(records[0]["id"]))
        except errors as error:
            raise _unreachable(settings.tracking_uri, error) from error


def forget(traces: Traces) -> tuple[str, ...]:
    """Delete what was found; return what remains, a sentence each.

    Runs of a database are deleted for good (``mlflow gc``), and a file of SQLite is written anew, as it keeps the bytes
    of deleted rows otherwise. Runs on a server can only be marked as deleted from here.

    Raises
    ------
    TrackingError
        If MLflow does not answer.
    """
    if not traces.runs:
        return ()
    with quiet():
        errors = lost_connection()
        try:
            client = connect(traces.uri)
            for name, version in traces.versions:
                for tag in client.get_model_version(name, version).tags:
                    client.delete_model_version_tag(name, version, tag)
                client.delete_model_version(name, version)
            for run_id in traces.runs:
                _delete_artifacts(client, run_id)
                client.delete_run(run_id)
        except errors as error:
            raise _unreachable(traces.uri, error) from error
    return _for_good(traces)


def _traces(client: "MlflowClient", settings: MlflowSettings, identity: str) -> Traces:
    experiment = client.get_experiment_by_name(settings.experiment)
    if experiment is None:
        return Traces(settings.tracking_uri)
    found = client.search_runs([experiment.experiment_id], f"tags.`{IDENTITY}` = '{identity}'", max_results=1)
    if not found:
        return Traces(settings.tracking_uri)
    parent = found[0]
    below = f"tags.`{PARENT}` = '{parent.info.run_id}'"
    runs = [*client.search_runs([experiment.experiment_id], below, max_results=MOST), parent]
    versions = [each for run in runs for each in client.search_model_versions(f"run_id = '{run.info.run_id}'")]
    return Traces(
        settings.tracking_uri,
        tuple(run.info.run_id for run in runs),
        tuple((each.name, str(each.version)) for each in versions),
        (*_told_of_versions(versions), *(line for run in runs for line in _told_of_run(client, run))),
    )


def _told_of_versions(versions: "list[ModelVersion]") -> Iterator[tuple[str, str]]:
    for each in versions:
        yield f"models:/{each.name}/{each.version}", "a version of a registered model"


def _told_of_run(client: "MlflowClient", run: "Run") -> Iterator[tuple[str, str]]:
    run_id = run.info.run_id
    yield f"run {run_id}", f"{run.info.run_name}: metrics, parameters, tags"
    yield from ((f"runs:/{run_id}/{path}", "an artifact") for path in _files(client, run_id))


def _files(client: "MlflowClient", run_id: str, folder: str | None = None) -> Iterator[str]:
    for each in client.list_artifacts(run_id, folder):
        if each.is_dir:
            yield from _files(client, run_id, each.path)
        else:
            yield each.path


def _delete_artifacts(client: "MlflowClient", run_id: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with suppress(NotImplementedError, FileNotFoundError):  # a store that cannot; nothing was kept
        get_artifact_repository(client.get_run(run_id).info.artifact_uri).delete_artifacts()


def _for_good(traces: Traces) -> tuple[str, ...]:
    if not database(traces.uri):
        ids = ",".join(traces.runs)
        return (f"the server keeps the records of deleted runs until its owner runs: mlflow gc --run-ids {ids}",)
    address = reachable(traces.uri)
    command = [sys.executable, "-m", "mlflow", "gc", "--run-ids", ",".join(traces.runs)]
    told = {"MLFLOW_BACKEND_STORE_URI": address, "MLFLOW_TRACKING_URI": address}  # lists of processes show arguments
    done = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        return (masked(f"MLflow has marked the runs as deleted and could not remove them for good ({why[:160]})"),)
    return _rewritten(traces.uri)


def _rewritten(uri: str) -> tuple[str, ...]:
    """Write a database of SQLite anew, so that no bytes of deleted rows remain in its file."""
    from sqlalchemy import make_url

    url = make_url(uri)
    if url.get_backend_name() != "sqlite" or not url.database:
        return ("the database may keep deleted rows in its files, logs and backups: ask its owner",)
    try:
        with closing(sqlite3.connect(url.database, timeout=30)) as connection:
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        return (f"{url.database} may still hold bytes of what was deleted, as it could not be written anew ({error})",)
    return ()


def _unreachable(uri: str, error: Exception) -> TrackingError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return TrackingError(
        masked(
            f"MLflow at {uri} must answer to say what it keeps, and it does not ({lines[0][:120]}): try again, or "
            "leave it out with --tracking none."
        )
    )
