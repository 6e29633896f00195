"""What a run has asked and what came back, in its folder ``labels``: batches of questions, answers, and snapshots.

A batch and a snapshot are written once and never changed, so that a run that learnt from a snapshot can be repeated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.files import read_table, write_table
from experiments.labels.answers import COLUMNS
from experiments.labels.columns import AUDIT, CHECK, KINDS
from loop.errors import DataError
from loop.support.atomic import replaced

LABELS, ANSWERS, ROWS, QUESTIONS = "labels", "answers.csv", "rows.parquet", "questions.csv"
BATCH, SNAPSHOT = "batch", "answered"  # folders, numbered from 001
ASKED = ("question", "kind", "inclusion")  # columns of the questions of a batch
JOINED = ("kind", "label", "judging", "row")  # columns of the questions of a snapshot


@dataclass(frozen=True, eq=False)
class Batch:
    """Questions of one batch, and the rows they ask about as the user knows them, line by line."""

    questions: pd.DataFrame  # (m, 3) the columns of `ASKED`
    rows: pd.DataFrame  # (m, d)


def batches(labels: Path) -> Sequence[Batch]:
    """Read the batches of a folder in order; none if there is no such folder.

    Raises
    ------
    DataError
        If one cannot be read, or is not as it was written.
    """
    return [_batch(folder) for folder in _numbered(labels, BATCH)]


def add_batch(labels: Path, batch: Batch, beside: Callable[[Path], object] = lambda folder: None) -> Path:
    """Write a batch under the next number, with what ``beside`` writes into its folder, or nothing; return the folder.

    A batch that people cannot see must not be there: its rows would never be asked about again.
    """
    return _write(labels, BATCH, batch.questions[list(ASKED)], batch.rows, beside)


def answers(labels: Path) -> pd.DataFrame:
    """Read all answers so far, (n, 4) text; empty if there are none."""
    path = labels / ANSWERS
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)[list(COLUMNS)].fillna("")
    except (ValueError, KeyError, OSError) as error:
        raise _damaged(path) from error


def keep_answers(labels: Path, frame: pd.DataFrame) -> None:
    """Write all answers, in place of the earlier file."""
    write_table(frame[list(COLUMNS)], labels / ANSWERS)


def add_snapshot(labels: Path, told: pd.DataFrame, rows: pd.DataFrame) -> Path:
    """Write what a run is to learn from under the next number; the last one is returned if it holds the same."""
    existing = _numbered(labels, SNAPSHOT)
    if existing:
        before, before_rows = snapshot(existing[-1])
        if before.equals(told[list(JOINED)].reset_index(drop=True)) and len(before_rows) == len(rows):
            return existing[-1]
    return _write(labels, SNAPSHOT, told[list(JOINED)], rows)


def snapshot(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a snapshot: the columns of `JOINED`, and the rows, line by line.

    Raises
    ------
    DataError
        If it cannot be read, or is not as it was written.
    """
    told, rows = _pair(folder, JOINED)
    judging, row = (pd.to_numeric(told[name], errors="coerce") for name in ("judging", "row"))
    check = told["kind"] == CHECK
    whole = np.isfinite(judging) & (judging >= 0) & told["kind"].isin(KINDS) & ((row >= 0) == check) & (row % 1 == 0)
    if not whole.all():
        raise _damaged(folder / QUESTIONS)
    return told.assign(judging=judging.astype(float), row=row.astype(np.int64)), rows


def _batch(folder: Path) -> Batch:
    questions, rows = _pair(folder, ASKED)
    chance = pd.to_numeric(questions["inclusion"], errors="coerce")
    drawn = questions["kind"] == AUDIT
    whole = questions["kind"].isin(KINDS) & (chance.where(drawn, 1.0) > 0) & (chance.where(drawn, 1.0) <= 1)
    if not whole.all() or not (drawn == questions["inclusion"].notna()).all():
        raise _damaged(folder / QUESTIONS)
    return Batch(questions.assign(inclusion=chance.astype(float)), rows)


def _numbered(labels: Path, stem: str) -> Sequence[Path]:
    return sorted(folder for folder in labels.glob(f"{stem}-[0-9][0-9][0-9]") if folder.is_dir())


def _write(
    labels: Path,
    stem: str,
    told: pd.DataFrame,
    rows: pd.DataFrame,
    beside: Callable[[Path], object] = lambda folder: None,
) -> Path:
    last = max((int(folder.name[-3:]) for folder in _numbered(labels, stem)), default=0)  # one may have been removed
    folder = labels / f"{stem}-{last + 1:03d}"
    with replaced(folder) as partial:
        write_table(told.reset_index(drop=True), partial / QUESTIONS)
        write_table(rows.reset_index(drop=True), partial / ROWS)
        beside(partial)
    return folder


def _pair(folder: Path, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read questions and rows of one folder, which must be of one length."""
    rows, path = read_table(folder / ROWS), folder / QUESTIONS
    try:
        told = pd.read_csv(
            path,
            dtype={"question": str, "kind": str, "label": str},
            keep_default_na=False,
            na_values={"inclusion": [""]},
        )
    except (ValueError, OSError) as error:
        raise _damaged(path) from error
    if list(told) != list(columns) or len(told) != len(rows):
        raise _damaged(path)
    return told, rows


def _damaged(path: Path) -> DataError:
    return DataError(f"what a run has asked must be as it was written, and {path} is not: ask again in a new run.")
