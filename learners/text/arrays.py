"""The texts that a learner reads beside the columns, and the columns that it may read beside the texts."""

from dataclasses import replace
from typing import Literal

import numpy as np

from loop.errors import DataError
from loop.rows import Rows
from loop.types import Schema, Table

Beside = Literal["none", "others", "all"]  # which columns: none, those that are not made of the texts, or all


def texts_of(rows: Rows, name: str) -> list[str]:
    """Return the n texts of rows; DataError if they have none of this name."""
    if name not in rows.arrays or rows.arrays[name].dtype.kind != "U":
        raise DataError(f"rows must hold the texts {name[:40]!r} beside their columns, and do not: add them.")
    texts: list[str] = rows.arrays[name].tolist()
    return texts


def chosen_columns(schema: Schema, beside: Beside) -> np.ndarray:
    """Return the positions (m,) of the columns that are read beside the texts."""
    made = {name for array in schema.arrays for name in array.names} if beside == "others" else set()
    kept = [at for at, column in enumerate(schema.columns) if beside != "none" and column.name not in made]
    return np.array(kept, dtype=np.int64)


def columns_alone(table: Table, chosen: np.ndarray) -> Table:
    """Return a table of some columns (m,), without the arrays."""
    columns = tuple(table.schema.columns[at] for at in chosen)
    schema = replace(table.schema, columns=columns, arrays=(), date_parts=())
    return replace(table, rows=Rows(table.X[:, chosen]), schema=schema)
