"""Tables by name: files, data sets of scikit-learn and OpenML, the simulation, and the benchmark suite."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.arrays.opening import reader_of, stamp_of_arrays
from experiments.data.columns import require_column, some, without
from experiments.data.files import Reading, read_file, read_table
from experiments.data.partitions import read_sample, stamp
from experiments.data.simulation.simulation import Simulation, simulate
from loop.encoders import Encoder
from loop.errors import DataError

_RARE_SUITE = (
    "mammography",
    "oil_spill",
    "wine_quality",
    "yeast_me2",
    "us_crime",
    "ozone",
    "kc1",
    "phoneme",
    "vehicle_fraud",
)
_SIMULATION_KEYS: dict[str, type[int] | type[float] | type[str]] = {
    "customers": int,
    "terminals": int,
    "days": int,
    "fraud_rate": float,
    "seed": int,
    "late": str,
}
_LEAKS = {"fraud_handbook": ["TX_FRAUD_SCENARIO"]}  # columns that reveal the label
_CLOCKS = {"fraud_handbook": ("TX_DATETIME", "CUSTOMER_ID")}  # time and group column


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with the roles of its columns."""

    name: str
    frame: pd.DataFrame
    target: str
    positive: object | None = None  # the class to catch; None = the rarest
    time: str | None = None
    group: str | None = None  # rows of one group stay on one side of a split
    scenario: str | None = None  # names the pattern of a row, for those that are known
    note: str = ""
    said: tuple[str, ...] = ()  # what was done to the file when it was read, a sentence each
    date_parts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # columns of dates with the parts wanted
    encoders: Mapping[str, Encoder] = field(default_factory=dict)  # unfitted, of columns of arrays or texts

    @property
    def roles(self) -> tuple[str | None, ...]:
        """Return the columns of target, time, group and scenario; None = there is none."""
        return self.target, self.time, self.group, self.scenario

    def without_clock(self) -> "Dataset":
        """Return the table without the roles of time and group, so that it is split at random."""
        roles = [column for column in (self.time, self.group) if column is not None]
        return replace(self, frame=self.frame.drop(columns=roles), time=None, group=None)


def load(
    name_or_path: str,
    target: str | None = None,
    *,
    positive: object | None = None,
    time: str | None = None,
    group: str | None = None,
    scenario: str | None = None,
    reading: Reading | None = None,
) -> Dataset:
    """Load a table.

    Parameters
    ----------
    name_or_path : str
        A file (.csv, .csv.gz, .tsv, .parquet); images, series or texts, see `experiments.data.arrays.opening`; a
        folder of Parquet files, of whose rows some are drawn, see `experiments.data.partitions`; ``sklearn:NAME``;
        ``openml:NAME``, fetched over the network; ``simulation`` or ``simulation:customers=500,days=60,seed=1``; or
        ``suite:NAME``, the file NAME.parquet in the folder WEAKSPOT_DATA (default ../shared/data, seen from the
        working folder).
    target : str, optional
        Column to predict. Needed for files; the other sources know theirs.
    positive : object, optional
        Class to catch; default: that of the source, else the rarest.
    time, group : str, optional
        Time and group column; default: those of the source.
    scenario : str, optional
        Column that names the pattern of a row.
    reading : Reading, optional
        How a CSV is written, and columns that are left out.

    Raises
    ------
    DataError
        If the source is unknown, missing, unreadable or empty, or lacks one of the columns.
    ConfigError
        If a setting of the simulation is out of range.
    """
    scheme, colon, _ = name_or_path.partition(":")
    reading = reading or Reading()
    if name_or_path in _SOURCES or (colon and scheme in _SOURCES):
        dataset = _named_source(name_or_path, reading)
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name_or_path):
        raise DataError(
            f"A source must be a file or begin with {', '.join(f'{known}:' for known in _SOURCES)}, "
            f"got {name_or_path!r}: use one of these, or download the file first."
        )
    else:
        roles = [column for column in (target, group, scenario) if column is not None]
        dataset = _file(Path(name_or_path), target, replace(reading, roles=roles, time=time))
    own_target = target is None or target == dataset.target
    dataset = replace(
        dataset,
        target=target or dataset.target,
        positive=dataset.positive if positive is None and own_target else positive,
        time=time or dataset.time,
        group=group or dataset.group,
        scenario=scenario,
    )
    features = {
        name: each for name, each in dataset.encoders.items() if name in dataset.frame and name not in dataset.roles
    }
    dataset = replace(dataset, encoders=features)
    for role, column in zip(("target", "time", "group", "scenario"), dataset.roles, strict=True):
        if column is not None:
            require_column(dataset.frame, dataset.name, role, column, reading.drop)
    return dataset


def rare_suite() -> tuple[str, ...]:
    """Return the names of the nine tables of the rare-class protocol, each loaded as ``suite:NAME``."""
    return _RARE_SUITE


def data_folder() -> Path:
    """Return the folder of the benchmark tables: WEAKSPOT_DATA, or ../shared/data seen from the working folder."""
    return Path(os.environ.get("WEAKSPOT_DATA") or "../shared/data")


def place_of(source: str) -> str:
    """Return a canonical name of a source, independent of how it is spelled."""
    scheme, _, rest = source.partition(":")
    if scheme == "simulation":
        given = _simulation_settings(rest)
        defaults = {key: signature(simulate).parameters[key].default for key in _SIMULATION_KEYS}
        return f"simulation:{sorted({**defaults, **given}.items())}"
    path = path_of(source)
    return str(path.resolve()) if path.exists() else source


def stamp_of(source: str) -> list[int] | None:
    """Return size in bytes and modification time in ns of the file of a source, to notice changes; None if no file."""
    path = path_of(source)
    if path.is_dir():
        return stamp_of_arrays(path) or stamp(path)
    if not path.is_file():
        return None
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def path_of(source: str) -> Path:
    """Return the path of a source, which exists only if the source is a file."""
    scheme, _, name = source.partition(":")
    return data_folder() / f"{name}.parquet" if scheme == "suite" else Path(source)


def _file(path: Path, target: str | None, reading: Reading) -> Dataset:
    if (reader := reader_of(path)) is not None:
        if reading.format.given:
            raise DataError(f"sep, encoding and decimal are those of CSV files, and {path} is none: leave them out.")
        dataset = reader(path, target)
        return replace(dataset, frame=without(dataset.frame, dataset.name, reading.drop))
    file = read_sample(path, reading) if path.is_dir() else read_file(path, reading)
    if target is None:
        raise DataError(f"A file needs a target, got none for {path}: name one of {some(list(file.frame.columns))}.")
    return Dataset(path.name or path.resolve().name, file.frame, target, said=file.notes)


def _named_source(source: str, reading: Reading) -> Dataset:
    """Load a source that has a name, without the columns to be left out."""
    if reading.format.given:
        raise DataError(f"sep, encoding and decimal are those of CSV files, and {source!r} is none: leave them out.")
    scheme, _, rest = source.partition(":")
    dataset = _SOURCES[scheme](rest)
    return replace(dataset, frame=without(dataset.frame, dataset.name, reading.drop)) if reading.drop else dataset


def _sklearn(name: str) -> Dataset:
    from sklearn import datasets

    from experiments.data.arrays.images import digits  # which makes data sets itself

    if name == "digit_images":
        return digits()
    loaders = {
        "breast_cancer": datasets.load_breast_cancer,
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
    }
    if name not in loaders:
        known = ", ".join((*loaders, "digit_images"))
        raise DataError(f"sklearn: knows {known}, got {name!r}: use one of these.")
    bunch = loaders[name](as_frame=True)
    frame = bunch.frame.copy()
    frame["target"] = np.asarray(bunch.target_names)[frame["target"]]  # names instead of codes
    positive = "malignant" if name == "breast_cancer" else None
    return Dataset(name, frame, "target", positive, note="ships with scikit-learn")


def _openml(name: str) -> Dataset:
    from sklearn import datasets

    try:
        bunch = datasets.fetch_openml(name, as_frame=True, parser="auto")
    except (OSError, ValueError) as error:
        raise DataError(
            f"openml: needs the network and an active data set of that name, got {name!r} ({error}): "
            "check the name, or save the table as .csv or .parquet and pass its path."
        ) from error
    if len(bunch.target_names) != 1:
        raise DataError(
            f"openml: needs a data set with one target, {name!r} has {bunch.target_names}: save it to a file."
        )
    return Dataset(name, bunch.frame, bunch.target_names[0], note="OpenML")


def simulation(source: str) -> Simulation | None:
    """Return the simulation behind a source, with the regions planted in it; None for any other source."""
    scheme, _, settings = source.partition(":")
    return simulate(**_simulation_settings(settings)) if scheme == "simulation" else None  # type: ignore[arg-type]


def _simulation(settings: str) -> Dataset:
    frame = simulate(**_simulation_settings(settings)).frame  # type: ignore[arg-type]
    return Dataset("simulation", frame, "fraud", 1, "time", "customer", "card payments, simulated")


def _simulation_settings(settings: str) -> dict[str, float | str]:
    values: dict[str, float | str] = {}
    for item in filter(None, settings.split(",")):
        key, _, text = (part.strip() for part in item.partition("="))
        if key not in _SIMULATION_KEYS or key in values:
            fault = "twice" if key in values else "which is unknown"
            raise DataError(f"simulation: takes {', '.join(_SIMULATION_KEYS)}, got {key!r} {fault}: write key=value.")
        try:
            values[key] = _SIMULATION_KEYS[key](text)
        except ValueError as error:
            kind = _SIMULATION_KEYS[key].__name__
            raise DataError(f"simulation: {key} must be of type {kind}, got {text!r}: write {key}=NUMBER.") from error
    return values


def _suite(name: str) -> Dataset:
    folder = data_folder()
    if not folder.is_dir():
        raise DataError(f"suite: needs the folder {folder}, which is not there: set WEAKSPOT_DATA to the right one.")
    names = sorted(path.stem for path in folder.glob("*.parquet"))
    if name not in names:
        raise DataError(f"suite: has {', '.join(names)} in {folder}, got {name!r}: use one of these.")
    frame = read_table(folder / f"{name}.parquet").drop(columns=_LEAKS.get(name, []))
    time, group = _CLOCKS.get(name, (None, None))
    return Dataset(name, frame, "target", 1, time, group, "benchmark suite")


_SOURCES: dict[str, Callable[[str], Dataset]] = {
    "sklearn": _sklearn,
    "openml": _openml,
    "simulation": _simulation,
    "suite": _suite,
}
