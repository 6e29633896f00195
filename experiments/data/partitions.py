"""A folder of Parquet files with more rows than fit into memory: its row groups, and a sample of its rows.

The files must have the same columns of the same types. Rows are numbered through all files, in the order of the names.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.data.files import PARQUET, Reading, TableFile, read_file
from loop.errors import DataError
from loop.seeds import stream

ROWS = 100_000  # that are read at a time


@dataclass(frozen=True)
class RowGroup:
    """A group of rows that Parquet stores together."""

    path: Path
    number: int  # in its file
    first: int  # number of its first row in the folder
    rows: int


def files_of(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder by name.

    Raises
    ------
    DataError
        If there is none.
    """
    found = sorted(path for path in folder.iterdir() if path.name.lower().endswith(PARQUET) and path.is_file())
    if not found:
        below = any(path.name.lower().endswith(PARQUET) for path in folder.glob("*/*"))
        way_out = "name the folder that holds them itself" if below else "write some, or name another folder"
        raise DataError(f"A folder of data must hold files that end in .parquet, and {folder} has none: {way_out}.")
    return found


def stamp(folder: Path) -> list[int]:
    """Return size in bytes and latest modification time in ns of a folder's files, to notice changes."""
    told = [path.stat() for path in files_of(folder)]
    return [sum(each.st_size for each in told), max(each.st_mtime_ns for each in told)]


def row_groups(folder: Path) -> list[RowGroup]:
    """Return the row groups of a folder that have rows, in order.

    Raises
    ------
    DataError
        If there are no rows, a file cannot be read, or its columns or their types differ from those of the first.
    """
    found, first, known = list[RowGroup](), 0, dict[str, tuple[str, str]]()
    names: set[str] | None = None
    for path in files_of(folder):
        schema, counts = _opened(path, lambda file: (file.schema_arrow, _counts(file)))
        _check_types(path, schema, known)
        names = names or set(schema.names)
        if names != set(schema.names):
            odd = sorted(names ^ set(schema.names))[0]
            has = "has" if odd in schema.names else "lacks"
            raise DataError(f"All files of a folder must have the same columns, and {path} {has} {odd!r}: correct it.")
        for number, rows in enumerate(counts):
            if rows:
                found.append(RowGroup(path, number, first, rows))
            first += rows
    if not first:
        raise DataError(f"A folder of data must hold rows, and the files of {folder} have none: export them again.")
    return found


def frames(group: RowGroup, reading: Reading) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield the rows of a group in parts that fit into memory, each with the number of its first row.

    Each part is read as a file of its own, so there is one way in which Parquet becomes a frame.

    Raises
    ------
    DataError
        If it cannot be read, or a column to be left out is not there.
    """
    first = group.first
    with tempfile.TemporaryDirectory() as folder:
        for batch, metadata in _batches(group):
            # Its name is what a message about it shows.
            part = Path(folder) / f"rows {first:,} to {first + len(batch) - 1:,}, in {group.path.name}"
            _write(part, [batch], metadata)
            yield first, read_file(part, reading).frame
            part.unlink()
            first += len(batch)


def drawn(groups: Sequence[RowGroup], rows: int) -> list[np.ndarray]:
    """Draw rows from all groups, each row with the same probability; all rows if there are no more.

    The draw depends on the numbers of rows alone.

    Parameters
    ----------
    groups : sequence of RowGroup
    rows : int
        To draw.

    Returns
    -------
    list of ndarray
        For each group, the ascending positions (m,) in it.
    """
    counts = np.array([group.rows for group in groups])
    if counts.sum() <= rows:
        return [np.arange(count) for count in counts]
    own = stream(0, "rows in memory").multivariate_hypergeometric(counts, rows, method="marginals")
    return [
        np.sort(stream(0, "rows in memory", group.first).choice(group.rows, number, replace=False, shuffle=False))
        for group, number in zip(groups, own, strict=True)
    ]


def numbers_drawn(groups: Sequence[RowGroup], rows: int) -> np.ndarray:
    """Return the numbers (m,) of the rows that `drawn` draws."""
    return np.concatenate([group.first + at for group, at in zip(groups, drawn(groups, rows), strict=True)])


def read_sample(folder: Path, reading: Reading) -> TableFile:
    """Read rows drawn from a folder, at most ``rows_in_memory``, see `drawn`.

    Raises
    ------
    DataError
        As `row_groups` and `read_file` do.
    """
    groups = row_groups(folder)
    in_all = sum(group.rows for group in groups)
    with tempfile.TemporaryDirectory() as scratch:
        part = Path(scratch) / f"sample of {folder.resolve().name}{PARQUET}"
        taken, metadata = list[Any](), None
        for group, at in zip(groups, drawn(groups, reading.rows_in_memory), strict=True):
            begin = 0
            for batch, told in _batches(group) if len(at) else ():
                inside = at[(at >= begin) & (at < begin + len(batch))] - begin
                taken.append(batch.take(inside))
                metadata = metadata or told
                begin += len(batch)
        _write(part, taken, metadata)
        taken.clear()
        file = read_file(part, reading)
    said = f"{folder}: {len(file.frame):,} of {in_all:,} rows drawn at random (data.rows_in_memory)"
    return TableFile(file.frame, (*([said] if len(file.frame) < in_all else []), *file.notes))


def _batches(group: RowGroup) -> Iterator[tuple[Any, Any]]:
    """Yield the rows of a group as Arrow holds them, with what is told of them."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(group.path) as file:
            for batch in file.iter_batches(batch_size=ROWS, row_groups=[group.number]):
                yield batch, file.schema_arrow.metadata
    except (OSError, ValueError) as error:
        raise _unreadable(group.path, error) from error


def _write(path: Path, batches: Sequence[Any], metadata: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [pa.Table.from_batches([batch]).replace_schema_metadata(None) for batch in batches]
    pq.write_table(pa.concat_tables(tables, promote_options="default").replace_schema_metadata(metadata), path)


def _counts(file: Any) -> list[int]:
    return [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]


def _check_types(path: Path, schema: Any, known: dict[str, tuple[str, str]]) -> None:
    """Note the type of each column, with the file that has it; refuse another type."""
    for field in schema:
        told = (
            str(getattr(field.type, "value_type", field.type)) if "dictionary" in str(field.type) else str(field.type)
        )
        if told == "null":  # no value at all
            continue
        type_, where = known.setdefault(field.name, (told, path.name))
        if type_ != told:
            raise DataError(
                f"A column must have one type in all files of a folder, and {field.name!r} is {told} in {path} and "
                f"{type_} in {where}: write them again with one type."
            )


def _opened(path: Path, look: Callable[[Any], Any]) -> Any:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return look(file)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    why = " ".join(str(error).split())[:100]
    return DataError(f"{path} must be a readable .parquet file, but {why}: export it again.")
