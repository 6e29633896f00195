"""A run on disk: one folder, with a marker written last when the run is finished; models without pickle."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from filelock import FileLock, Timeout

from experiments.data.csv_format import CsvFormat
from generators.common import persistence
from generators.common.persistence import Savable
from learners.common import nested
from learners.common.persistence import Storable
from loop.data.schema_json import from_json, to_json
from loop.errors import ConfigError, DataError, WeakspotError
from loop.evaluation import calibration
from loop.model import Model
from loop.protocols import Predictor
from loop.rows import Rows
from loop.support.atomic import check, replaced, seal, sweep, write_json
from loop.support.commands import AUTO
from loop.support.format import stamped, unstamped
from loop.support.own_files import own_file, own_text
from loop.support.plain_json import Record, parse
from loop.support.record_checks import fields, text, text_in
from loop.support.strict_yaml import read_file
from loop.types import Schema, Table

MARKER = "done.json"
CONFIG, REPORT, MODEL, CHECKPOINTS, JOURNAL = "config.yaml", "report.json", "model", "checkpoint", "journal"
GENERATOR = "generator"
CALIBRATION = "calibration.json"
FINGERPRINT = "data.json"
AGAIN = "run it again"  # the way out of a folder that another version wrote
LOCK = ".lock"
UNBORN, LONG = (
    ".partial",
    3600,
)  # ending of a folder that is not yet one of a run; seconds that none takes to become one


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder for this process; the system releases the lock when the process ends.

    What a killed process left half-written is removed.

    Raises
    ------
    ConfigError
        If another process holds the lock.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(
            f"one command at a time must work in {folder}, and another one does: wait for it, or choose another out."
        ) from error
    try:
        sweep(folder)
        yield
    finally:
        lock.release()


def read_json(path: Path) -> Any:
    """Read a JSON file from the folder of a run.

    Raises
    ------
    DataError
        If it is missing or broken.
    """
    try:
        return parse(own_text(path))
    except (OSError, ValueError) as error:
        raise DataError(
            f"a run's folder must hold {path.name}, and {path.parent} has none to read: check it."
        ) from error


def form_of(folder: Path, path: Path) -> CsvFormat:
    """Return how the data of a run are written, for another file of the same ending; the defaults for any other.

    Raises
    ------
    ConfigError
        If the configuration of the run cannot be read.
    """
    data = _configured(folder).get("data")
    if not isinstance(data, dict) or Path(str(data.get("source"))).suffixes[-1:] != path.suffixes[-1:]:
        return CsvFormat()
    return CsvFormat(**{name: data.get(name) for name in ("sep", "encoding", "decimal")})


def tracking_of(folder: Path) -> str:
    """Return the setting ``tracking`` of a run: auto, none, or the path of an mlflow.yaml.

    Raises
    ------
    ConfigError
        If the configuration of the run cannot be read.
    """
    return str(_configured(folder).get("tracking", AUTO))


def configuration(folder: Path) -> Path:
    """Return the path of a run's configuration.

    Raises
    ------
    ConfigError
        If there is none, or it is no regular file.
    """
    try:
        return own_file(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise ConfigError(f"a run must hold its {CONFIG}, and {folder} has none to read: put it back.") from error


def _configured(folder: Path) -> Record:
    """Read the configuration of a run as it is; empty if there is none."""
    if not (folder / CONFIG).exists():
        return {}
    config = configuration(folder)
    try:
        content = read_file(config)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"a run must hold its configuration, and {config} is none: put it back.") from error
    return content if isinstance(content, dict) else {}


def fingerprint_of(folder: Path) -> Record:
    """Read what the run of a folder began with.

    Raises
    ------
    DataError
        If it is no folder of a run, or one of another version.
    """
    path = folder / FINGERPRINT
    told: Record = fields({"training_rows": text, "everything": text}, {"run": text})(
        unstamped(read_json(path), path, AGAIN), f"{path}"
    )
    return told


def mark_of(folder: Path) -> str | None:
    """Return what marks the checkpoints of a run as its own; None if an earlier version began it."""
    mark: str | None = fingerprint_of(folder).get("run")
    return mark


def finished(folder: Path) -> bool:
    """Tell whether the run of a folder is finished."""
    return (folder / MARKER).is_file()


def whole_fingerprint(train: Table, test: Table, folds: np.ndarray, aside: pd.DataFrame) -> str:
    """Return a digest of the data of a run: both parts, the meaning of their codes, and the excluded columns.

    Parameters
    ----------
    train, test : Table
    folds : ndarray of shape (n,)
        Lane ids of the training rows.
    aside : DataFrame
        The columns that are no features.
    """
    digest = hashlib.sha256(json.dumps(to_json(train.schema), sort_keys=True).encode())
    for array in (train.X, train.y, train.row_number, folds, test.X, test.y, test.row_number):
        digest.update(np.ascontiguousarray(array).tobytes())
    _digest_arrays(digest, train.rows, test.rows)
    for name in aside:
        digest.update(pd.util.hash_array(aside[name].astype("str").to_numpy(dtype=object)).tobytes())
    return digest.hexdigest()


def fingerprint(train: Table, folds: np.ndarray) -> str:
    """Return a digest of the training rows and their lanes, to check that a resumed run has the same."""
    digest = hashlib.sha256()
    for array in (train.X, train.y, folds, *(() if train.judging is None else (train.judging,))):
        digest.update(np.ascontiguousarray(array).tobytes())
    _digest_arrays(digest, train.rows)
    return digest.hexdigest()


def _digest_arrays(digest: Any, *parts: Rows) -> None:
    """Add what rows hold beside their columns to a digest, by name; nothing if there is none."""
    for part in parts:
        for name, array in sorted(part.arrays.items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())


def storable(learner: Predictor) -> tuple[str, Storable]:
    """Return the name of a learner, and the learner typed as one that can be saved.

    Raises
    ------
    ConfigError
        If it, or a learner inside it, cannot be saved.
    """
    return nested.storable(learner)


def save_model(model: Model, folder: Path, *beside: Path) -> None:
    """Write a model, replacing an older one, with copies of files beside it, as far as they exist.

    Raises
    ------
    ConfigError
        If its learner is of a kind that cannot be saved.
    """
    name, learner = storable(model.learner)
    with replaced(folder) as partial:
        learner.save(partial / "learner")
        write_json(partial / "schema.json", to_json(model.schema))
        write_json(partial / CALIBRATION, model.calibration.to_json())
        write_json(partial / "model.json", stamped({"learner": name}))
        for path in filter(Path.is_file, beside):
            shutil.copyfile(path, partial / path.name)
        seal(partial)


def load_generator(folder: Path) -> tuple[Savable, Schema]:
    """Read a generator and the schema of its rows from a folder of its own or the folder of a run.

    Raises
    ------
    DataError
        If neither holds one, or its files are damaged.
    """
    home = next((each for each in (folder, folder / GENERATOR) if (each / persistence.FILE).is_file()), None)
    if home is None:
        raise DataError(
            f"a generator must be a folder of a saved one or of a run, {folder} is neither: check the path."
        )
    return persistence.load(home), persistence.read_settings(home)[-1]


def _schema(path: Path) -> Schema:
    try:
        return from_json(read_json(path))
    except DataError as error:
        raise DataError(f"{path} must be the schema of a model, but {error}: {AGAIN}.") from error


def _calibration(path: Path, schema: Schema) -> calibration.Calibration:
    try:
        return calibration.from_json(read_json(path), schema.n_classes)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def load_model(folder: Path) -> Model:
    """Read a model; it gives exactly the probabilities that it gave before it was saved.

    Raises
    ------
    DataError
        If the folder holds no model or one of another version, or any of its files has changed.
    """
    content = unstamped(read_json(folder / "model.json"), folder / "model.json", AGAIN)
    try:
        check(folder)  # before a library reads them: a damaged file could crash the process
        place = f"{folder / 'model.json'}"
        name = fields({"learner": text_in(nested.names())})(content, place)["learner"]
        schema = _schema(folder / "schema.json")
        learner = nested.kind_of(name, f"{place}.learner").load(folder / "learner")
        if misfit := nested.misfit(learner, schema):
            raise DataError(
                f"a model must be for the columns of its schema, and {folder} holds one for {misfit}: {AGAIN}."
            )
        return Model(schema, learner, _calibration(folder / CALIBRATION, schema))
    except WeakspotError:
        raise
    except persistence.DAMAGED as error:
        why = " ".join(str(error).split())[:200]
        raise DataError(
            f"the files of a model must be whole, those in {folder} are not ({why}): run the loop again."
        ) from error
