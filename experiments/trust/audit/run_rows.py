"""The new rows of a run: made from its training rows, while its test rows were sealed."""

from pathlib import Path

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report.html import SYNTHETIC
from experiments.run.resuming import inputs_again
from experiments.storage import run_folder
from loop.data.encoding import encode
from loop.data.parquet_file import read_frame
from loop.errors import DataError
from loop.support.commands import command
from loop.types import Table


def rows_of(folder: Path) -> tuple[Table, Table, Table]:
    """Read training, test and new rows of a finished run again.

    Raises
    ------
    DataError
        If it is no finished run, its data have changed, or it kept no new rows.
    """
    if not (folder / run_folder.FINGERPRINT).is_file():
        raise DataError(f"an audit of one thing needs the folder of a run, {folder} is none: name REAL and SYNTHETIC.")
    if not run_folder.finished(folder):
        raise DataError(f"a run must be finished, {folder} is not: go on with {command('run', '--resume', folder)}")
    inputs = inputs_again(folder, load_config(RunConfig, run_folder.configuration(folder)))
    if inputs is None:
        raise DataError(f"the data of a run must be as they were, those of {folder} are not: run the loop again.")
    try:
        frame = read_frame(folder / SYNTHETIC)
    except (OSError, ValueError) as error:
        raise DataError(f"a run must hold {SYNTHETIC}, and {folder} has none to read: run the loop again.") from error
    if frame.empty:
        raise DataError(f"an audit needs new rows, and the run {folder} kept none: there is nothing to audit.")
    return inputs.train, inputs.test, encode(inputs.schema, frame)
