"""What a run leaves to be resumed by, and must have in common with the one that it resumes."""

import hashlib
import json
from pathlib import Path

from experiments.config.reader import dump
from experiments.config.run_config import RunConfig
from experiments.run.inputs import RunInputs, gather
from experiments.storage import run_folder
from experiments.trust.provenance.record import Provenance
from loop.errors import ConfigError, DataError
from loop.support import atomic
from loop.support.commands import command
from loop.support.format import stamped

FROM = {"source", "without", "licence", "origin"}  # of the data: where the rows are from


def begin(config: RunConfig, inputs: RunInputs, folder: Path) -> None:
    """Write what a run needs to be resumed."""
    atomic.write_text(folder / run_folder.CONFIG, dump(config))
    digest = run_folder.fingerprint(inputs.train, inputs.folds)
    whole = everything(config, inputs)
    told = {"training_rows": digest, "everything": whole, "run": (mark := _mark(config, whole))}
    Provenance.of(config, mark).write(folder)
    atomic.write_json(folder / run_folder.FINGERPRINT, stamped(told))


def _mark(config: RunConfig, whole: str) -> str:
    """Return a digest of what generations depend on, which tells the checkpoints of a run from those of another.

    The rows are in it, and not where they are from: a run without retracted rows has the mark of one that never had
    them.
    """
    settings = config.model_dump(mode="json", exclude={"out": True, "tracking": True, "scale": True, "data": FROM})
    return hashlib.sha256(f"{whole}{json.dumps(settings, sort_keys=True)}".encode()).hexdigest()


def check_resumable(folder: Path, config: RunConfig, inputs: RunInputs) -> None:
    """Refuse a folder that is finished, or whose run began with other data or files.

    Raises
    ------
    ConfigError, DataError
        If so.
    """
    if run_folder.finished(folder):
        raise ConfigError(
            f"a run to resume must be unfinished, and {folder} is finished: see `{command('report', folder)}`."
        )
    if run_folder.fingerprint_of(folder)["everything"] != everything(config, inputs):
        raise DataError(
            f"a run must be resumed with the data and files it began with, got others for {folder}: start a new run."
        )


def inputs_again(folder: Path, config: RunConfig) -> RunInputs | None:
    """Split the data of a run again; None if they, or how they are split, have changed.

    Raises
    ------
    DataError
        If it is no folder of a run, or its data are gone.
    """
    inputs, known = gather(config.data, config.loop), run_folder.fingerprint_of(folder)["training_rows"]
    return inputs if run_folder.fingerprint(inputs.train, inputs.folds) == known else None


def everything(config: RunConfig, inputs: RunInputs) -> str:
    """Return a digest of the rows and of the files that settings name."""
    frame = inputs.dataset.frame
    aside = frame[[name for name, _ in inputs.schema.excluded if name in frame]]  # not the parts of dates
    rows = run_folder.whole_fingerprint(inputs.train, inputs.test, inputs.folds, aside)
    return hashlib.sha256("\n".join([rows, *config.files().values()]).encode()).hexdigest()
