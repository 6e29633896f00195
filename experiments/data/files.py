"""Reading tables strictly from files, and writing them atomically."""

import csv
import hashlib
import warnings
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from pandas.api.types import is_string_dtype

from experiments.data.columns import without
from experiments.data.csv_cells import Told, has_codes, is_whole, understood, with_exact
from experiments.data.csv_format import SEPARATORS, CsvFormat, check_separator, opened, why_unreadable
from experiments.data.parquet import read_parquet
from loop.data.intake import named
from loop.data.parquet_file import write_frame
from loop.errors import DataError
from loop.support import atomic
from loop.types import Column, Schema

PARQUET = ".parquet"


@dataclass(frozen=True)
class Reading:
    """How a file is read."""

    format: CsvFormat = field(default_factory=CsvFormat)
    drop: Collection[str] = ()  # columns that are left out
    text: Collection[str] = ()  # columns of a CSV that are text, whatever their values look like
    numbers: Collection[str] = ()  # columns of a CSV that are numbers, whatever zeros they begin with
    roles: Collection[str] = ()  # columns of a CSV of which no value is replaced: target, group
    time: str | None = None  # the same, but dates are read as such
    rows_in_memory: int = 500_000  # that are drawn of a folder of Parquet files


@dataclass(frozen=True, eq=False)
class TableFile:
    """The table of a file, and what was done to it, a sentence each."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def digests(names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each name that is a file."""
    return {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in sorted(set(names)) if Path(name).is_file()
    }


def is_table(path: Path) -> bool:
    """Tell whether a path has the name of a table that `read_file` reads."""
    return ending_of(path) is not None


def ending_of(path: Path) -> str | None:
    """Return the ending by which the kind of a table's file is known, such as ``.csv.gz``; None if it is none."""
    return next((end for end in (*SEPARATORS, PARQUET) if path.name.lower().endswith(end)), None)


def read_table(path: Path, text: Collection[str] = ()) -> pd.DataFrame:
    """Return the table that `read_file` reads, without its notes."""
    return read_file(path, Reading(text=text)).frame


def read_file(path: Path, reading: Reading | None = None) -> TableFile:
    """Read a .csv, .csv.gz, .tsv or .parquet file strictly; nothing in it is executed.

    In a CSV an empty or blank field is missing; so is a word such as NA or null among numbers, booleans or dates. In a
    column of text such a word is kept. See `experiments.data.csv_cells` for what is recognised.

    Parameters
    ----------
    path : Path
    reading : Reading, optional

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind or unreadable, or a column has no name or the name of another.
    ConfigError
        If separator and decimal sign are the same.
    """
    reading = reading or Reading()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"A source must be a file, and {path} {what}: check the path, seen from {Path.cwd()}.")
    if path.stat().st_size == 0:
        raise DataError(f"A file must hold a header and rows, and {path} is empty: export it again.")
    read = _read(path, reading)
    if read.frame.empty:
        raise DataError(f"A file must hold rows and columns, and {path} has {read.frame.shape}: export it again.")
    return TableFile(named(read.frame), read.notes)


def _read(path: Path, reading: Reading) -> TableFile:
    ending = ending_of(path)
    if ending is None:
        raise DataError(f"A file must end in .csv, .csv.gz, .tsv or .parquet, got {path.name}: convert or rename it.")
    if ending == PARQUET and reading.format.given:
        raise DataError(f"sep, encoding and decimal are those of CSV files, and {path} is none: leave them out.")
    sep = "" if ending == PARQUET else reading.format.separator(ending)
    try:
        return TableFile(*read_parquet(path, reading.drop)) if ending == PARQUET else _read_csv(path, sep, reading)
    except (OSError, EOFError, ValueError, zlib.error, csv.Error, pd.errors.ParserWarning) as error:
        if isinstance(error, DataError):
            raise
        first_line = str(error).strip().partition("\n")[0]
        seems = why_unreadable(path, sep, reading.format.encoding, error) if sep else None
        told = seems or f"{first_line}: export it again"
        raise DataError(f"{path} must be a readable {ending} file, but {told}.") from error


def _read_csv(path: Path, sep: str, reading: Reading) -> TableFile:
    """Read a CSV strictly: pandas by itself renames columns of the same name and drops surplus fields."""
    check_separator(path, sep, reading.format.encoding)
    header = _parsed(path, sep, reading, header=None, nrows=1, dtype="str").iloc[0]
    unnamed = _check_header(path, header)
    usual: dict[str, Any] = {"index_col": False, "low_memory": False, "na_values": [""]}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        text = dict.fromkeys(sorted(set(reading.text) & set(header)), "str")
        frame = _parsed(path, sep, reading, dtype=text, **usual)
    _check_lengths(path, sep, len(header), reading.format.encoding)
    notes = list[str]()
    if unnamed:
        frame, left_out = _without_numbers_of_rows(path, frame)
        notes.append(left_out)
    frame = without(frame, path.name, reading.drop)
    looked_at = [name for name in frame if name not in reading.text and is_whole(frame[name])]
    cells = _parsed(path, sep, reading, dtype="str", usecols=looked_at, **usual) if looked_at else frame[[]]
    for name in frame.columns.difference(list(reading.text), sort=False):
        told = _told(name, reading)
        values = frame[name]
        if name in cells:
            frame[name], said = _whole(values, cells[name], told)
        else:
            frame[name], said = understood(_as_text(values), told)
        notes += said
    return TableFile(frame, tuple(notes))


def _parsed(path: Path, sep: str, reading: Reading, **options: Any) -> pd.DataFrame:
    """Parse a CSV by pandas, which takes no word for a missing value by itself."""
    encoding, decimal = reading.format.encoding or "utf-8", reading.format.decimal or "."
    frame: pd.DataFrame = pd.read_csv(
        path, sep=sep, encoding=encoding, decimal=decimal, keep_default_na=False, **options
    )
    return frame


def _told(name: str, reading: Reading) -> Told:
    role = name in reading.roles
    return Told(name, reading.format.decimal or ".", name in reading.numbers, role or name == reading.time, not role)


def _as_text(values: pd.Series) -> pd.Series:
    """Return Python's integers, which pandas makes of more than 64 bits, as text; other columns as they are."""
    if values.dtype == object and not is_string_dtype(values) and values.map(type).isin([int, float]).all():
        return values.map(str, na_action="ignore").astype("str")
    return values


def _whole(values: pd.Series, cells: pd.Series, told: Told) -> tuple[pd.Series, tuple[str, ...]]:
    """Return a column of whole numbers as they are, as text if they are codes, or exactly if they are large."""
    if told.number or not has_codes(cells):
        return with_exact(values, cells), ()
    first = cells[cells.str.fullmatch(r"[+-]?0\d+", na=False)].iloc[0]
    return cells, (f"{told.name}: read as text, as {first!r} begins with a zero that a number would lose",)


def _check_header(path: Path, header: pd.Series) -> bool:
    """Raise DataError unless every column has a name of its own; return whether the first one, an index, has none."""
    unnamed = [position for position, name in enumerate(header, start=1) if not name.strip()]
    twice = sorted(set(header[header.duplicated()]))
    if unnamed[:2] == [1] and len(header) > 1 and not twice:
        return True
    if unnamed or twice:
        fault = f"column {unnamed[0]} has none" if unnamed else f"{twice[0]!r} occurs more than once"
        raise DataError(f"Every column must have a name of its own, and in {path} {fault}: correct the header.")
    return False


def _without_numbers_of_rows(path: Path, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Leave out a first column without a name that numbers the rows, as data frames write their index."""
    first = frame.iloc[:, 0]
    if not pd.api.types.is_integer_dtype(first) or first.duplicated().any():
        raise DataError(
            f"Every column must have a name of its own, and in {path} column 1 has none and does not number the rows: "
            "correct the header."
        )
    return frame.iloc[:, 1:], f"{path.name}: the first column has no name and numbers the rows; it is left out"


def _check_lengths(path: Path, separator: str, width: int, encoding: str | None) -> None:
    """Raise DataError for rows with too few fields, which pandas fills silently."""
    with opened(path, encoding) as file:
        reader = csv.reader(file, delimiter=separator)
        for row in reader:
            if row and len(row) < width:
                raise DataError(
                    f"every row must have {width} fields, line {reader.line_num} of {path} has {len(row)}: correct it."
                )


def reading_of(schema: Schema, form: CsvFormat | None = None, text: Collection[str] = ()) -> Reading:
    """Return how rows for a model are read: what its schema knows as text or numbers is read as such."""
    known = [column for column in schema.columns if column.kind in ("numeric", "integer") or _whole_numbers(column)]
    numbers = [column.name for column in known]
    beside = [array.column for array in schema.arrays]  # of a CSV they are texts
    return Reading(form or CsvFormat(), text=[*texts(schema), *text, *beside], numbers=numbers)


def _whole_numbers(column: Column) -> bool:
    return bool(column.categories) and all(isinstance(value, int) for value in column.categories)


def texts(schema: Schema) -> list[str]:
    """Return the columns of a schema whose categories are text."""
    return [
        column.name
        for column in schema.columns
        if column.kind == "categorical" and all(isinstance(value, str) for value in column.categories)
    ]


def write_table(frame: pd.DataFrame, path: Path, marks: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write a .csv or .parquet file atomically; a new one can be read by its owner alone.

    ``marks`` are words in the metadata of a Parquet file; a CSV has no place for them.
    """
    if path.suffix == ".csv":
        write = partial(frame.to_csv, index=False)
    else:
        write = partial(write_frame, frame, marks=marks)
    atomic.write_file(path, write, private=True)
