"""Rows encoded by what was stated beforehand, each for itself: no row changes how another one is read."""

from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.config.statement import Statement, spelled
from loop.data.intake import named, require
from loop.types import Column, Table

WORDS = {"false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}  # of booleans


def stated_table(frame: pd.DataFrame, statement: Statement, group: str | None = None, decimal: str = ".") -> Table:
    """Encode a frame by a statement.

    A cell that is no number, category or boolean of its column counts as missing, and a number beyond its range as the
    end of it; a row whose class is none of those stated is left out. Nothing is told of what was found: that would be a
    look at the rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Best all text, as read from a CSV.
    statement : Statement
    group : str, optional
        Column whose values number the units; rows without one are left out.
    decimal : str
        Decimal sign of text.

    Returns
    -------
    Table
        Real rows. Categories that are not stated are those of the rows, to be bought.

    Raises
    ------
    DataError
        If a stated column is not there.
    """
    frame = named(frame)
    require([statement.target, *statement.columns, *([] if group is None else [group])], frame)
    schema = statement.stated_schema()
    columns, X = [], np.empty((len(frame), len(schema.columns)))
    for at, column in enumerate(schema.columns):
        if column.name in statement.bought_categories:
            seen = sorted({spelled(value) for value in frame[column.name].dropna().unique()})
            column = replace(column, categories=tuple(seen), high=max(len(seen) - 1.0, 0.0))
        columns.append(column)
        X[:, at] = _encoded(frame[column.name], column, decimal)
    labels = Column(statement.target, "categorical", "object", categories=statement.classes)
    y = _encoded(frame[statement.target], labels, decimal)
    whole = ~np.isnan(y) if group is None else ~np.isnan(y) & frame[group].notna().to_numpy()
    table = Table.real(X[whole], y[whole].astype(np.int64), replace(schema, columns=tuple(columns)))
    if group is None:
        return table
    return replace(table, unit=pd.factorize(frame.loc[whole, group].map(spelled))[0].astype(np.int64))


def _encoded(values: pd.Series, column: Column, decimal: str) -> np.ndarray:
    """Return the values (n,) of a column, NaN where they are none that it can hold."""
    if column.kind in ("categorical", "boolean"):
        codes = WORDS if column.kind == "boolean" else {spelled(v): float(i) for i, v in enumerate(column.categories)}
        held = {value: codes.get(spelled(value), np.nan) for value in values.dropna().unique()}
        return values.map(held).to_numpy(dtype=np.float64, na_value=np.nan)
    if decimal != ".":
        values = values.map(lambda value: value.replace(decimal, ".") if isinstance(value, str) else value)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    numbers[~np.isfinite(numbers)] = np.nan
    if column.kind == "integer" or column.decimals is not None:
        numbers = np.round(numbers, column.decimals or 0)
    clipped: np.ndarray = np.clip(numbers, column.low, column.high)
    return clipped
