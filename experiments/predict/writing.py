"""Frames written one after the other, as CSV or Parquet, so that they make one file."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO

import pandas as pd


def write_csv(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> None:
    """Write frames of the same columns as one CSV in UTF-8."""
    for number, frame in enumerate(frames):
        out.write(frame.to_csv(index=False, header=number == 0).encode())


def write_parquet(frames: Iterable[pd.DataFrame], path: Path) -> None:
    """Write frames of the same columns as one Parquet file, of the types of the first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    try:
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()
