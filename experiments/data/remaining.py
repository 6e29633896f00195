"""The file of a table as if some of its rows had never been in it: what a run reads after rows were retracted.

Of a CSV the records are left out and every other byte stays, so types are inferred from what remains, as they would be
from the file without the rows. The digest is of what remains: nobody can try out with it what the rows were.
"""

import csv
import gzip
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

import numpy as np

from experiments.data.csv_format import CsvFormat
from experiments.data.files import PARQUET, ending_of
from loop.errors import DataError

PIECE = 2**20  # bytes read at once
HEADER = -1  # its number: the first row below it is row 0


def content_digest(path: Path) -> str:
    """Return the SHA-256 of the rows of a file, compressed or not: of the text of a CSV, of the table of Parquet."""
    if ending_of(path) == PARQUET:
        return hashlib.sha256(_arrow_bytes(path)).hexdigest()
    digest = hashlib.sha256()
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def as_if_never(source: Path, rows: np.ndarray, digest: str, form: CsvFormat) -> Iterator[Path]:
    """Yield a file of the same name without some rows: the source itself once its owner has removed them.

    Parameters
    ----------
    source : Path
    rows : ndarray of shape (m,), int
        Numbers of the rows left out, from 0.
    digest : str
        Of what remains, see `content_digest`.
    form : CsvFormat
        How the source is written if it is a CSV.

    Raises
    ------
    DataError
        If what remains is not what it was.
    """
    if not source.is_file() or content_digest(source) == digest:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="weakspot-") as scratch:
        path = Path(scratch) / source.name
        write_without(source, rows, form, path)
        if content_digest(path) != digest:
            raise DataError(
                f"rows can be left out only of the file they were named in, and {source} has changed since: bring back "
                "that file, or start a new run on this one without data.without."
            )
        yield path


def write_without(source: Path, rows: np.ndarray, form: CsvFormat, path: Path) -> int:
    """Write a file without some rows (m,), int from 0; return the number of rows that remain."""
    if ending_of(source) == PARQUET:
        return _parquet_without(source, rows, path)
    left_out, kept = set(rows.tolist()), 0
    with ExitStack() as stack:
        text, out = _opened(source, path, form.encoding or "utf-8", stack)
        for number, lines in _records(text, form.separator(str(ending_of(source)))):
            if number not in left_out:
                kept += number is not None and number != HEADER
                out.writelines(lines)
    return kept


def line_numbers(source: Path, rows: Iterable[int], form: CsvFormat) -> dict[int, int]:
    """Return the line of a CSV, from 1, on which each row begins; nothing for Parquet."""
    if ending_of(source) in (PARQUET, None):
        return {}
    wanted, found, line = set(rows), dict[int, int](), 1
    with ExitStack() as stack:
        text, _ = _opened(source, None, form.encoding or "utf-8", stack)
        for number, lines in _records(text, form.separator(str(ending_of(source)))):
            if number in wanted:
                found[number] = line
            line += len(lines)
    return found


def _opened(source: Path, path: Path | None, encoding: str, stack: ExitStack) -> tuple[IO[str], IO[str]]:
    """Open a CSV to read and one to write, both with the line ends as they are."""
    packed = source.suffix == ".gz"
    unpack = gzip.open if packed else open
    text: IO[str] = stack.enter_context(unpack(source, "rt", encoding=encoding, newline=""))
    if path is None:
        return text, text
    raw: IO[bytes] = stack.enter_context(path.open("wb"))
    if packed:  # no time and no name inside, so that equal rows give equal bytes
        raw = cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0)))
    return text, stack.enter_context(TextIOWrapper(raw, encoding=encoding, newline="", write_through=True))


def _records(lines: IO[str], sep: str) -> Iterator[tuple[int | None, list[str]]]:
    """Yield the number of each record of a CSV, None for a blank line, and the lines that it takes."""
    taken, number = list[str](), HEADER

    def tapped() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    for fields in csv.reader(tapped(), delimiter=sep):
        yield number if fields else None, list(taken)
        number += bool(fields)
        taken.clear()


def _parquet_without(source: Path, rows: np.ndarray, path: Path) -> int:
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    keep = np.ones(len(table), dtype=bool)
    keep[rows] = False
    pq.write_table(table.filter(keep), path)
    return int(keep.sum())


def _arrow_bytes(path: Path) -> bytes:
    """Return the table of a Parquet file in one piece, without what its writer noted beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table, sink = pq.read_table(path).replace_schema_metadata(None).combine_chunks(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
