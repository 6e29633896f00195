"""Encoding of frames as float64 columns, and decoding without loss."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

from loop.data.date_parts import DateParts
from loop.data.intake import EXACT, named, require
from loop.data.moments import from_seconds, to_seconds
from loop.data.value_grid import SINGLE
from loop.encoders import ArrayColumn
from loop.errors import DataError
from loop.rows import Rows
from loop.types import Column, Schema, Table

CONTENT = {"numeric": "number", "integer": "number", "boolean": "boolean", "datetime": "datetime64"}


def encode(schema: Schema, frame: pd.DataFrame) -> Table:
    """Encode rows together with their labels.

    Parameters
    ----------
    schema : Schema
        As inferred, with a target.
    frame : pandas.DataFrame, n rows
        Has the schema's columns and its target; other columns are ignored.

    Returns
    -------
    Table
        n real rows of weight one.

    Raises
    ------
    DataError
        As `encode_features`, and for a label that is missing or not among the schema's classes.
    """
    y = encode_labels(schema, frame)
    return Table.real(encode_features(schema, frame), y, schema)


def encode_labels(schema: Schema, frame: pd.DataFrame) -> np.ndarray:
    """Encode the target alone.

    Returns
    -------
    numpy.ndarray, shape (n,), int64
        Class codes.

    Raises
    ------
    DataError
        For a label that is missing or not among the schema's classes.
    """
    frame = named(frame)
    require([schema.target], frame)
    labels, column = frame[schema.target], target_column(schema)
    y = encode_column(column, labels)
    unknown = np.isnan(y)
    if unknown.any():
        raise DataError(
            f"target {column.name!r} must hold one of its {len(column.categories)} classes in every row, got"
            f" {labels[unknown].tolist()[0]!r} in {unknown.sum()} rows: drop these rows or infer the schema with them."
        )
    return y.astype(np.int64)


def encode_features(schema: Schema, frame: pd.DataFrame) -> Rows:
    """Encode the feature columns, with the arrays beside them.

    Parameters
    ----------
    schema : Schema
        As inferred.
    frame : pandas.DataFrame, n rows
        Has the schema's columns in any order; other columns are ignored. Columns are made of dates and arrays, see
        `with_parts`.

    Returns
    -------
    Rows
        Columns (n, d) with NaN where a value is missing or a category was never seen, and the arrays of the schema.

    Raises
    ------
    DataError
        For a column that does not exist, is of another type than the schema says, or breaks a rule for its values.
    """
    frame = named(frame)
    arrays = arrays_of(schema, frame)
    frame = _with_made(schema.arrays, arrays, with_parts(schema.date_parts, frame))
    require(schema.names, frame)
    X = np.empty((len(frame), len(schema.columns)))
    for position, column in enumerate(schema.columns):
        X[:, position] = encode_column(column, frame[column.name])
    return Rows(X, arrays)


def arrays_of(schema: Schema, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the arrays (n, ...) of a frame by name; errors are those of `Encoder.stacked`, or a column is missing."""
    require([array.column for array in schema.arrays], frame)
    return {array.column: array.encoder.stacked(frame[array.column].tolist()) for array in schema.arrays}


def _with_made(arrays: Iterable[ArrayColumn], held: Mapping[str, np.ndarray], frame: pd.DataFrame) -> pd.DataFrame:
    made = [pd.DataFrame(array.made(held[array.column]), index=frame.index) for array in arrays]
    if not made:
        return frame
    own = frame.columns.difference([name for each in made for name in each], sort=False)  # of rows written before
    return pd.concat([frame[own], *made], axis=1)


def recipes(schema: Schema) -> tuple[DateParts | ArrayColumn, ...]:
    """Return how all columns are made that are made of others."""
    return (*schema.date_parts, *schema.arrays)


def with_parts(recipes: Iterable[DateParts | ArrayColumn], frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the columns that are made of its dates and arrays; one that has them, and not those, stays.

    Raises
    ------
    DataError
        If the frame has neither, or they are no dates, or only one of frame and recipe has a zone.
    """
    for recipe in recipes:
        if recipe.column in frame:
            if isinstance(recipe, ArrayColumn):
                stacked = recipe.encoder.stacked(frame[recipe.column].tolist())
                frame = _with_made([recipe], {recipe.column: stacked}, frame)
            else:
                frame = frame.assign(**recipe.made(encode_column(_dates(recipe), frame[recipe.column])))
        elif not any(name in frame for name in recipe.names):
            require([recipe.column], frame)
    return frame


def original_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the feature columns as users have them: a date instead of its parts; arrays are no such columns."""
    made = {name for recipe in recipes(schema) for name in recipe.names}
    return (*(column for column in schema.columns if column.name not in made), *map(_dates, schema.date_parts))


def original_names(schema: Schema) -> list[str]:
    """Return the names of what users have for features: columns, dates, arrays."""
    return [*(column.name for column in original_columns(schema)), *(array.column for array in schema.arrays)]


def _dates(recipe: DateParts) -> Column:
    return Column(recipe.column, "datetime", recipe.dtype)


def decode(schema: Schema, table: Table) -> pd.DataFrame:
    """Turn encoded rows back into a frame: features in the schema's order, then the target if there is one.

    Every dtype is restored. The index and excluded columns are lost, and missing values in columns of dtype object
    become NaN even if they were None. Of arrays only texts are columns of the frame.

    Raises
    ------
    DataError
        For a missing value in a column that had none when the schema was inferred.
    """
    columns = {column.name: decode_column(column, table.X[:, i]) for i, column in enumerate(schema.columns)}
    for name, array in table.rows.arrays.items():
        if array.dtype.kind == "U":
            columns[name] = pd.Series(array.tolist(), dtype="str")
    if schema.classes:
        columns[schema.target] = decode_column(target_column(schema), table.y.astype(np.float64))
    return pd.DataFrame(columns)


def target_column(schema: Schema) -> Column:
    """Return the target as a categorical column without missing values; DataError if the schema has no target."""
    if not schema.classes:
        raise DataError("labels need a schema with a target, got one without: name the target when inferring it.")
    return Column(schema.target, "categorical", schema.target_dtype, categories=schema.classes)


def encode_column(column: Column, values: pd.Series) -> np.ndarray:
    """Encode the values of one column, shape (n,), as float64."""
    if values.isna().all():
        return np.full(len(values), np.nan)
    _check_type(column, values)
    if column.kind == "categorical":
        return _to_codes(column, values)
    if column.kind == "datetime":
        return to_seconds(column.name, values)
    return _to_numbers(column, values)


def decode_column(column: Column, x: np.ndarray) -> pd.Series:
    """Restore one column from its encoded values x (n,); DataError if a value is missing where none may be."""
    missing = np.isnan(x)
    if missing.any() and not column.missing:
        raise DataError(
            f"column {column.name!r} must have no missing values, as when its schema was inferred,"
            f" got {missing.sum()}: fill them or infer the schema from rows that have some."
        )
    if column.kind == "categorical":
        return _from_codes(column, np.where(missing, -1, np.rint(x)).astype(np.int64))
    if column.kind == "datetime":
        return from_seconds(column.dtype, x)
    if column.kind != "numeric":
        x = np.rint(x)
    return _boxed(column, x) if column.dtype == "object" else pd.Series(x).astype(pandas_dtype(column.dtype))


def check_range(schema: Schema, X: np.ndarray) -> None:
    """Raise a DataError if a number of X (n, d) is beyond single precision, in which learners compute."""
    for column, x in zip(schema.columns, X.T, strict=True):
        if (large := np.abs(x) > SINGLE).any():
            raise DataError(
                f"numbers must lie below {SINGLE:.2g} in size, as learners compute in single precision, got "
                f"{x[large][0]:g} in column {column.name!r}: rescale it, or replace special values by missing ones."
            )


def _check_type(column: Column, values: pd.Series) -> None:
    got = _content(values)
    wanted = CONTENT.get(column.kind) or _content(pd.Series(list(column.categories)))
    if column.kind == "categorical" and isinstance(values.dtype, pd.CategoricalDtype):
        got = _content(pd.Series(values.dtype.categories))
    same_zone = column.kind != "datetime" or ("," in column.dtype) == isinstance(values.dtype, pd.DatetimeTZDtype)
    if got != wanted or not same_zone:
        zone = "with a zone (2024-01-31T10:05+01:00)" if "," in column.dtype else "without a zone"
        way_out = "convert it" if got != wanted else f"write its times {zone}, as in the training rows"
        raise DataError(
            f"column {column.name!r} must hold {wanted} values ({column.dtype}), as when its schema was inferred,"
            f" got {got} ({values.dtype}): {way_out}."
        )


def _content(values: pd.Series) -> str:
    content = infer_dtype(values, skipna=True)
    return "number" if content in ("integer", "floating") else content


def _to_numbers(column: Column, values: pd.Series) -> np.ndarray:
    x = values.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(x).sum())
    if infinite:
        raise DataError(f"column {column.name!r} must be finite, got {infinite} infinite values: replace or drop them.")
    if infer_dtype(values, skipna=True) == "integer" and (np.abs(x) >= EXACT).any():
        raise DataError(
            f"column {column.name!r} must hold integers below 2**53, as when its schema was inferred, got"
            f" {int(values[np.abs(x) >= EXACT].iloc[0])}: make it text, rescale it or drop it."
        )
    return x


def _to_codes(column: Column, values: pd.Series) -> np.ndarray:
    rounded = infer_dtype(values, skipna=True) == "floating"
    if rounded and any(isinstance(value, int) and abs(value) >= EXACT for value in column.categories):
        raise DataError(
            f"column {column.name!r} must hold integers exactly ({column.dtype}), got {values.dtype}, in which those"
            " beyond 2**53 are rounded: read it as Int64 or text."
        )
    codes, seen = pd.factorize(values)
    known = pd.Index(list(column.categories), dtype=object).get_indexer(pd.Index(seen, dtype=object))
    known = np.append(known, -1)  # so that factorize's -1 for a missing value stays -1
    x = known[codes].astype(np.float64)
    x[x < 0] = np.nan
    return x


def _from_codes(column: Column, codes: np.ndarray) -> pd.Series:
    family, _, inner = column.dtype.partition("[")
    categories = list(column.categories)
    if family in ("category", "ordered"):
        dtype = pd.CategoricalDtype(pd.Index(categories, dtype=inner[:-1]), ordered=family == "ordered")
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))
    restored = pandas_dtype(column.dtype)
    values = pd.Series(categories, dtype=restored).array
    return pd.Series(values.take(codes, allow_fill=bool((codes < 0).any())), dtype=restored)


def _boxed(column: Column, x: np.ndarray) -> pd.Series:
    python = {"numeric": float, "integer": int, "boolean": bool}[column.kind]
    return pd.Series([np.nan if np.isnan(value) else python(value) for value in x], dtype=object)
