"""The split of a table into training and test rows, encoded by a schema from training rows only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

import numpy as np
import pandas as pd

from experiments.data.sources import Dataset
from loop.cycle.lanes import deal
from loop.data.encoding import check_range, encode, encode_labels, recipes, with_parts
from loop.data.intake import named
from loop.data.schema import IDENTIFIER, in_parts, infer, no_features, recipes_of, with_target
from loop.data.split import duplicate_groups, train_test, units
from loop.encoders import Encoder
from loop.errors import DataError
from loop.seeds import stream
from loop.types import Schema, Table


@dataclass(frozen=True, eq=False)
class WholeTable:
    """What is inferred from all rows before the split: the roles of columns, never their ranges or categories.

    The class to catch must not depend on the seed. A column that numbers the rows is recognised in the whole table
    only: in a part the numbers have gaps.
    """

    frame: pd.DataFrame
    labels: Schema  # of the target alone
    roles: dict[str, str]  # time, group and scenario column
    no_features: dict[str, str]  # column to reason
    groups: np.ndarray | None  # (n,)
    date_parts: Mapping[str, Sequence[str]]
    encoders: Mapping[str, Encoder]  # unfitted, of columns of arrays
    told_apart: pd.DataFrame  # (n, ...) what tells rows apart: the features, with parts in the place of dates

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Infer the roles of the columns of a table.

        Raises
        ------
        DataError
            If the target breaks a rule of `loop.data.schema.infer`, or a group is missing.
        """
        frame, target = named(dataset.frame), str(dataset.target)
        roles = {dataset.time: "time column", dataset.group: "group column", dataset.scenario: "scenario column"}
        told = {name: role for name, role in roles.items() if name is not None}
        # Days are counted from the earliest row of all here, which tells rows apart as the training rows' origin does.
        whole = in_parts(frame, recipes_of(frame, dataset.date_parts, target), told)
        arrays = {name: digests_of(frame[name]) for name in dataset.encoders}
        whole = whole.drop(columns=list(arrays))
        reasons = no_features(whole, target, told, required=not arrays)
        labels = with_target(Schema((), ()), target, frame[target], dataset.positive)
        groups = None if dataset.group is None else _ids(frame[dataset.group], dataset.group)
        apart = whole.drop(columns=[target, *reasons]).assign(**arrays)
        return cls(frame, labels, told, reasons, groups, dataset.date_parts, dataset.encoders, apart)

    def schema_of(self, train: np.ndarray, aside: Mapping[str, str] = MappingProxyType({})) -> Schema:
        """Infer the schema from the training rows (m,), but for the roles of columns and those already set aside."""
        numbers = {name: why for name, why in self.no_features.items() if why == IDENTIFIER}
        return infer(
            _seen(self.frame.iloc[train]),
            self.labels.target,
            positive=self.labels.classes[self.labels.positive],
            aside=self.roles | numbers | dict(aside),
            date_parts=self.date_parts,
            encoders=self.encoders,
        )


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test rows of one table, both encoded by the schema of the training rows.

    The schema knows nothing of the test rows: their values may lie outside its ranges, and their new categories count
    as missing. Row numbers of the trail are those of the frame.
    """

    train: Table
    test: Table
    groups: np.ndarray | None  # (n,) ids of the training rows, None = the table has no groups
    left_out: int = 0  # rows of neither part

    @classmethod
    def of(cls, dataset: Dataset, seed: int, *, test_size: float = 0.4, group_splits: bool = True) -> Split:
        """Split a table by time if it has one, else at random and stratified by class.

        Exact duplicates, and rows of one group, are never on both sides. A column that the training rows exclude may be
        all that told two rows apart: test rows that equal a training row in every feature are left out.

        Parameters
        ----------
        dataset : Dataset
            The table with the roles of its columns.
        seed : int
            Root seed of the experiment; the same seed gives every arm the same split.
        test_size : float
            Share of the rows that test, strictly between 0 and 1.
        group_splits : bool
            Whether groups stay on one side of the split; in the lanes of the training rows they always stay together.

        Raises
        ------
        DataError
            If the table breaks a rule of `loop.data.schema.infer` or `loop.data.split.train_test`.
        """
        whole = WholeTable.of(dataset)
        train, test = train_test(
            encode_labels(whole.labels, whole.frame),
            duplicate_groups(whole.told_apart),
            stream(seed, "split"),
            classes=whole.labels.classes,
            test_size=test_size,
            time=None if dataset.time is None else moments(whole.frame[dataset.time], dataset.time),
            groups=whole.groups if group_splits else None,
        )
        schema = whole.schema_of(train)
        told = [column.name for column in schema.columns]
        copies = duplicate_groups(with_parts(recipes(schema), whole.frame)[told])
        return encoded(whole, schema, train, test[~np.isin(copies[test], copies[train])])

    @classmethod
    def at(
        cls,
        dataset: Dataset,
        train: np.ndarray,
        test: np.ndarray,
        aside: Mapping[str, str] = MappingProxyType({}),
    ) -> Split:
        """Split a table at given row positions (m,) and (j,).

        Columns of ``aside``, with the reason, are no features whatever their values.

        Raises
        ------
        DataError
            If the training rows break a rule of `loop.data.schema.infer`, or the test rows do not fit their schema.
        """
        whole = WholeTable.of(dataset)
        return encoded(whole, whole.schema_of(train, aside), train, test)

    @property
    def schema(self) -> Schema:
        """Schema inferred from the training rows."""
        return self.train.schema

    def folds(self, seed: int, *, lanes: int = 5) -> np.ndarray:
        """Deal the training rows into lanes, see `loop.cycle.lanes.deal`; return lane ids (n,)."""
        return deal(self.train, stream(seed, "folds"), k=lanes, groups=self.groups)


def encoded(whole: WholeTable, schema: Schema, train: np.ndarray, test: np.ndarray) -> Split:
    """Encode the rows of both parts, at positions (m,) and (j,), by the schema of the training rows.

    Raises
    ------
    DataError
        If the test rows do not fit the schema.
    """
    groups, parts = whole.groups, []
    for rows in (train, test):
        unit = None if groups is None else units(groups[rows])
        parts.append(replace(encode(schema, whole.frame.iloc[rows]).numbered(rows), unit=unit))
    for part in parts:
        check_range(schema, part.X)
    own = None if groups is None else groups[train]
    return Split(parts[0], parts[1], own, len(whole.frame) - len(train) - len(test))


def digests_of(cells: pd.Series) -> list[str]:
    """Return a digest for each cell (n,) of a column of arrays or texts: the same for equal ones."""

    def digest(cell: object) -> str:
        content = str(cell).encode(errors="replace") if isinstance(cell, str) else np.ascontiguousarray(cell).tobytes()
        shape = str(getattr(cell, "shape", ""))
        return hashlib.sha256(shape.encode() + content).hexdigest()

    return [digest(cell) for cell in cells]


def _seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove unused categories from a frame, since a dtype may list those of test rows."""
    coded = [str(name) for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.assign(**{name: frame[name].cat.remove_unused_categories() for name in coded})


def _ids(values: pd.Series, name: str) -> np.ndarray:
    """Return a group column (n,) as hashable ids."""
    try:
        pd.factorize(values)
    except TypeError as error:  # pandas.factorize: lists and records cannot be hashed
        raise DataError(f"group column {name!r} must hold ids, and it holds lists or records: convert it.") from error
    if pd.api.types.is_integer_dtype(values) and not values.hasnans:
        return values.to_numpy()  # as objects a million numbers take 40 MB
    return values.to_numpy(dtype=object)


def moments(values: pd.Series, name: str) -> np.ndarray:
    """Return a time column (n,) as numbers or dates; text must parse as dates."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.to_numpy()
    try:
        return pd.to_datetime(values, format="ISO8601", utc=True).to_numpy()
    except (ValueError, TypeError) as error:  # pandas.to_datetime; TypeError: a dtype of booleans, periods or durations
        why = " ".join(str(error).split()).split(". ")[0][:120]
        raise DataError(
            f"time column {name!r} must hold numbers or ISO 8601 dates, and it does not ({why}): convert it."
        ) from error
