"""Conversion of journal records to MLflow runs, metrics, tags and artifacts. Errors of MLflow are passed on."""

import json
import logging
import math
import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from loop.errors import TrackingError
from loop.support.own_files import own_file, own_folder
from loop.support.plain_json import Record
from loop.tracking.databases import MLRUNS, database, knock, local_root
from loop.tracking.half_copied import sweep_half_copied
from loop.tracking.inputs import rows_input, table_input
from loop.tracking.postgres import one_at_a_time, reachable
from loop.tracking.records import (
    SHARED,
    SYNTHETIC,
    figures_table,
    generation_metrics,
    headline,
    judge_metrics,
    metric_name,
    region_table,
    verdict_metrics,
)
from loop.tracking.registry import register
from loop.tracking.storable import ARTIFACT_ROOT, RUN_NAME, storable, within

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

Made = TypeVar("Made")
STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
IDENTITY = "weakspot.id"  # the tag by which a run is found again
KIND = ("mlflow.experimentKind", "custom_model_development")  # so that the page opens on runs, not on traces of chats
ATTEMPTS = 4  # to make what other processes may be making, too
RACED = ("RESOURCE_ALREADY_EXISTS", "BAD_REQUEST")  # what MLflow then fails with, the latter from its database
GIVEN_UP = "Giving up"  # in what it says where it has tried again itself, for the number of a version
# An unreachable server must fail in seconds, and no usage statistics are sent; the user's own settings win.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}


class Uplink:
    """Sends records of one journal, in order, through an `MlflowClient` with explicit run ids: no global state.

    Every send can be repeated: runs are found again by the tag ``weakspot.id``, MLflow ignores a metric it already has
    (same key, step, time and value), artifacts are overwritten, and a run has one version of a registered model.

    Parameters
    ----------
    tracking_uri : str
        Address of a tracking server, or a database URI.
    experiment : str
        Created if it does not exist.
    artifact_root : str or None
        Where a new experiment keeps artifacts, None = MLflow's default.
    """

    def __init__(self, tracking_uri: str, experiment: str, artifact_root: str | None) -> None:
        self.client = connect(tracking_uri)
        self.experiment_id = _experiment_id(self.client, experiment, _root(tracking_uri, artifact_root))
        self.run_id = ""
        self._identity = ""
        self._tags: dict[str, str] = {}
        self._params: dict[str, str] = {}

    def send(self, record: Record, folder: Path) -> None:
        """Send one record, unless it is to be registered; its files are in the journal's folder."""
        record = storable(record)
        match record["kind"]:
            case "start":
                self._start(record)
            case "generation":
                self._generation(record, folder)
            case "metrics":
                self._log(self.run_id, record, record["values"], step=record["step"])
            case "tags":
                self._log(self.run_id, record, tags=record["values"])
            case "attach":
                self._attach(_held(folder, record["file"]), record["folder"])
            case "child":
                run_id = self._child(record["name"], record, record["time_ms"] - int(1000 * record.get("seconds", 0)))
                self._log_tables(run_id, record.get("datasets", []))
                self._log(run_id, record, record["metrics"], record["params"], record["tags"], curves=record["curves"])
                self.client.set_terminated(run_id, end_time=record["time_ms"])
            case "finish":
                self._finish(record)

    def register(self, name: str, record: Record, folder: Path) -> None:
        """Register a model among the files of the run under a name, see `loop.tracking.registry.register`."""
        _held(folder, f"files/{record['folder']}")
        settled(lambda: register(self.client, name, self.run_id, self._tags, storable(record)))

    def _start(self, record: Record) -> None:
        self._identity, self._tags = record["id"], record["tags"]
        self._params = {name: record["params"][name] for name in SHARED if name in record["params"]}
        self.run_id, known = self._find_or_create(self._identity, record["name"], record["time_ms"], {})
        params = {name: value for name, value in record["params"].items() if name not in known}
        self._log(self.run_id, record, params=params, tags=self._tags)
        self._log_tables(self.run_id, record.get("datasets", []))

    def _generation(self, record: Record, folder: Path) -> None:
        name, decision = f"generation-{record['index']:03d}", record["decision"]
        duration_ms = int(1000 * sum(float(seconds) for seconds in record["seconds"].values()))
        child = self._child(name, record, record["time_ms"] - duration_ms)
        tags = SYNTHETIC | {"rows": "kept" if decision["kept"] else "rolled back", "rows_reason": decision["reason"]}
        metrics, params = generation_metrics(record), {**self._params, "generation": record["index"]}
        tables = {"regions.json": region_table(record), "figures.json": figures_table(metrics)}
        tags["mlflow.loggedArtifacts"] = json.dumps([{"path": path, "type": "table"} for path in tables])
        self._log(child, record, headline(metrics), params, tags, step=record["index"])
        for path, table in tables.items():  # in the format of MlflowClient.log_table
            self.client.log_text(child, table.to_json(orient="split", index=False), path)
        context, rows = "training" if decision["kept"] else "rolled back", _held(folder, record["file"])
        self.client.log_artifact(child, str(rows), "rows")
        self.client.log_inputs(child, [rows_input(rows, f"{self._identity[:8]}-{name}", context)])
        self.client.set_terminated(child, end_time=record["time_ms"])
        self._log(self.run_id, record, judge_metrics(record["scores"]), step=record["index"])

    def _log_tables(self, run_id: str, tables: Sequence[Record]) -> None:
        """Log the tables that a run works on as its inputs."""
        if tables:
            settled(lambda: self.client.log_inputs(run_id, [table_input(table) for table in tables]))

    def _attach(self, path: Path, folder: str) -> None:
        if path.is_dir():
            self.client.log_artifacts(self.run_id, str(path), (Path(folder) / path.name).as_posix())
        else:
            self.client.log_artifact(self.run_id, str(path), folder or None)

    def _finish(self, record: Record) -> None:
        verdict = record["verdict"]
        if verdict is not None:
            known = self.client.get_run(self.run_id).data.metrics  # a run killed after its end ends once more
            told = {name: float(value) for name, value in verdict_metrics(verdict).items()}
            new = {name: value for name, value in told.items() if str(known.get(metric_name(name))) != str(value)}
            self._log(self.run_id, record, new, tags={"judge_verdict": verdict["sentence"]})
        self.client.set_terminated(self.run_id, STATUS[record["status"]], end_time=record["time_ms"])

    def _child(self, name: str, record: Record, start_ms: int) -> str:
        identity = uuid.uuid5(uuid.UUID(hex=self._identity), name).hex
        tags = {**self._tags, "mlflow.parentRunId": self.run_id}
        return self._find_or_create(identity, name, start_ms, tags)[0]

    def _find_or_create(
        self, identity: str, name: str, start_ms: int, tags: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Return the id of the run with this identity and the parameters it already has."""
        found = self.client.search_runs([self.experiment_id], f"tags.`{IDENTITY}` = '{identity}'", max_results=1)
        if found:
            run = found[0]
            self.client.update_run(run.info.run_id, status="RUNNING")
            sweep_half_copied(run.info.artifact_uri)
        else:
            run = self.client.create_run(
                self.experiment_id, start_ms, {**tags, IDENTITY: identity}, within(name, RUN_NAME)
            )
        return run.info.run_id, run.data.params

    def _log(
        self,
        run_id: str,
        record: Record,
        metrics: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        step: int = 0,
        curves: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Log in one request, or in as few as the limits of MLflow allow."""
        from mlflow.entities import Metric, Param, RunTag

        time_ms = record["time_ms"]
        points = [(key, value, step) for key, value in (metrics or {}).items()]
        points += [(key, value, at) for key, values in (curves or {}).items() for at, value in enumerate(values)]
        curve = [Metric(metric_name(key), float(value), time_ms, at) for key, value, at in points]
        settings = [Param(key, str(value)[:6000]) for key, value in (params or {}).items()]
        labels = [RunTag(key, str(value)[:8000]) for key, value in (tags or {}).items()]
        requests = max(math.ceil(len(curve) / 1000), math.ceil(len(settings) / 100), math.ceil(len(labels) / 100))
        for i in range(requests):
            hundred = slice(100 * i, 100 * i + 100)
            self.client.log_batch(run_id, curve[1000 * i : 1000 * i + 1000], settings[hundred], labels[hundred])


def connect(tracking_uri: str) -> "MlflowClient":
    """Return a client that responds or fails within seconds and prints nothing."""
    with quiet():
        from mlflow import MlflowClient

        address = reachable(tracking_uri)
        if database(address):
            knock(address)
        with one_at_a_time(address):  # MLflow makes its tables here
            return MlflowClient(address)


@contextmanager
def quiet() -> Iterator[None]:
    """Let MLflow fail fast, and suppress log messages and warnings of MLflow and SQLAlchemy."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def lost_connection() -> tuple[type[Exception], ...]:
    """Return the errors raised if a tracking server, its database or its disk does not accept a record."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    # requests.RequestException is an OSError; a database whose driver is not installed gives ImportError
    return MlflowException, SQLAlchemyError, OSError, ImportError


def _held(folder: Path, name: str) -> Path:
    """Return a file or folder that a record names, which must lie in the journal's folder with all that is in it."""
    path = folder / name
    try:
        held = own_folder(path) if path.is_dir() else own_file(path)
        if not held.resolve().is_relative_to(folder.resolve()):
            raise ValueError("it lies outside")
        return held
    except ValueError as error:
        raise TrackingError(
            f"A record must name files inside {folder}, and {name[:80]!r} is none ({error}): remove it or the record."
        ) from error


def _root(tracking_uri: str, artifact_root: str | None) -> str | None:
    """Return where a new experiment keeps artifacts; None = MLflow's default, where that can be told from a URI."""
    root = (
        artifact_root if artifact_root is not None and "://" in artifact_root else local_root(artifact_root or MLRUNS)
    )
    if database(tracking_uri) and not tracking_uri.startswith("sqlite") and len(full := _whole(root)) > ARTIFACT_ROOT:
        raise TrackingError(
            f"artifact_root must be of at most {ARTIFACT_ROOT} characters in a database other than SQLite, and "
            f"...{full[-40:]} has {len(full)}: name a shorter one in mlflow.yaml, then use weakspot upload."
        )
    usual = artifact_root is None and (root == MLRUNS or not database(tracking_uri))
    return None if usual else root


def _whole(root: str) -> str:
    return root if "://" in root else str(Path(root).absolute())


def _experiment_id(client: "MlflowClient", name: str, artifact_root: str | None) -> str:
    def make() -> "Experiment":
        found = client.get_experiment_by_name(name)
        return found or client.get_experiment(client.create_experiment(name, artifact_root, dict([KIND])))

    found = settled(make)
    if KIND[0] not in found.tags:
        client.set_experiment_tag(found.experiment_id, *KIND)
    return str(found.experiment_id)


def settled(make: Callable[[], Made]) -> Made:
    """Call a function that looks for something and makes it if it is not there.

    If another process has made the same in between, MLflow fails; then look again.
    """
    from mlflow.exceptions import MlflowException

    for _ in range(ATTEMPTS - 1):
        try:
            return make()
        except MlflowException as error:
            if error.error_code not in RACED and GIVEN_UP not in str(error):
                raise
    return make()
