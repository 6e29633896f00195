"""Reading tables strictly from files, and writing them atomically."""

import csv
import gzip
import hashlib
import warnings
import zlib
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from loop.errors import DataError
from loop.support import atomic
from loop.types import Schema

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}
_NO_VALUE = frozenset(["NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"])
_BOOLEAN = {"true": True, "false": False}


def digests(names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each name that is a file."""
    return {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in sorted(set(names)) if Path(name).is_file()
    }


def read_table(path: Path, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a .csv, .csv.gz, .tsv or .parquet file strictly; nothing in it is executed.

    In a CSV an empty field is missing; so is a word such as NA or null among numbers or booleans. In a column of text
    such a word is kept.

    Parameters
    ----------
    path : Path
    text : collection of str
        Columns of a CSV that are read as text, whatever their values look like.

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind or unreadable, or a column has no name or the name of another.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"A source must be a file, and {path} {what}: check the path, seen from {Path.cwd()}.")
    if path.stat().st_size == 0:
        raise DataError(f"A file must hold a header and rows, and {path} is empty: export it again.")
    frame = _read(path, text)
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise DataError(f"A file must hold rows and columns, and {path} has {frame.shape}: export it again.")
    return frame


def _read(path: Path, text: Collection[str]) -> pd.DataFrame:
    ending = next((end for end in (*_SEPARATORS, ".parquet") if path.name.lower().endswith(end)), None)
    if ending is None:
        raise DataError(f"A file must end in .csv, .csv.gz, .tsv or .parquet, got {path.name}: convert or rename it.")
    try:
        return pd.read_parquet(path) if ending == ".parquet" else _read_csv(path, _SEPARATORS[ending], text)
    except (OSError, EOFError, ValueError, zlib.error, csv.Error, pd.errors.ParserWarning) as error:
        if isinstance(error, DataError):
            raise
        first_line = str(error).strip().partition("\n")[0]
        raise DataError(f"{path} must be a readable {ending} file, but {first_line}: export it again.") from error


def _read_csv(path: Path, separator: str, text: Collection[str]) -> pd.DataFrame:
    """Read a CSV strictly: pandas by itself renames columns of the same name and drops surplus fields."""
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0]
    unnamed = [position for position, name in enumerate(header, start=1) if not name.strip()]
    twice = sorted(set(header[header.duplicated()]))
    if unnamed or twice:
        fault = f"column {unnamed[0]} has none" if unnamed else f"{twice[0]!r} occurs more than once"
        raise DataError(f"Every column must have a name of its own, and in {path} {fault}: correct the header.")
    kinds = dict.fromkeys(sorted(set(text) & set(header)), "str")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path, sep=separator, index_col=False, low_memory=False, keep_default_na=False, na_values=[""], dtype=kinds
        )
    _check_lengths(path, separator, len(header))
    for name in frame.columns.difference(list(text)):
        if pd.api.types.is_string_dtype(frame[name]):
            frame[name] = _without_words(frame[name])
    return frame


def _check_lengths(path: Path, separator: str, width: int) -> None:
    """Raise DataError for rows with too few fields, which pandas fills silently."""
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=separator)
        for row in reader:
            if row and len(row) < width:
                raise DataError(
                    f"every row must have {width} fields, line {reader.line_num} of {path} has {len(row)}: correct it."
                )


def _without_words(values: pd.Series) -> pd.Series:
    """Convert a column to numbers or booleans if all its other values are words for a missing value."""
    words = values.isin(_NO_VALUE)
    if not words.any():
        return values
    rest = values[~words].dropna()
    try:
        return pd.to_numeric(rest).reindex(values.index).astype("float64")
    except ValueError:  # pandas.to_numeric: a word among them
        pass
    if rest.str.lower().isin(_BOOLEAN).all():
        return rest.str.lower().map(_BOOLEAN).reindex(values.index).astype("boolean")
    return values


def texts(schema: Schema) -> list[str]:
    """Return the columns of a schema whose categories are text."""
    return [
        column.name
        for column in schema.columns
        if column.kind == "categorical" and all(isinstance(value, str) for value in column.categories)
    ]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a .csv or .parquet file atomically."""
    csv_file = path.suffix == ".csv"
    atomic.write_file(path, partial(frame.to_csv if csv_file else frame.to_parquet, index=False))
