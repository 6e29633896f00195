"""The new rows of a run: made from its training rows, while its test rows were sealed."""

from pathlib import Path

import pandas as pd

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report.html import ARRAYS, SYNTHETIC
from experiments.run.resuming import inputs_again
from experiments.storage import run_folder
from loop.data.encoding import encode
from loop.data.parquet_file import read_frame
from loop.errors import DataError
from loop.support.commands import command
from loop.support.model_files.arrays import read_npz
from loop.support.own_files import own_file
from loop.types import Schema, Table


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
    return inputs.train, inputs.test, encode(inputs.schema, _with_arrays(frame, inputs.schema, folder / ARRAYS))


def _with_arrays(frame: pd.DataFrame, schema: Schema, path: Path) -> pd.DataFrame:
    """Return new rows with the arrays that were written beside them; texts are columns already."""
    wanted = [array for array in schema.arrays if array.column not in frame]
    if not wanted:
        return frame
    try:
        held = read_npz(own_file(path))
        cells = {array.column: pd.Series(array.encoder.cells(held[array.column]), dtype=object) for array in wanted}
    except (OSError, KeyError, DataError) as error:
        raise DataError(
            f"a run must hold {path.name} as it was written, and {path.parent} does not: run again."
        ) from error
    if any(len(each) != len(frame) for each in cells.values()):
        raise DataError(f"{path} must have an entry for each of {len(frame):,} rows, and has not: run the loop again.")
    return frame.reset_index(drop=True).assign(**cells)
