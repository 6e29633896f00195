"""The arrays of a saved tree of noisy marginals, checked against the schema and each other."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from generators.common.saved_rows import arrays_of, damaged
from generators.private.cells import FINEST, Cells
from generators.private.columns import BinnedColumn
from generators.private.noise import SAMPLERS
from generators.private.tree_model import ROOT, TreeModel
from loop.data.value_grid import SINGLE
from loop.errors import DataError
from loop.support import record_checks
from loop.support.model_files.arrays import Form, checked
from loop.types import Column, Schema

FILE = "marginals.npz"
CLOSE = 1e-6  # how far chances may be from adding up to 1, by rounding


def _entry(value: object, place: str) -> list[object]:
    held: list[object] = record_checks.listed(record_checks.scalar, 3)(value, place)
    if not isinstance(held[0], str) or not all(
        isinstance(each, float | int) and 0 <= each <= SINGLE for each in held[1:]
    ):
        raise DataError(f"{place} must be a purpose with what it spent")
    return held


LEARNT: Mapping[str, record_checks.Check] = {
    "spent": record_checks.listed(_entry),
    "sampler": record_checks.text_in(SAMPLERS),
}


def write_tree(folder: Path, columns: tuple[BinnedColumn, ...], model: TreeModel) -> None:
    """Write noisy marginals as an npz."""
    arrays = {"classes": model.classes, "parent": np.array(model.parent, dtype=np.int64)}
    for at, (column, chance) in enumerate(zip(columns, model.chances, strict=True)):
        arrays[f"{at}/chances"] = chance
        arrays[f"{at}/empty"] = np.array(column.cells is None and column.codes == 0)
        if column.mass is not None and column.bin_of is not None:
            arrays |= {f"{at}/mass": column.mass, f"{at}/bin_of": column.bin_of}
    np.savez(folder / FILE, allow_pickle=False, **arrays)


def read_tree(folder: Path, schema: Schema) -> tuple[tuple[BinnedColumn, ...], TreeModel]:
    """Read what `write_tree` has written.

    Raises
    ------
    DataError
        Unless the arrays fit the schema and each other.
    """
    arrays, d, classes = arrays_of(folder / FILE), len(schema.columns), schema.n_classes
    share = Form("f", (None, None, None), 0, 1 + CLOSE)
    try:
        forms = {"classes": Form("f", (classes,), 0, 1 + CLOSE), "parent": Form("i", (d,), ROOT, d - 1)}
        forms |= {f"{at}/chances": share for at in range(d)} | {f"{at}/empty": Form("b", ()) for at in range(d)}
        more = [name for name in arrays if name.endswith(("/mass", "/bin_of"))]
        checked(arrays, forms, more=more)
        columns = tuple(_column(each, at, arrays) for at, each in enumerate(schema.columns))
        if len(more) != 2 * sum(each.cells is not None for each in columns):
            raise DataError("masses must belong to columns with a range")
        parent, chances = tuple(arrays["parent"].tolist()), tuple(arrays[f"{at}/chances"] for at in range(d))
        _check_tree(parent, chances, [len(each) for each in columns], classes)
        if abs(arrays["classes"].sum() - 1) > CLOSE:
            raise DataError("classes must add up to 1")
    except DataError as error:
        raise damaged(folder / FILE, error) from error
    return columns, TreeModel(arrays["classes"], parent, chances)


def _column(column: Column, at: int, arrays: Mapping[str, np.ndarray]) -> BinnedColumn:
    if column.kind in ("categorical", "boolean"):
        return BinnedColumn(len(column.categories) or 2 * (column.kind == "boolean"), column.missing)
    if arrays[f"{at}/empty"]:
        return BinnedColumn(0, missing=True)
    if not (np.isfinite(column.low) and np.isfinite(column.high)):
        raise DataError(f"column {at} must have a range")
    cells = Cells.of(column)
    mass, bin_of = arrays.get(f"{at}/mass"), arrays.get(f"{at}/bin_of")
    forms = {
        "mass": Form("f", (len(cells),), np.nextafter(0, 1), SINGLE),
        "bin_of": Form("i", (len(cells),), 0, FINEST),
    }
    checked({"mass": mass, "bin_of": bin_of}, forms)
    if mass is None or bin_of is None or bin_of[0] != 0 or not np.isin(np.diff(bin_of), (0, 1)).all():
        raise DataError("bins must follow each other")
    return BinnedColumn(0, column.missing, cells, mass, bin_of)


def _check_tree(parent: tuple[int, ...], chances: tuple[np.ndarray, ...], sizes: list[int], classes: int) -> None:
    if len(TreeModel(np.ones(1), parent, ()).order()) != len(parent):
        raise DataError("parents must form trees")
    for column, (above, chance) in enumerate(zip(parent, chances, strict=True)):
        shape = (1 if above == ROOT else sizes[above], classes, sizes[column])
        if chance.shape != shape or (np.abs(chance.sum(axis=2) - 1) > CLOSE).any():
            raise DataError(f"chances of column {column} must be of shape {shape} and add up to 1")
