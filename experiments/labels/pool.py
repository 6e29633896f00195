"""Rows without labels: encoded as a run's model knows them, without those that may not be asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.data.csv_format import CsvFormat
from experiments.data.files import read_file, reading_of
from experiments.data.split import digests_of
from experiments.labels.likeness import check_columns, late, text_columns
from loop.data.encoding import check_range, encode_column, encode_features, original_columns, original_names
from loop.data.intake import require
from loop.data.split import equal_to
from loop.errors import DataError
from loop.evaluation import drift
from loop.gates.copies import Space
from loop.rows import Rows
from loop.types import Schema, Table

if TYPE_CHECKING:
    from experiments.run.inputs import RunInputs

TRAIL = "ws_"  # how the columns begin that tell where a synthetic row came from
TOLD, STABLE = 5, 0.1  # columns named that differ, and the index from which one does


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Rows that may be asked about, or learnt from.

    Parameters
    ----------
    frame : DataFrame, (N, ...)
        As the user knows them.
    rows : Rows, N rows
        Encoded by the schema of the training rows.
    unit : ndarray of shape (N,), optional
        Numbers of their groups, such as cards; None = no groups.
    messages : tuple of str
        What was refused, and how the rows differ from the training rows.
    """

    frame: pd.DataFrame
    rows: Rows
    unit: np.ndarray | None
    messages: tuple[str, ...]


def unlabelled(
    path: Path, inputs: "RunInputs", synthetic: Table | None, rng: np.random.Generator, form: CsvFormat | None = None
) -> Unlabelled:
    """Read rows to ask about from a file without labels.

    Rows that equal a training or test row or a synthetic one, and rows of groups that have test rows, are refused.

    Parameters
    ----------
    path : Path
    inputs : RunInputs
        The training and test rows of the run.
    synthetic : Table, optional
        Rows that the run has made.
    rng : numpy.random.Generator
    form : CsvFormat, optional
        How the file is written if it is a CSV.

    Raises
    ------
    DataError
        If a column is missing or of another type, the rows are synthetic, or none is left.
    """
    first = inputs.train.row_number < len(inputs.dataset.frame) - inputs.answered  # answered ones may be audited still
    known = {"a training row": inputs.train.X[first], "a test row": inputs.test.X}
    known |= {} if synthetic is None else {"a synthetic row": synthetic.X}
    rows = _new_rows("rows to ask about", path, inputs, known, rng, form)
    require(original_names(inputs.schema), rows.frame)  # dates, not their parts alone
    return rows


def to_learn_from(path: Path, inputs: "RunInputs", rng: np.random.Generator) -> Unlabelled:
    """Read rows to learn from from a file without labels; rows that are training or test rows already are refused.

    So are rows of groups that have test rows. Parameters and errors are those of `unlabelled`.
    """
    known = {"a training row": inputs.train.X, "a test row": inputs.test.X}
    return _new_rows("rows to learn from", path, inputs, known, rng)


def _new_rows(
    purpose: str,
    path: Path,
    inputs: "RunInputs",
    known: Mapping[str, np.ndarray],
    rng: np.random.Generator,
    form: CsvFormat | None = None,
) -> Unlabelled:
    """Read the rows of a file that equal no known row, by name of the known rows."""
    features, dataset = original_names(inputs.schema), inputs.dataset
    reading = reading_of(inputs.schema, form, text_columns(dataset, features))
    file = read_file(path, replace(reading, roles=[dataset.group] if dataset.group else []))
    frame = file.frame
    if any(str(name).startswith(TRAIL) for name in frame):
        raise DataError(f"{purpose} must be real, and {path} has the columns of synthetic ones: choose another.")
    rows = encode_features(inputs.schema, frame)
    X = rows.X
    check_columns(purpose, frame, dataset, features)
    check_range(inputs.schema, X)
    keep, messages = np.ones(len(X), dtype=bool), list(file.notes)
    if (target := inputs.schema.target) in frame:
        frame = frame.drop(columns=target)
        messages.append(f"the column {target!r} is left out: what it says of these rows is not looked at")
    for what, others in known.items():
        equal = equal_to(X, others) & keep
        keep &= ~equal
        messages += [f"refused {equal.sum():,} rows: equal to {what}"] if equal.any() else []
    groups = None if dataset.group is None else frame[dataset.group].astype(object)
    if groups is not None:
        own = groups.isin(_apart(inputs)).to_numpy() & keep
        keep &= ~own
        messages += [f"refused {own.sum():,} rows: of a {dataset.group} that has test rows"] if own.any() else []
    if not keep.any():
        raise DataError(
            f"{purpose} must be new, and all {len(X):,} of {path} are refused ({'; '.join(messages)[:120]}): "
            "name a file of other rows."
        )
    unit = None if groups is None else pd.factorize(groups[keep])[0].astype(np.int64)
    messages += [shift(inputs.train, X[keep], rng), *late(frame[keep], dataset, inputs.test.row_number)]
    return Unlabelled(frame[keep].reset_index(drop=True), rows.take(keep), unit, tuple(messages))


def shift(train: Table, X: np.ndarray, rng: np.random.Generator) -> str:
    """Tell in a sentence how rows X (n, d) differ from the training rows: as a whole, and which columns."""
    other = Table.real(X, np.zeros(len(X), dtype=np.int64), train.schema)
    space = Space(train)
    auc = drift.detection_auc(space.embed(train.X), space.embed(X), rng)
    found = sorted(drift.columns(train, other), key=lambda each: -float(each["psi"]))
    differ = [str(each["column"]) for each in found if float(each["psi"]) >= STABLE][:TOLD]
    names = f"; most in {', '.join(differ)}" if differ else ""
    return (
        f"{len(X):,} rows to choose from; a model tells them from training rows with AUC {auc:.2f} (0.5 = alike){names}"
    )


def keys(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return a name for each row (n,), made of its values alone: the same row has it in any file.

    Numbers count as such, as a column of whole numbers is read as another type where one is missing.
    """
    told = pd.DataFrame(
        {
            column.name: frame[column.name].astype(object).map(_spelled, na_action="ignore").astype("str")
            if column.kind == "categorical"
            else encode_column(column, frame[column.name]).astype("str")
            for column in original_columns(schema)
        }
    )
    told = told.assign(**{array.column: digests_of(frame[array.column]) for array in schema.arrays})
    digest = pd.util.hash_pandas_object(told, index=False).to_numpy()
    return np.array([f"{value:016x}" for value in digest], dtype=object)


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else str(float(value))  # type: ignore[arg-type]


def _apart(inputs: "RunInputs") -> np.ndarray:
    """Return the groups of test rows; none where the split of the run itself does not keep groups apart."""
    groups = inputs.dataset.frame[inputs.dataset.group].astype(object)
    tested = groups.iloc[inputs.test.row_number].dropna().unique()
    learnt = inputs.train.row_number[inputs.train.row_number < len(groups) - inputs.answered]
    return tested[:0] if groups.iloc[learnt].isin(tested).any() else tested
