"""Time series from files: .ts, .npz, .parquet, long tables and folders of sounds; and back to .npz or .ts."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.arrays import audio, ts_file
from experiments.data.columns import require_column, some
from experiments.data.sources import Dataset
from learners.encoders.curves import Curves
from loop.data.parquet_file import read_frame
from loop.errors import DataError
from loop.support import atomic
from loop.support.model_files.arrays import read_npz
from loop.support.own_files import own_file

SERIES, LABEL = "series", "label"  # names of the column of series, and of the class where the file names none
ENDINGS = (".ts", ".npz", ".parquet")


def load(path: Path | str, target: str | None = None, *, labelled: bool = True) -> Dataset:
    """Read series.

    Parameters
    ----------
    path : Path or str
        A ``.ts`` file; an ``.npz`` with the array ``series`` (n, channels, time) or (n, time), whose other arrays (n,)
        are columns; a ``.parquet`` with lists of numbers in one or more columns; or a folder with a folder of WAV
        files for each class.
    target : str, optional
        Column to predict; default: ``label``.
    labelled : bool
        Whether there must be such a column.

    Returns
    -------
    Dataset
        Series of unequal length are arrays of their own length; the encoder is not fitted.

    Raises
    ------
    DataError
        If the file is missing, damaged, too large or of another kind, or has no such column.
    """
    path = Path(path)
    if path.is_dir():
        series, labels = audio.read(path)
        return _dataset(
            path.resolve().name, series, {LABEL: labels}, target, "sounds as energies of mel bands", labelled
        )
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"series must come as {', '.join(ENDINGS)} or a folder of WAV files, got {str(path)[:100]!r}.")
    if not path.is_file():
        raise DataError(f"{path} must be a file with series, and there is none: check the path.")
    if path.suffix.lower() == ".ts":
        read = ts_file.read(path)
        return _dataset(read.name, read.series, {LABEL: read.labels}, target, ".ts file", labelled)
    if path.suffix.lower() == ".npz":
        return _of_arrays(path, target, labelled)
    return _of_lists(path, target, labelled)


def of_long(
    frame: pd.DataFrame, key: str, time: str, values: Sequence[str], target: str = LABEL, *, name: str = "long table"
) -> Dataset:
    """Make series of a long table, with a row for each step of each series.

    Parameters
    ----------
    frame : pandas.DataFrame
    key, time : str
        Columns that name the series and order its steps.
    values : sequence of str
        Columns of the channels.
    target : str
        Column of the class, the same in all rows of a series; so are other columns, or they are left out.
    name : str
        Of the data.

    Raises
    ------
    DataError
        If a column is missing, a series has two rows of one time or two classes, or values are no numbers.
    """
    values = list(values)
    roles = [key, time, *values, target]
    if shared := [column for column in roles if roles.count(column) > 1]:
        raise DataError(
            f"key, time, values and target of a long table must be different columns, got {shared[0][:60]!r} twice: "
            "name another."
        )
    for column in roles:
        require_column(frame, name, "column", column, ())
    if frame[[key, time]].isna().any().any():
        raise DataError(f"every row must have a {key!r} and a {time!r}, and some have none: fill or drop them.")
    if (twice := frame.duplicated([key, time])).any():
        odd = str(frame.loc[twice, key].iloc[0])[:40]
        raise DataError(f"a series must have one row for each {time!r}, and {odd!r} has two: drop the others.")
    if odd_columns := [column for column in values if not pd.api.types.is_numeric_dtype(frame[column])]:
        raise DataError(f"values must be numbers, and column {odd_columns[0]!r} holds others: convert it.")
    groups = frame.sort_values([key, time], kind="stable").groupby(key, sort=True)
    others = [str(column) for column in frame if column not in (key, time, *values)]
    same = [column for column in others if (groups[column].nunique(dropna=False) == 1).all()]
    if target not in same:
        raise DataError(f"all rows of a series must have one class, and some in {target!r} have several: correct them.")
    series = [group[values].to_numpy(dtype=np.float64, na_value=np.nan).T for _, group in groups]
    columns = groups[same].first().reset_index(drop=True)
    left = [column for column in others if column not in same]
    said = (f"columns that change within a series are left out: {some(left)}",) if left else ()
    frame = columns.assign(**{SERIES: pd.Series(series, dtype=object)})
    return Dataset(name, frame, target, note="long table", said=said, encoders={SERIES: Curves()})


def save(path: Path | str, entries: np.ndarray, labels: Sequence[object]) -> None:
    """Write series (n, channels, time), NaN behind their end, with their classes (n,), as .npz or .ts.

    Raises
    ------
    DataError
        If the ending is another, there are not as many labels as series, or a class has a name that .ts cannot hold.
    """
    path, words = Path(path), [str(label) for label in labels]
    if len(words) != len(entries) or entries.ndim != 3:
        raise DataError(f"series must be (n, channels, time) with a label each, got {entries.shape} and {len(words)}.")
    if path.suffix.lower() == ".ts":
        cells = [np.asarray(cell) for cell in Curves().cells(entries)]
        atomic.write_file(path, partial(ts_file.write, name=path.stem, series=cells, labels=words), private=True)
    elif path.suffix.lower() == ".npz":
        atomic.write_file(path, partial(_write_arrays, entries=entries, labels=np.array(words)), private=True)
    else:
        raise DataError(f"series must be written as .npz or .ts, got {path.name[:60]!r}: give it one of these endings.")


def _write_arrays(path: Path, entries: np.ndarray, labels: np.ndarray) -> None:
    with path.open("wb") as file:  # numpy.savez would add an ending to the name
        np.savez_compressed(file, allow_pickle=False, **{SERIES: entries.astype(np.float32), LABEL: labels})


def _of_arrays(path: Path, target: str | None, labelled: bool) -> Dataset:
    """Read an archive of NumPy."""
    try:
        held = read_npz(path)
    except DataError as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"{path} must be an archive of arrays, and cannot be read ({why}): save it again.") from error
    series = held.pop(SERIES, None)
    if series is None or series.ndim not in (2, 3) or series.dtype.kind not in "fiu" or not series.size:
        got = "none" if series is None else f"{series.shape} of {series.dtype}"
        raise DataError(f"{path} must have an array 'series' (n, channels, time) or (n, time) of numbers, got {got}.")
    if odd := next((name for name, each in held.items() if each.shape != (len(series),)), None):
        raise DataError(f"other arrays in {path} must have one value a series, and {odd[:40]!r} has not: leave it out.")
    cells = list(series if series.ndim == 3 else series[:, None])
    return _dataset(
        path.stem, cells, {name: list(each) for name, each in held.items()}, target, "arrays of NumPy", labelled
    )


def _of_lists(path: Path, target: str | None, labelled: bool) -> Dataset:
    """Read a Parquet file with columns of lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        types = {each.name: each.type for each in pq.read_schema(own_file(path))}
        frame = read_frame(path).reset_index(drop=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"{path} must be a Parquet file, and cannot be read ({why}): write it again.") from error
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    found = [name for name, kind in types.items() if any(each(kind) for each in lists) and name in frame]
    if not found:
        raise DataError(f"{path} must have a column of lists of numbers, and has none: use it as a table.")
    target = target or LABEL
    if labelled:
        require_column(frame, path.name, "target", target, ())
    return Dataset(path.name, frame, target, note="Parquet", encoders={name: Curves() for name in found})


def _dataset(
    name: str,
    series: Sequence[np.ndarray],
    columns: dict[str, list[object]] | dict[str, list[str]],
    target: str | None,
    note: str,
    labelled: bool,
) -> Dataset:
    frame = pd.DataFrame({**columns, SERIES: pd.Series(list(series), dtype=object)})
    target = target or LABEL
    if labelled:
        require_column(frame, name, "target", target, ())
    return Dataset(name, frame, target, note=note, encoders={SERIES: Curves()})
