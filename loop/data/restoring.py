"""Whether the columns of a schema can be restored with the dtypes that it names: what a file says is tried first."""

import numpy as np
import pandas as pd
from pandas.api.types import pandas_dtype

from loop.data.encoding import decode_column, encode_column, target_column
from loop.errors import DataError
from loop.types import Column, Schema

PLAIN = "biufOM"  # kinds of NumPy's dtypes that hold columns; others could be as large as their name says


def check_restorable(schema: Schema) -> None:
    """Try the dtype of each column and of the target on a few values.

    Raises
    ------
    DataError
        If one is no dtype, or cannot hold the values of its column; the caller adds the file and the way out.
    """
    for column in [*schema.columns, *([target_column(schema)] if schema.classes else [])]:
        if not _restorable(column):
            raise DataError(
                f"the schema, column {column.name[:40]!r}, must have a dtype that holds its {column.kind} values, "
                f"got {column.dtype[:40]!r}"
            )


def _restorable(column: Column) -> bool:
    """Tell whether values that are decoded and encoded again are as before."""
    x = _values(column)
    try:
        family, _, inner = column.dtype.partition("[")
        dtype = pandas_dtype(inner[:-1] if family in ("category", "ordered") else column.dtype)
        if isinstance(dtype, pd.PeriodDtype) or (isinstance(dtype, np.dtype) and dtype.kind not in PLAIN):
            return False
        with np.errstate(over="ignore"):  # the comparison tells
            return np.array_equal(encode_column(column, decode_column(column, x)), x, equal_nan=True)
    except (ArithmeticError, DataError, LookupError, NotImplementedError, TypeError, ValueError):
        # pandas and Arrow: no such dtype or time zone, one that columns cannot have, or one that the values do not fit
        return False


def _values(column: Column) -> np.ndarray:
    """Return encoded values that the dtype must hold."""
    gap = [np.nan] if column.missing else []
    ends = [end for end in (column.low, column.high) if np.isfinite(end)] if column.kind == "integer" else []
    some = {"numeric": [0, 0.5], "integer": [0, *ends], "categorical": range(len(column.categories))}
    return np.array([*some.get(column.kind, [0, 1]), *gap], dtype=np.float64)
