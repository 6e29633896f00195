"""Rows without labels: encoded as a run's model knows them, without those that may not be asked about."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.csv_format import CsvFormat
from experiments.data.files import read_file, reading_of
from experiments.run.inputs import RunInputs
from loop.data.encoding import check_range, encode_features
from loop.data.split import duplicate_groups
from loop.errors import DataError
from loop.evaluation import drift
from loop.gates.copies import Space
from loop.rows import Rows
from loop.types import Schema, Table

TRAIL = "ws_"  # how the columns begin that tell where a synthetic row came from
TOLD, STABLE = 5, 0.1  # columns named that differ, and the index from which one does


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Rows that may be asked about.

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
    path: Path, inputs: RunInputs, synthetic: Table | None, rng: np.random.Generator, form: CsvFormat | None = None
) -> Unlabelled:
    """Read rows without labels from a file.

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
    group = inputs.dataset.group
    file = read_file(path, replace(reading_of(inputs.schema, form), roles=[group] if group else []))
    frame = file.frame
    if any(str(name).startswith(TRAIL) for name in frame):
        raise DataError(
            f"rows to ask about must be real, and {path} has the columns of synthetic ones: choose another."
        )
    X = encode_features(inputs.schema, frame)
    check_range(inputs.schema, X)
    first = inputs.train.row_number < len(inputs.dataset.frame) - inputs.answered  # answered ones may be audited still
    known = {"a training row": inputs.train.X[first], "a test row": inputs.test.X}
    known |= {} if synthetic is None else {"a synthetic row": synthetic.X}
    keep, messages = np.ones(len(X), dtype=bool), list(file.notes)
    if (target := inputs.schema.target) in frame:
        frame = frame.drop(columns=target)
        messages.append(f"the column {target!r} is left out: what it says of these rows is not looked at")
    for what, others in known.items():
        ids = duplicate_groups(np.concatenate([others, X]))
        equal = np.isin(ids[len(others) :], ids[: len(others)]) & keep
        keep &= ~equal
        messages += [f"refused {equal.sum():,} rows: equal to {what}"] if equal.any() else []
    groups = _groups(frame, inputs)
    if groups is not None:
        tested = _as_ids(inputs.dataset.frame[inputs.dataset.group].iloc[inputs.test.row_number])
        own = np.isin(groups.astype(str), tested.astype(str)) & keep
        keep &= ~own
        messages += [f"refused {own.sum():,} rows: of a {inputs.dataset.group} that has test rows"] if own.any() else []
    if not keep.any():
        raise DataError(
            f"rows to ask about must be new, and all {len(X):,} of {path} are refused ({'; '.join(messages)[:120]}): "
            "name a file of other rows."
        )
    unit = None if groups is None else pd.factorize(groups[keep])[0].astype(np.int64)
    messages.append(shift(inputs.train, X[keep], rng))
    return Unlabelled(frame[keep].reset_index(drop=True), Rows(X[keep]), unit, tuple(messages))


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
    """Return a name for each row (n,), made of its values alone: the same row has it in any file."""
    told = frame[[*schema.names]].astype("str")
    digest = pd.util.hash_pandas_object(told, index=False).to_numpy()
    return np.array([f"{value:016x}" for value in digest], dtype=object)


def _groups(frame: pd.DataFrame, inputs: RunInputs) -> np.ndarray | None:
    name = inputs.dataset.group
    return _as_ids(frame[name]) if name is not None and name in frame else None


def _as_ids(values: pd.Series) -> np.ndarray:
    """Return ids (n,) as objects that are written alike in any file: whole numbers without a decimal point."""
    whole = values.dtype == "float64" and bool((values.dropna() % 1 == 0).all())
    return (values.astype("Int64") if whole else values).to_numpy(dtype=object)
