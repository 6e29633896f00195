"""Parquet files as frames: what pandas wrote beside the columns is checked before pandas believes it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.plain_json import parse

_STEP = checks.integer(-checks.LARGEST)
_INDEX = checks.fields(
    {"kind": checks.text_in(("range",)), "name": checks.optional(checks.text)}
    | dict.fromkeys(("start", "stop", "step"), _STEP)
)
_NAMED = {"name": checks.optional(checks.text), "pandas_type": checks.text, "numpy_type": checks.text}
_MORE = {"field_name": checks.optional(checks.text), "metadata": checks.optional(checks.mapped(checks.anything))}
_RECORD = checks.fields(
    {"index_columns": checks.listed(checks.anything), "columns": checks.listed(checks.fields(_NAMED, _MORE))},
    {"column_indexes": checks.listed(checks.fields(_NAMED, _MORE)), "attributes": checks.mapped(checks.anything)},
)


def read_frame(path: Path) -> pd.DataFrame:
    """Return the frame of a Parquet file.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or what pandas wrote beside its columns is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check(pq.read_schema(path))
        return pd.read_parquet(path)
    except (DataError, pa.ArrowException) as error:  # the one has no file yet; of the other not all are ValueErrors
        raise ValueError(" ".join(str(error).split())[:120]) from error


def write_frame(frame: pd.DataFrame, path: Path, marks: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write a frame without its index as Parquet, as pandas does, with words in the metadata of the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **marks}), path)


def marks_of(path: Path) -> dict[str, str]:
    """Return the words in the metadata of a Parquet file, without what pandas and pyarrow keep there.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    import pyarrow.parquet as pq

    told = pq.read_schema(path).metadata or {}
    return {key.decode(): told[key].decode() for key in told if key not in (b"pandas", b"ARROW:schema")}


def _check(stored: Any) -> None:
    """Raise a ValueError unless the record of pandas, if there is one, names columns that are there and types."""
    told = (stored.metadata or {}).get(b"pandas")
    if told is None:
        return
    record = _RECORD(parse(told), "what pandas wrote")
    described = {column.get("field_name") or column["name"] for column in record["columns"]}
    for index in record["index_columns"]:
        if not isinstance(index, str):
            _check_range(index)
        elif index not in stored.names or index not in described:
            raise ValueError(f"what pandas wrote names the index {index[:60]!r}, which is no column")
    for column in [*record["columns"], *record.get("column_indexes", [])]:
        _check_type(column["numpy_type"])


def _check_range(index: object) -> None:
    if _INDEX(index, "an index of what pandas wrote")["step"] == 0:
        raise ValueError("what pandas wrote names an index without steps")


def _check_type(name: str) -> None:
    try:
        pd.api.types.pandas_dtype(name)
    except TypeError as error:  # what pandas raises for a name of no type
        raise ValueError(f"what pandas wrote names the type {name[:60]!r}, which is none") from error
