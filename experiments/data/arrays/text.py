"""Texts as data: named columns of a table, or a folder of .txt files by class; and a table of texts written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from experiments.data.arrays.folders import files_by_class
from experiments.data.files import write_table
from experiments.data.sources import Dataset
from learners.encoders.words import LONGEST, Words
from loop.data.intake import require
from loop.errors import DataError
from loop.support.own_files import own_file, own_name

TEXT, LABEL = "text", "label"
LARGEST = 2**20  # bytes of a .txt file
MOST_FILES = 500_000
ENDING = ".txt"


def with_texts(dataset: Dataset, columns: Sequence[str]) -> Dataset:
    """Return a table in which some columns are texts, for parts that read words.

    Parameters
    ----------
    dataset : Dataset
    columns : sequence of str
        Their names; a CSV must have been read with these as text. A missing text is empty.

    Raises
    ------
    DataError
        If a column is missing, has another role, is named twice or holds what is no text.
    """
    require(columns, dataset.frame)
    if twice := next((name for name in columns if list(columns).count(name) > 1), None):
        raise DataError(f"text must name each column once, got {twice[:40]!r} twice: leave one out.")
    if taken := next(
        (name for name in columns if name in (*dataset.roles, *dataset.date_parts, *dataset.encoders)), None
    ):
        raise DataError(f"text must name columns of features, and {taken[:40]!r} has another role: leave it out.")
    frame = dataset.frame
    for name in columns:
        try:
            texts = Words().stacked(frame[name].tolist()).tolist()
        except DataError as error:
            raise DataError(f"text {name[:40]!r} cannot be read: {error}") from error
        frame = frame.assign(**{name: pd.Series(texts, index=frame.index, dtype=object)})
    return replace(dataset, frame=frame, encoders={**dataset.encoders, **{name: Words() for name in columns}})


def load(path: Path, target: str | None = None, *, labelled: bool = True) -> Dataset:
    """Read a folder that has a folder for each class, with a .txt file in UTF-8 for each text.

    Parameters
    ----------
    path : Path
    target : str, optional
        Name of the column of classes; None = ``label``.
    labelled : bool
        Whether there must be two classes.

    Returns
    -------
    Dataset
        With the column ``text``.

    Raises
    ------
    DataError
        If there are no two classes, a file is too large, no UTF-8 or leads out of the folder, or there are too many.
    """
    if not path.is_dir():
        raise DataError(
            f"texts by class must be in a folder with a folder for each class, and {path} is none: check it."
        )
    target = LABEL if target is None else target
    if target == TEXT:
        raise DataError(f"target must not be {TEXT!r}, which is the column of texts: name another.")
    rows, others = list[tuple[str, str]](), 0
    for file in files_by_class(path):
        if file.suffix.lower() != ENDING:
            others += 1
            continue
        if len(rows) == MOST_FILES:
            raise DataError(f"a folder of texts must hold at most {MOST_FILES:,} files, {path} has more: use a CSV.")
        rows.append((_read(file, path), own_name(file.parent, path)))
    if labelled and len({label for _, label in rows}) < 2:
        raise DataError(
            f"a folder of texts must have two folders with {ENDING} files at least, {path} has not: add them."
        )
    said = (f"{path.name}: {others:,} files that do not end in {ENDING} are left out",) if others else ()
    frame = pd.DataFrame(rows, columns=[TEXT, target])
    return with_texts(Dataset(path.resolve().name, frame, target, said=said), [TEXT])


def save(path: Path, entries: Sequence[str], labels: Sequence[object]) -> None:
    """Write texts with their labels to a .csv or .parquet file, in the columns ``text`` and ``label``.

    They are written as `Words.stacked` takes them, so that a CSV can hold them.

    Raises
    ------
    DataError
        If there are not as many labels as texts, or the file ends otherwise.
    """
    if len(entries) != len(labels):
        raise DataError(f"each text must have a label, got {len(entries)} texts and {len(labels)} labels: give both.")
    if path.suffix not in (".csv", ".parquet"):
        raise DataError(f"texts must be written to a .csv or .parquet file, got {path.name[:60]!r}: rename it.")
    texts = Words(most_characters=LONGEST).stacked([str(text) for text in entries]).tolist()
    write_table(pd.DataFrame({TEXT: texts, LABEL: list(labels)}), path)


def _read(file: Path, home: Path) -> str:
    try:
        return own_file(file, home, LARGEST).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # own_file; UnicodeDecodeError
        why = "is no UTF-8" if isinstance(error, UnicodeDecodeError) else f"is not ({str(error)[:80]})"
        raise DataError(
            f"a text must be a regular file in its folder, of at most {LARGEST:,} bytes in UTF-8, and {file} {why}: "
            "convert or remove it."
        ) from error
