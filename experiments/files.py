"""Tables from files, read strictly and written whole."""

import warnings
import zlib
from pathlib import Path

import pandas as pd

from loop.errors import DataError

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}


def read_table(path: Path) -> pd.DataFrame:
    """Read a .csv, .csv.gz, .tsv or .parquet file strictly; nothing in it is executed.

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind or unreadable, or a column has no name of its own.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"A source must be a file, and {path} {what}: check the path, seen from {Path.cwd()}.")
    if path.stat().st_size == 0:
        raise DataError(f"A file must hold a header and rows, and {path} is empty: export it again.")
    frame = _read(path)
    if frame.empty:
        raise DataError(f"A file must hold rows and columns, and {path} has {frame.shape}: export it again.")
    return frame


def _read(path: Path) -> pd.DataFrame:
    ending = next((end for end in (*_SEPARATORS, ".parquet") if path.name.lower().endswith(end)), None)
    if ending is None:
        raise DataError(f"A file must end in .csv, .csv.gz, .tsv or .parquet, got {path.name}: convert or rename it.")
    try:
        return pd.read_parquet(path) if ending == ".parquet" else _read_csv(path, _SEPARATORS[ending])
    except (OSError, EOFError, ValueError, zlib.error, pd.errors.ParserWarning) as error:
        if isinstance(error, DataError):
            raise
        first_line = str(error).strip().partition("\n")[0]
        raise DataError(f"{path} must be a readable {ending} file, but {first_line}: export it again.") from error


def _read_csv(path: Path, separator: str) -> pd.DataFrame:
    """Read a CSV strictly: pandas by itself renames columns of the same name and drops surplus fields."""
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0]
    unnamed = [position for position, name in enumerate(header, start=1) if not name.strip()]
    twice = sorted(set(header[header.duplicated()]))
    if unnamed or twice:
        fault = f"column {unnamed[0]} has none" if unnamed else f"{twice[0]!r} occurs more than once"
        raise DataError(f"Every column must have a name of its own, and in {path} {fault}: mend the header.")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, sep=separator, index_col=False, low_memory=False)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a .csv or .parquet file under a temporary name and rename it, so that it is whole or not there."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            frame.to_csv(partial, index=False)
        else:
            frame.to_parquet(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
