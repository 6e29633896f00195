"""Reading Parquet with all that is in the file: a named index is a column, and integers stay exact."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.columns import without
from loop.data.intake import EXACT


def read_parquet(path: Path, drop: Collection[str] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a Parquet file; return its table, and what was done to it, a sentence each.

    Raises
    ------
    OSError, ValueError
        From pandas or pyarrow, if it cannot be read.
    DataError
        If a column to drop is not there.
    """
    frame = pd.read_parquet(path)
    notes = list[str]()
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    if levels:
        frame = frame.reset_index(levels)
        notes.append(f"{path.name}: the index {', '.join(map(repr, levels))} is read as a column")
    elif not isinstance(frame.index, pd.RangeIndex):
        notes.append(f"{path.name}: the index has no name of its own and is left out")
    frame = without(frame.reset_index(drop=True), path.name, drop)
    return _with_exact(path, frame), tuple(notes)


def _with_exact(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Read integers beyond 2**53 again that a missing value has made floats."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = pq.read_schema(path)
    for name in frame.columns:
        values = frame[name]
        at = stored.get_field_index(str(name))
        if at < 0 or not pa.types.is_integer(stored.field(at).type) or not isinstance(values.dtype, np.dtype):
            continue
        if values.dtype.kind == "f" and (values.abs() >= EXACT).any():
            column = pq.read_table(path, columns=[str(name)]).column(0)
            nullable = pd.UInt64Dtype() if pa.types.is_unsigned_integer(column.type) else pd.Int64Dtype()
            frame[name] = pd.Series(pd.array(column.to_pylist(), dtype=nullable), index=frame.index)
    return frame
