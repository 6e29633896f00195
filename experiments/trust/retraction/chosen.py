"""Which rows are to be forgotten: their numbers in the source file, from a list of numbers or ids, or from a group."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.config.data_config import NONE, DataConfig
from experiments.data.files import Reading, ending_of, read_file
from loop.errors import ConfigError, DataError

ROW = "row"  # column of row numbers, from 0, the header not counted


def source_of(data: DataConfig) -> Path:
    """Return the file that a run read.

    Raises
    ------
    ConfigError
        If it read none.
    """
    path = Path(data.source)
    if not path.is_file() or ending_of(path) is None:
        raise ConfigError(f"rows can be retracted from a file, and {data.source!r} is none: save its table as a file.")
    return path


def rows_listed(data: DataConfig, ids: Path, by: str | None) -> np.ndarray:
    """Return the rows (m,) int64 that a CSV lists.

    Parameters
    ----------
    data : DataConfig
        Where the rows are.
    ids : Path
        A CSV with a column of row numbers, from 0, named ``row``, or of values of the column ``by``, named as that is.
    by : str or None
        Column of the source that the ids are of; all rows with such an id are meant.

    Raises
    ------
    ConfigError, DataError
        If a column is missing, or a number or an id is of no row.
    """
    listed = _text(read_file(ids, Reading(text=[by or ROW])).frame, by or ROW, ids).dropna().str.strip().unique()
    if by is not None:
        return _rows_with(data, by, listed)
    n = len(read_file(source_of(data), Reading(data.format)).frame)
    odd = [each for each in listed if not (str(each).isdecimal() and int(each) < n)]
    if odd:
        raise DataError(
            f"{ROW} must hold numbers from 0 to {n - 1}, the first row below the header being 0, and {ids} has "
            f"{odd[0]!r}: correct it, or name a column of ids with --by."
        )
    return np.unique(listed.astype(np.int64))


def rows_of_group(data: DataConfig, group: str) -> np.ndarray:
    """Return all rows (m,) int64 of a group, such as a card.

    Raises
    ------
    ConfigError, DataError
        If the run knew no groups, or none of this name.
    """
    if data.group in (None, NONE):
        raise ConfigError("--group needs a run with groups, and this one has none: list rows with --rows.")
    return _rows_with(data, str(data.group), np.array([group.strip()], dtype=object))


def copies(data: DataConfig, rows: np.ndarray) -> int:
    """Count the rows that are not among these (m,) and equal one of them in every column."""
    frame = read_file(source_of(data), Reading(data.format)).frame
    digest = pd.util.hash_pandas_object(frame.astype("str"), index=False).to_numpy()
    equal = np.isin(digest, digest[rows])
    equal[rows] = False
    return int(equal.sum())


def _rows_with(data: DataConfig, column: str, wanted: np.ndarray) -> np.ndarray:
    source = source_of(data)
    values = _text(read_file(source, Reading(data.format, text=[column])).frame, column, source).str.strip()
    missing = [each for each in wanted if each not in set(values.dropna())]
    if missing:
        raise DataError(
            f"every id must be one of the column {column!r} of {source}, and {len(missing):,} are not, such as "
            f"{missing[0]!r}: correct the list."
        )
    return np.flatnonzero(values.isin(wanted).to_numpy())


def _text(frame: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """Return a column as text; whole numbers that missing values made floats are written as whole numbers."""
    if column not in frame:
        some = ", ".join(map(str, list(frame)[:8]))
        raise DataError(f"{path} must have the column {column!r}, and it has {some}: name it so, or use --by.")
    values = frame[column]
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("str").where(values.notna())
