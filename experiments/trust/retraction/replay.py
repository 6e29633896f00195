"""A run repeated without some of its rows: teacher, generators, regions and learners, split and schema, everything."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.config.data_config import DataConfig, WithoutConfig
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.files import Reading, read_file
from experiments.data.remaining import content_digest, write_without
from experiments.data.row_numbers import numbers_of, told_in_ranges
from experiments.run.resuming import inputs_again
from experiments.run.run import run as run_loop
from experiments.storage import run_folder
from experiments.trust.retraction.chosen import source_of
from loop.errors import ConfigError, DataError, WeakspotError
from loop.support.commands import command
from loop.support.plain_json import Record


@dataclass(frozen=True, eq=False)
class Replay:
    """The run without the rows."""

    folder: Path
    found: bool  # whether it was there already


def configuration_of(run: Path) -> RunConfig:
    """Read the configuration of a run that can be repeated without some rows.

    Raises
    ------
    ConfigError, DataError
        If it is unfinished, went on with answers, or its file has changed since.
    """
    run_folder.fingerprint_of(run)
    config = load_config(RunConfig, run_folder.configuration(run))
    if not run_folder.finished(run):
        raise ConfigError(
            f"a run to retract from must be finished, and {run} is not: remove its folder, as it has delivered "
            f"nothing, or go on with {command('run', '--resume', run)}."
        )
    if config.data.answers is not None:
        raise ConfigError(
            "a run that went on with answers cannot be repeated without rows, as what was asked depended on them: "
            "retract from the run before it, and ask anew there."
        )
    source_of(config.data)
    if inputs_again(run, config) is None:
        raise DataError(
            f"rows must be named in the file that the run has read, and {config.data.source} has changed since: bring "
            "that file back."
        )
    return config


def without(config: RunConfig, rows: np.ndarray) -> RunConfig:
    """Return the configuration of a run without rows (m,) of its source, and without those retracted before.

    Raises
    ------
    DataError
        If nothing would change or nothing remain, or the records of the CSV cannot be told apart.
    """
    data = config.data
    source, before = source_of(data), retracted_before(data)
    rows = np.union1d(rows, before)
    n = len(read_file(source, Reading(data.format)).frame)
    if len(rows) in (len(before), n):
        raise DataError(
            f"a retraction must leave out some of the {n:,} rows and not all, got {len(rows):,}: name others."
        )
    with tempfile.TemporaryDirectory(prefix="weakspot-") as scratch:
        path = Path(scratch) / source.name
        if write_without(source, rows, data.format, path) != n - len(rows):
            raise DataError(f"records of {source} must be told apart, and blank or broken lines prevent it: export it.")
        left_out = WithoutConfig(rows=told_in_ranges(rows), remaining=content_digest(path))
    return config.model_copy(update={"data": data.model_copy(update={"without": left_out})})


def retracted_before(data: DataConfig) -> np.ndarray:
    """Return the rows (m,) of the source that are left out already; none once its owner has removed them."""
    if data.without is None or content_digest(source_of(data)) == data.without.remaining:
        return np.empty(0, dtype=np.int64)
    return numbers_of(data.without.rows)


def replay(config: RunConfig, beside: Path, console: Console) -> Replay:
    """Run a configuration beside another run, unless that was done before.

    Raises
    ------
    WeakspotError
        As a run does, or if it is interrupted.
    """
    config = config.model_copy(update={"out": beside.resolve().parent})
    for folder in sorted(config.out.iterdir(), reverse=True):
        if run_folder.finished(folder) and _settings(folder) == _told(config):
            return Replay(folder, found=True)
    result = run_loop(config, console)
    if result.status != "finished":
        raise ConfigError(
            f"a retraction needs the whole run, and it was interrupted: go on with "
            f"{command('run', '--resume', result.folder)}, then retract again."
        )
    return Replay(result.folder, found=False)


def _settings(folder: Path) -> Record | None:
    try:
        return _told(load_config(RunConfig, run_folder.configuration(folder)))
    except WeakspotError:
        return None


def _told(config: RunConfig) -> Record:
    told: Record = config.model_dump(mode="json", exclude={"out"})
    return told
