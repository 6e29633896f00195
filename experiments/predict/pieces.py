"""A file of rows in pieces that fit into memory, each a file of the same kind that reads as the whole does."""

import csv
import gzip
import tempfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from experiments.data.csv_format import CsvFormat
from loop.errors import DataError

ROWS = 100_000  # of a piece
SMALL = 50 * 2**20  # bytes up to which text is one piece
BROKEN = (OSError, EOFError, ValueError, zlib.error, csv.Error)


def pieces(path: Path, form: CsvFormat | None = None) -> Iterator[Path]:
    """Yield files that together hold the rows of a file, in order; each is gone once the next is asked for.

    A Parquet file is taken apart by its row groups, text by its records. A small file, or one that cannot be read, is
    yielded itself, so that whoever reads it says what is wrong.

    Raises
    ------
    DataError
        If a large file breaks off.
    """
    if not path.is_file():
        yield path
    elif path.name.lower().endswith(".parquet"):
        yield from _of_parquet(path)
    elif path.stat().st_size <= SMALL or _is_wide(form):
        yield path
    else:
        yield from _of_text(path, None if form is None else form.sep)


def _is_wide(form: CsvFormat | None) -> bool:
    """Tell whether characters take several bytes each, as in UTF-16: such text is read as a whole."""
    return form is not None and form.encoding is not None and len("\n".encode(form.encoding)) > 1


def _of_parquet(path: Path) -> Iterator[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except BROKEN:
        yield path
        return
    with file, tempfile.TemporaryDirectory() as folder:
        if file.metadata.num_rows <= ROWS:
            yield path
            return
        batches, first = file.iter_batches(batch_size=ROWS), 1
        while True:
            try:
                batch = next(batches, None)
            except BROKEN as error:
                raise _broken(path, error) from error
            if batch is None:
                return
            piece = Path(folder) / _name(path.name, first, first + len(batch) - 1)
            pq.write_table(pa.Table.from_batches([batch]).replace_schema_metadata(file.schema_arrow.metadata), piece)
            yield piece
            piece.unlink()
            first += len(batch)


def _of_text(path: Path, sep: str | None) -> Iterator[Path]:
    packed = path.name.lower().endswith(".gz")
    name = path.name[: -len(".gz")] if packed else path.name
    unpack = gzip.open if packed else open
    separator = sep or ("\t" if name.lower().endswith(".tsv") else ",")
    # Bytes as they are: whoever reads a piece decodes it.
    with unpack(path, "rt", encoding="latin-1", newline="") as file, tempfile.TemporaryDirectory() as folder:
        records, first = _records(file, separator, path), 1
        header = next(records, "")
        while some := list(islice(records, ROWS)):
            piece = Path(folder) / _name(name, first, first + len(some) - 1)
            with piece.open("w", encoding="latin-1", newline="") as out:
                out.writelines([header, *some])
            yield piece
            piece.unlink()
            first += len(some)


def _records(file: IO[str], separator: str, path: Path) -> Iterator[str]:
    """Yield the text of each record, which may have line breaks between quotes; blank lines are left out."""
    lines: list[str] = []

    def kept() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    try:
        for fields in csv.reader(kept(), delimiter=separator):
            if fields:
                yield "".join(lines)
            lines.clear()
    except BROKEN as error:
        raise _broken(path, error) from error


def _name(name: str, first: int, last: int) -> str:
    return f"rows {first} to {last} of {name}"


def _broken(path: Path, error: Exception) -> DataError:
    why = str(error).strip().partition("\n")[0]
    return DataError(f"a file must be readable to its end, and {path} is not ({why}): export it again.")
