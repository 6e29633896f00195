"""What kind of values a column of a frame holds, and the name of its dtype by which it can be restored."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import infer_dtype, pandas_dtype

from loop.data.intake import EXACT
from loop.errors import DataError
from loop.types import Kind

KINDS: dict[str, Kind] = {  # by what pandas finds in the values
    "floating": "numeric",
    "integer": "integer",
    "boolean": "boolean",
    "datetime64": "datetime",
    "string": "categorical",
    "categorical": "categorical",
}


def kind_of(name: str, values: pd.Series) -> Kind:
    """Return the kind of a column with at least one value."""
    content = infer_dtype(values, skipna=True)
    if content.startswith("mixed"):
        types = ", ".join(sorted({type(value).__name__ for value in values.dropna()}))
        raise DataError(f"column {name!r} must hold values of one type, got {types}: convert them to one or drop it.")
    if content not in KINDS or not _restorable(values.dtype):
        held = content if values.dtype == object else values.dtype
        raise DataError(
            f"column {name!r} must hold numbers, booleans, text, categories or datetimes of a dtype that can be"
            f" restored, got {held}: convert it (pd.to_numeric, pd.to_datetime, astype('str')) or drop it."
        )
    return "categorical" if content == "integer" and _too_large(values) else KINDS[content]


def _too_large(values: pd.Series) -> bool:
    """Tell whether integers are too large for a float, so that each is kept as a category of its own."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return False
    present = values.dropna()
    return bool(max(abs(int(present.min())), abs(int(present.max()))) >= EXACT)


def _restorable(dtype: np.dtype | ExtensionDtype) -> bool:
    """Tell whether the dtype can be rebuilt from its name, with every value intact."""
    if isinstance(dtype, pd.CategoricalDtype):
        text = infer_dtype(dtype.categories) == "string"
        return _restorable(dtype.categories.dtype) and (text or dtype.categories.dtype != object)
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind == "M":
        return False
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return dtype.itemsize <= 8
    try:
        return bool(pandas_dtype(dtype_name(dtype)) == dtype)
    except TypeError:  # `pandas.api.types.pandas_dtype`: no dtype has this name
        return False


def dtype_name(dtype: np.dtype | ExtensionDtype) -> str:
    """Name a dtype so that it can be restored: as pandas does, but categories with their dtype and order."""
    if isinstance(dtype, pd.CategoricalDtype):
        return f"{'ordered' if dtype.ordered else 'category'}[{dtype_name(dtype.categories.dtype)}]"
    if isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA:
        return f"string[{dtype.storage}]"
    return str(dtype)
