"""Folders of Parquet files with few rows in many groups, and what a first pass over them sees."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.data.files import Reading
from experiments.data.partitions import row_groups
from experiments.refit.held import Held
from experiments.refit.seeing import SeenGroup, look
from loop.types import Schema


def write_folder(folder: Path, parts: Sequence[pd.DataFrame], rows: int = 100) -> Path:
    """Write each part as a file, in groups of so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        pq.write_table(pa.Table.from_pandas(part), folder / f"part-{number}.parquet", row_group_size=rows)
    return folder


def seen(folder: Path, schema: Schema) -> list[SeenGroup]:
    """Look at all rows of a folder."""
    return [look(group, schema, Held.nobody(schema), Reading()) for group in row_groups(folder)]
