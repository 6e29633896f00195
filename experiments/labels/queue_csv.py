"""A queue as a CSV file that people fill in with a spreadsheet, and the reading of such files.

Text that a spreadsheet would run as a formula gets an apostrophe before it, see `experiments.data.spreadsheet`. Numbers
are written as they are. The file begins with the byte order mark by which Excel knows UTF-8.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path

import pandas as pd

from experiments.data.spreadsheet import guarded
from experiments.labels.columns import check_queue, values_of
from loop.errors import DataError
from loop.support import atomic

SEPARATORS = (",", ";", "\t")  # a spreadsheet saves with the one of its country


def write_csv(queue: pd.DataFrame, path: Path) -> None:
    """Write a queue to a CSV file, whole or not at all.

    Missing values are empty. Halves of surrogate pairs, which UTF-8 cannot hold, are written as ``\\udc80``.

    Parameters
    ----------
    queue : DataFrame, (n, 8 + d)
        See `experiments.labels.columns.queue_of`.
    path : Path

    Raises
    ------
    DataError
        If the frame is no queue.
    """
    check_queue(queue)
    atomic.write_file(path, partial(_write, queue), private=True)


def read_lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV that are not empty, each with its number in the file; fields may be of any length.

    Raises
    ------
    DataError
        If a quote is not closed, or stands where it cannot.
    """
    with _fields_up_to(len(text)):
        lines = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            for fields in lines:
                if any(fields):
                    yield lines.line_num, fields
        except csv.Error as error:
            raise DataError(f"line {lines.line_num} must be CSV, but {error}: export it again.") from error


def _write(queue: pd.DataFrame, path: Path) -> None:
    cells = [[guarded(value) for value in values_of(queue.iloc[:, place])] for place in range(queue.shape[1])]
    with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)  # quotes keep ; and = inside their cell
        writer.writerow([guarded(str(name)) for name in queue.columns])
        writer.writerows(zip(*cells, strict=True))


@contextmanager
def _fields_up_to(characters: int) -> Iterator[None]:
    """Let the csv module read fields as long as a whole file; it refuses more than 131,072 characters otherwise."""
    before = csv.field_size_limit(max(characters, csv.field_size_limit()))
    try:
        yield
    finally:
        csv.field_size_limit(before)
