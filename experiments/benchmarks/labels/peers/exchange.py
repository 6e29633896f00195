"""What peers are given by files, and what is taken back: never a label of a test row, nor which labels are wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.autogluon.cells import probabilities
from experiments.benchmarks.autogluon.environment import Peer
from experiments.benchmarks.curves.cells import Sides
from loop.errors import DataError
from loop.protocols import Predictor
from loop.rows import Rows
from loop.support import atomic

PACKAGES = ("scikit-activeml", "modAL-python", "cleanlab")
PEER = Peer(
    "the peers",
    PACKAGES,
    f"python3.11 -m venv peers && peers/bin/pip install {' '.join(PACKAGES)}",
    Path(__file__).with_name("worker.py"),
)


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers of a peer's model to rows, (n,) probabilities of the class to catch among two."""

    positive: np.ndarray
    code: int  # of the class to catch

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return them, shape (n, 2)."""
        return two_columns(self.positive, self.code)


_predictor: type[Predictor] = Answered


@dataclass(frozen=True, eq=False)
class Turn:
    """One batch of a peer."""

    known: int  # rows known before it
    positive: np.ndarray  # (n,) answers of the model that chose it to the test rows


def give_rows(sides: Sides, pool: np.ndarray, settings: Mapping[str, object], folder: Path) -> None:
    """Write training rows, positions of those whose labels must be bought, and test rows without labels."""
    schema = sides.train.schema
    rows = {"train_X": sides.train.X, "train_y": ones(sides.train.y, schema.positive), "test_X": sides.test.X}
    write(rows | {"pool": pool}, settings, folder)


def write(arrays: Mapping[str, np.ndarray], settings: Mapping[str, object], folder: Path) -> None:
    """Write arrays, each in a file of its own, and settings."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    atomic.write_text(folder / "settings.json", json.dumps(settings))


def turns_of(answer: Mapping[str, Any], known: int, pool: np.ndarray, batches: Sequence[int], tests: int) -> list[Turn]:
    """Return what a peer bought, batch after batch.

    Parameters
    ----------
    answer : mapping
        What the worker wrote.
    known : int
        Rows whose labels were known at the beginning.
    pool : ndarray of int
        Positions that could be bought.
    batches : sequence of int
        How many were to be bought each time.
    tests : int
        Test rows.

    Raises
    ------
    DataError
        If a batch has another size, holds a row that is known, or comes with anything but probabilities.
    """
    rule = "peers must buy rows of the pool, each once, in the batches asked for"
    rounds, left, turns = answer["rounds"], set(pool.tolist()), list[Turn]()
    if len(rounds) != len(batches):
        raise DataError(f"{rule}, and {len(rounds)} batches came back for {len(batches)}: use other versions.")
    for number, (each, n) in enumerate(zip(rounds, batches, strict=True), start=1):
        bought = each["bought"]
        if len(bought) != n or len(left.intersection(bought)) != n:
            raise DataError(f"{rule}, and batch {number} is not {n} new rows of the pool: use other versions.")
        left.difference_update(bought)
        turns.append(Turn(known, probabilities(each["proba"], tests, "a peer")))
        known += n
    return turns


def positions(answer: object, rows: int) -> np.ndarray:
    """Return the listed rows, (m,).

    Raises
    ------
    DataError
        If they are not numbers of rows of the table, each once.
    """
    listed = np.asarray(answer if answer != [] else np.arange(0))
    if listed.dtype.kind != "i" or not np.isin(listed, np.arange(rows)).all() or len(np.unique(listed)) != listed.size:
        raise DataError(
            f"a peer must list rows by their numbers 0 to {rows - 1:,}, each once, and lists something else: use "
            "another version."
        )
    return listed.reshape(-1)


def ones(y: np.ndarray, positive: int) -> np.ndarray:
    """Return labels as 1 for the class to catch, else 0, int64."""
    labels: np.ndarray = (y == positive).astype(np.int64)
    return labels


def two_columns(positive: np.ndarray, code: int) -> np.ndarray:
    """Return probabilities (n, 2) from those of the class of this code, (n,)."""
    return np.column_stack([1 - positive, positive] if code else [positive, 1 - positive])
