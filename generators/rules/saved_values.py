"""Values of the data that a saved rule book lends to its rows, checked against the schema."""

from pathlib import Path

import numpy as np

from generators.common.saved_rows import arrays_of, damaged
from generators.rules.schema_codes import label_column
from loop.data.value_grid import values_fault
from loop.support.array_files import Form
from loop.types import Schema

ROWS = "row"  # name of the row numbers in the archive, whose other names begin with x_


def read_values(path: Path, schema: Schema) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return encoded values (m,) by column, "" = the label, and their row numbers (m,), checked against the schema."""
    arrays = arrays_of(path)
    rows = arrays.pop(ROWS, np.empty(0))
    held = {name.removeprefix("x_"): array for name, array in arrays.items() if name.startswith("x_")}
    columns = {column.name: column for column in schema.columns} | {"": label_column(schema)}
    if len(held) < len(arrays) or "" not in held or not set(held) <= set(columns):
        raise damaged(path, "it must hold the label and columns of the schema")
    if fault := Form("iu", (None,), 0).fault(rows):
        raise damaged(path, f"{ROWS} must {fault}")
    for name, x in held.items():
        if fault := values_fault(x, columns[name]) or (None if x.shape == rows.shape else "have a row number each"):
            raise damaged(path, f"{name or 'the label'} must {fault}")
    if np.isnan(held[""]).any():
        raise damaged(path, "the label must be known everywhere")
    return held, rows.astype(np.int64)
