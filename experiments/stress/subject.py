"""What is put under stress: a saved model, real rows to start from, and the thresholds at which it raises alerts."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.files import read_file, reading_of
from experiments.report.report import Report
from experiments.run.inputs import RunInputs
from experiments.run.resuming import inputs_again
from experiments.storage import run_folder
from loop.data.encoding import check_range, decode, encode
from loop.data.split import equal_to
from loop.errors import ConfigError, DataError
from loop.evaluation.operating_points import ExpectedCost
from loop.model import Model
from loop.support.commands import command
from loop.types import Schema, Table

FALSE_POSITIVES = 0.01  # at the threshold that is chosen where none is stored
AGAIN = "name a file of rows with --data, or run the loop again"


@dataclass(frozen=True)
class Alerting:
    """An operating point of the model: its rows at or above the threshold are alarmed."""

    point: str
    threshold: float


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with real rows, in the encoding and in the columns of the user, and its operating points."""

    model: Model
    real: Table
    frame: pd.DataFrame  # the n real rows, features and target
    score: np.ndarray  # (n,) of the class to catch
    points: tuple[Alerting, ...]
    pace: float | None  # rows a day; None = the rows have no dates
    said: tuple[str, ...]  # where the rows are from, and what was left out
    folder: Path
    is_run: bool

    @property
    def honest(self) -> np.ndarray:  # (n,) bool
        """Whether each real row is of another class than the one to catch."""
        return np.asarray(self.real.y != self.real.schema.positive)

    @property
    def positive(self) -> str:
        """Name of the class to catch."""
        return str(self.model.classes_[self.real.schema.positive])

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of the class to catch, (n,)."""
        return scores_of(self.model, frame)


def scores_of(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """Return a model's probability of the class to catch, (n,)."""
    scores: np.ndarray = np.asarray(model.predict_proba(frame)[:, model.schema.positive], dtype=np.float64)
    return scores


def subject_of(folder: Path, data: Path | None, target: str | None) -> Subject:
    """Load what is put under stress.

    Parameters
    ----------
    folder : Path
        Of a finished run, or of a model that was saved.
    data : Path or None
        File of real rows; None = the test rows of the run.
    target : str or None
        Column of the labels in that file; None = named as when the model was trained.

    Raises
    ------
    ConfigError
        If options do not fit together.
    DataError
        If the folder holds neither, or the rows cannot be read by the model.
    """
    if data is None and target is not None:
        raise ConfigError("--target must name a column of the file of --data, and no file is given: leave it out.")
    is_run = (folder / run_folder.FINGERPRINT).is_file()
    if is_run and not run_folder.finished(folder):
        raise DataError(f"a run must be finished, {folder} is not: go on with {command('run', '--resume', folder)}")
    if not is_run and not (folder / "model.json").is_file():
        raise DataError(f"stress needs the folder of a finished run or of a model, {folder} is neither: check it.")
    if not is_run and data is None:
        raise ConfigError(f"a model alone has no rows to start from, and {folder} is one: add --data FILE.")
    model = run_folder.load_model(folder / run_folder.MODEL if is_run else folder)
    rows = _own_rows(folder) if data is None else _rows_of(data, target, model.schema, folder if is_run else None)
    return _subject(model, rows, folder, is_run)


@dataclass(frozen=True, eq=False)
class _Real:
    table: Table
    pace: float | None
    origin: str


def _subject(model: Model, rows: _Real, folder: Path, is_run: bool) -> Subject:
    """Keep the rows that the model's schema can write out again, score them, and read or choose thresholds."""
    gaps = np.array([column.missing for column in model.schema.columns], dtype=bool)
    whole = (~np.isnan(rows.table.X) | gaps).all(axis=1)
    real = rows.table.take(whole)
    if not len(real) or (real.y == model.schema.positive).all():
        raise DataError(
            "real rows must hold some that are not of the class to catch, these hold none: name another file."
        )
    frame = decode(model.schema, real)
    score = scores_of(model, frame)
    points, left_out = _stored(folder) if is_run else ((), ())
    if not points:
        points = (_chosen(score[real.y != model.schema.positive]),)
    said = [rows.origin, *left_out]
    if lost := len(whole) - len(real):
        said.append(f"{lost:,} rows are left out: a value is missing or new to the model where it never saw one")
    return Subject(model, real, frame, score, points, rows.pace, tuple(said), folder, is_run)


def _stored(folder: Path) -> tuple[tuple[Alerting, ...], tuple[str, ...]]:
    """Return the thresholds of the model that the run delivered, and what is said about points without one."""
    points, left_out = [], []
    asked = load_config(RunConfig, run_folder.configuration(folder)).metrics.operating_points
    for point, told in zip(asked, Report.load(folder).operating, strict=False):
        threshold = float(str(told["after"]["threshold"]))
        if math.isnan(threshold) or (isinstance(point, ExpectedCost) and point.miss_cost is not None):
            left_out.append(f"{told['point']}: left out, as it has no threshold on the score")
        elif threshold == math.inf:
            left_out.append(f"{told['point']}: left out, as it raises no alerts")
        else:
            points.append(Alerting(str(told["point"]), threshold))
    return tuple(points), tuple(left_out)


def _chosen(honest: np.ndarray) -> Alerting:
    """Choose the threshold at 1 % false positives, from the scores (n,) of rows that are not of the class to catch."""
    limit = np.quantile(honest, 1 - FALSE_POSITIVES, method="higher")
    point = f"{100 * FALSE_POSITIVES:g} % false positives on these rows"
    return Alerting(f"recall at {point}", float(np.nextafter(limit, np.inf)))


def _own_rows(folder: Path) -> _Real:
    """Return the test rows of a run."""
    inputs = _inputs(folder)
    if inputs is None:
        raise DataError(f"the data of a run must be as they were, those of {folder} are not: {AGAIN}.")
    time = None if inputs.dataset.time is None else inputs.dataset.frame[inputs.dataset.time]
    origin = f"{len(inputs.test):,} test rows of the run, which its model was not trained on"
    return _Real(inputs.test, _pace(time), origin)


def _inputs(folder: Path) -> RunInputs | None:
    return inputs_again(folder, load_config(RunConfig, run_folder.configuration(folder)))


def _rows_of(path: Path, target: str | None, schema: Schema, run: Path | None) -> _Real:
    """Read the rows of a file, and tell as far as known whether the model was trained on them."""
    target = target or schema.target
    words = [target] if all(isinstance(name, str) for name in schema.classes) else []
    form = None if run is None else run_folder.form_of(run, path)
    frame = read_file(path, reading_of(schema, form, words)).frame
    if target not in frame:
        raise DataError(
            f"--target must be a column of {path}, got {target!r}: name one of {', '.join(map(str, frame))}."
        )
    if target != schema.target:
        frame = frame.drop(columns=schema.target, errors="ignore").rename(columns={target: schema.target})
    table = encode(schema, frame)
    check_range(schema, table.X)
    clock = next((name for name, why in schema.excluded if why == "time column"), None)
    time = None if clock is None else frame.get(clock)
    return _Real(table, _pace(time), f"{len(table):,} rows of {path}; {_trained_on(table, run)}")


def _trained_on(table: Table, run: Path | None) -> str:
    try:
        inputs = None if run is None else _inputs(run)
    except DataError:  # the data of the run are gone
        inputs = None
    if inputs is None:
        return "the model may have been trained on some of them"
    return f"{equal_to(table.X, inputs.train.X).sum():,} of them equal rows that the model was trained on"


def _pace(time: pd.Series | None) -> float | None:
    """Return the number of rows a day; None without dates, as the unit of plain numbers is unknown."""
    if time is None or is_numeric_dtype(time):
        return None
    dated = is_datetime64_any_dtype(time)
    moments = time if dated else pd.to_datetime(time, format="ISO8601", utc=True, errors="coerce")
    days = moments.dt.floor("D").nunique()
    return float(moments.notna().sum() / days) if days else None
