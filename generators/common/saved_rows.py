"""Encoded rows that a saved generator holds, checked against its schema before they are used."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loop.data.value_grid import SINGLE, values_fault
from loop.errors import DataError
from loop.support.model_files.arrays import Arrays, Form, read_npz
from loop.support.own_files import own_file
from loop.types import Schema


def labels_fault(y: object, schema: Schema) -> str | None:
    """Return the rule that labels (n,) break, None if they break none."""
    return Form("iu", (None,), 0, schema.n_classes - 1).fault(y)


def read_rows(path: Path, schema: Schema, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return columns (n, d), labels (n,), weights (n,) and row numbers (n,) of a Parquet file.

    Raises
    ------
    DataError
        If the file is damaged, or its columns are not those of the schema in type and range.
    """
    try:
        content = pq.read_table(own_file(path))
    except (OSError, ValueError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"rows of a saved generator must be Parquet, {path} is not ({why}): save it again.") from error
    if content.column_names != names:
        raise DataError(
            f"rows of a saved generator must have the columns of its schema, {path} has others: save it again."
        )
    plain = [pa.types.is_floating(each.type) or pa.types.is_integer(each.type) for each in content.columns]
    if not all(plain) or any(each.null_count for each in content.columns):
        raise DataError(f"rows of a saved generator must be numbers, and some in {path} are not: save it again.")
    *x, y, weight, rows = (column.to_numpy() for column in content.columns)
    faults = {name: values_fault(each, column) for name, each, column in zip(names, x, schema.columns, strict=False)}
    faults["y"] = labels_fault(y, schema)
    faults["weight"] = Form("f", (None,), 0, SINGLE).fault(weight)
    faults["row"] = Form("iu", (None,), 0).fault(rows)
    if broken := next((f"{name[:60]} must {fault}" for name, fault in faults.items() if fault), None):
        raise DataError(f"rows of a saved generator must fit its schema, and in {path} {broken}: save it again.")
    return np.column_stack(x) if x else np.empty((len(y), 0)), y, weight, rows


def arrays_beside(path: Path, n: int) -> Arrays:
    """Return the arrays that rows hold beside their columns; empty if there is no such file.

    Raises
    ------
    DataError
        If one has not an entry for each of n rows.
    """
    if not path.is_file():
        return {}
    held = arrays_of(path)
    if odd := next(
        (name for name, array in held.items() if array.dtype.kind not in "biufU" or array.shape[:1] != (n,)), None
    ):
        raise DataError(f"{odd[:40]!r} in {path} must have one entry for each of {n} rows: save the generator again.")
    return held


def arrays_of(path: Path) -> Arrays:
    """Read a NumPy archive of a saved generator.

    Raises
    ------
    DataError
        If it is damaged.
    """
    try:
        return read_npz(path)
    except DataError as error:
        raise damaged(path, error) from error


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """Return the arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def damaged(path: Path, why: object) -> DataError:
    """Return the error of a file of a saved generator that is not as it was written."""
    return DataError(f"{path} must be as the generator saved it, and is not ({str(why)[:120]}): fit and save it again.")
