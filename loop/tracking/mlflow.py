"""Runs in MLflow: a parent run with one child per generation, or per arm of a comparison.

Records are written to the journal on disk first, and sent to MLflow from there. Every send can be repeated without
duplicates: runs are found again by a tag, and metrics have the time of their record. So live tracking, resuming a run
and uploading a whole journal use the same code.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import yaml

from loop.errors import ConfigError, TrackingError
from loop.protocols import Child, Tracker
from loop.support.commands import command
from loop.support.plain_json import Record
from loop.support.secrets import masked
from loop.support.strict_yaml import cause, read_file
from loop.tracking.databases import check_address
from loop.tracking.jsonl import JsonlTracker, read_records
from loop.tracking.uplink import Uplink, lost_connection, quiet
from loop.types import Generation, LoopVerdict

MODEL = "model"  # folder of the model among the files of a run


@dataclass(frozen=True)
class MlflowSettings:
    """Where and how runs are tracked: the keys of ``mlflow.yaml``; ConfigError if the address cannot be read."""

    tracking_uri: str = "sqlite:///mlflow.db"
    experiment: str = "weakspot"
    artifact_root: str | None = None  # of a new experiment, None = MLflow's default
    registered_model: str | None = "weakspot"  # name under which the final model is registered, None = not registered

    def __post_init__(self) -> None:
        check_address(self.tracking_uri)


def load_settings(path: Path) -> MlflowSettings:
    """Read ``mlflow.yaml``; the environment variable ``MLFLOW_TRACKING_URI`` wins over the file.

    Raises
    ------
    ConfigError
        If the file is missing, is not a mapping of keys to text, or has an unknown key.
    """
    try:
        content = read_file(path) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(
            f"Tracking settings must be a readable YAML file, and {path} is none ({cause(error)}): correct it."
        ) from error
    allowed = {field.name for field in fields(MlflowSettings)}
    unknown = sorted(map(str, set(content) - allowed)) if isinstance(content, dict) else [str(content)]
    if unknown:
        got = [key[:60] for key in unknown[:5]]
        raise ConfigError(f"{path} may hold the keys {sorted(allowed)}, got {got}: remove or correct them.")
    for key, value in content.items():
        if not (isinstance(value, str) or (value is None and key in ("artifact_root", "registered_model"))):
            raise ConfigError(f"{key} in {path} must be text, got {value!r}: put it in quotes.")
    name = content.get("registered_model") or ""
    if set("/:") & set(name):  # MLflow's rule, checked before any work
        raise ConfigError(f"registered_model in {path} must be a name without / and :, got {name!r}: choose another.")
    settings = MlflowSettings(**content)
    return replace(settings, tracking_uri=os.environ.get("MLFLOW_TRACKING_URI") or settings.tracking_uri)


class MlflowTracker:
    """Keep a run in a journal on the local disk and in MLflow.

    If MLflow does not respond, the run continues with the journal only, and `failure` says how to upload it later.
    Metrics of a generation's run: see `loop.tracking.records.generation_metrics`. The parent run has the champion's
    scores as curves over generations, and at the end ``generations_kept``, ``judge_proven``, ``judge_difference``,
    ``judge_difference_low`` and ``judge_difference_high`` of champion and real-only learner.

    Parameters
    ----------
    settings : MlflowSettings
        Where the records go.
    local : JsonlTracker
        The journal. If its folder already has one, records missing in MLflow are sent at `start`.
    again : sequence of str
        Options with which the command that uploads the journal later finds the same settings.

    Attributes
    ----------
    failure : str or None
        Why records did not reach MLflow, and the way out; None = all did.
    unregistered : str or None
        Why MLflow did not register the model, and the way out; None = it did. Records are sent on.
    """

    def __init__(self, settings: MlflowSettings, local: JsonlTracker, again: Sequence[str] = ()) -> None:
        self.settings = settings
        self.local = local
        self.again = tuple(again)
        self.failure: str | None = None
        self.unregistered: str | None = None
        self.uplink: Uplink | None = None  # None until the first record is sent
        self._sent = 0

    def start(self, run: Mapping[str, object]) -> None:
        """Open the parent run, or continue the one of an earlier run of the same folder."""
        self.local.start(run)
        self._forward()

    def record(self, generation: Generation) -> None:
        """Keep one generation as a child run with its rows, regions and metrics."""
        self.local.record(generation)
        self._forward()

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep metrics of the parent run."""
        self.local.metrics(values, step)
        self._forward()

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep words about the parent run as its tags."""
        self.local.tags(values)
        self._forward()

    def attach(self, path: Path, folder: str = "") -> None:
        """Keep a file or directory as an artifact of the parent run."""
        self.local.attach(path, folder)
        self._forward()

    def child(self, child: Child) -> None:
        """Keep one arm of a comparison as a child run; its curves become metrics with steps 0, 1, ..."""
        self.local.child(child)
        self._forward()

    def keep_model(
        self,
        write: Callable[[Path], object],
        description: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        proven: bool = False,
    ) -> None:
        """Keep a model among the files of the run; register it with description and tags if the settings say so.

        A run has one version, however often it is resumed or uploaded, see `loop.tracking.registry.register`.
        If MLflow does not accept it, the copy in the journal's folder remains, and an upload registers it.
        """
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / MODEL
            write(path)
            self.attach(path)
        self.local.register(MODEL, description, tags or {}, proven)
        self._forward()

    def complaints(self) -> tuple[str, ...]:
        """Return `failure` and `unregistered`, as far as there are any."""
        return tuple(each for each in (self.failure, self.unregistered) if each is not None)

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        """Close the parent run."""
        self.local.finish(verdict, status)
        self._forward()

    def upload(self, folder: Path, skip: int = 0) -> int:
        """Send the records of a folder's journal after the first ``skip``; return the number sent.

        The first record that fails sets `failure`; later records are not tried.
        """
        sent = 0
        with quiet():
            errors = lost_connection()
            try:
                for record in read_records(folder)[skip:]:
                    if self.uplink is None:
                        where = self.settings
                        self.uplink = Uplink(where.tracking_uri, where.experiment, where.artifact_root)
                    if record["kind"] == "register":
                        self._register(self.uplink, record, folder)
                    else:
                        self.uplink.send(record, folder)
                    sent += 1
            except TrackingError as error:
                self.failure = str(error)
            except errors as error:
                self.failure = _failure(self.settings.tracking_uri, error, folder, self.again)
        return sent

    def _register(self, uplink: Uplink, record: Record, folder: Path) -> None:
        """Register a model if the settings say so; what the registry refuses keeps no other record from being sent."""
        name = self.settings.registered_model
        if name is None:
            return
        try:
            uplink.register(name, record, folder)
            self.unregistered = None
        except lost_connection() as error:
            told, again = f"MLflow did not register the model as {name!r}", command("upload", folder, *self.again)
            self.unregistered = masked(f"{told} ({_cause(error)}): correct that, then register it with `{again}`.")

    def _forward(self) -> None:
        if self.failure is None:
            self._sent += self.upload(self.local.folder, self._sent)


def runs_page(settings: MlflowSettings, address: str) -> str:
    """Return where a server shows the runs of an experiment; without its end the address opens MLflow's view of chats.

    The address alone is returned if the store cannot be read.
    """
    with quiet():
        errors = lost_connection()
        try:
            uplink = Uplink(settings.tracking_uri, settings.experiment, settings.artifact_root)
        except errors:
            return address
    return f"{address}/#/experiments/{uplink.experiment_id}/runs?workflowType=machine_learning"


def _failure(uri: str, error: Exception, folder: Path, again: Sequence[str]) -> str:
    """Return one sentence with what failed and how to repeat it, without passwords in addresses."""
    sentence = (
        f"MLflow at {uri} did not take all records ({_cause(error)}); they are kept in {folder}: "
        f"send them later with `{command('upload', folder, *again)}`."
    )
    return masked(sentence)


def _cause(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if not line.startswith("(raised as a result of")]
    return (lines or [type(error).__name__])[0][:160]


_: type[Tracker] = MlflowTracker
