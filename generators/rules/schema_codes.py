"""Conversion between the values in a rule book and the encoded columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from generators.common.saved_rows import arrays_of, damaged
from generators.rules.book import CLOCK, Book
from generators.rules.draws import Limit, constants
from generators.rules.sources import PARAMETERS, Source
from loop.data.value_grid import grid_of, tidy, values_fault
from loop.errors import ConditionError, ConfigError
from loop.rows import Rows
from loop.support.model_files.arrays import Form
from loop.types import Column, Condition, Region, Schema

ROWS = "row"  # name of the row numbers in the archive of saved values, whose other names begin with x_


def label_column(schema: Schema) -> Column:
    """Return the label as a categorical column, whose codes are those of the classes."""
    return Column(schema.target, "categorical", "object", categories=schema.classes)


def encode(values: np.ndarray, column: Column) -> np.ndarray:
    """Convert a book's values (n,) to a table's encoding, float64 (n,), NaN = missing.

    Raises
    ------
    ConditionError
        If a category does not exist, or a column of numbers gets text.
    """
    if column.kind == "categorical":
        values = values if values.dtype == object else values.astype(float)  # pandas: booleans match no numbers
        codes = pd.Index(_spoken(column)).get_indexer(pd.Index(values))
        unknown = (codes < 0) & ~pd.isna(values)
        if unknown.any():
            _refuse_category(values[unknown].tolist()[0], column)
        return np.where(codes < 0, np.nan, codes.astype(float))
    if values.dtype == object:
        raise ConditionError(
            f"column {column.name!r} is {column.kind} and must get numbers, the book gives text: change it."
        )
    x = values.astype(float)
    return np.where(np.isnan(x), np.nan, x != 0) if column.kind == "boolean" else x


def decode(x: np.ndarray, column: Column) -> np.ndarray:
    """Convert encoded values (n,) to a book's values: text as objects, everything else as numbers."""
    if column.kind != "categorical":
        return x
    spoken = _spoken(column)
    present = ~np.isnan(x)
    codes = np.where(present, x, 0).astype(int)
    if spoken.dtype == object:
        text: np.ndarray = spoken[codes]
        text[~present] = None
        return text
    return np.where(present, spoken[codes], np.nan)


def limits(region: Region, schema: Schema) -> dict[str, Limit]:
    """Return the limit of each column in a region's rule, by name."""
    by_column: dict[int, list[Condition]] = {}
    for condition in region.rule:
        by_column.setdefault(condition.column, []).append(condition)
    return {schema.names[number]: _limit(schema, number, rule) for number, rule in by_column.items()}


def label_limit(label: int, schema: Schema) -> Limit:
    """Return the limit of the label when a class is requested."""
    column = label_column(schema)
    return Limit(-np.inf, np.inf, lambda values: encode(values, column) == label, missing=False)


def _limit(schema: Schema, number: int, rule: Sequence[Condition]) -> Limit:
    column = schema.columns[number]
    alone = replace(schema, columns=(column,))
    low, high = max(condition.low for condition in rule), min(condition.high for condition in rule)
    # Values are rounded and clipped to what the column holds, so a value outside may end up inside.
    grid = grid_of(column)
    half = 0.0 if grid is None else 0.5 * grid.step

    def allows(values: np.ndarray) -> np.ndarray:
        rows = Rows(tidy(encode(values, column)[:, None], alone))
        holds: np.ndarray = np.all([replace(condition, column=0).holds(rows) for condition in rule], axis=0)
        return holds

    return Limit(
        low=-np.inf if low < column.low else low - half,
        high=np.inf if high >= column.high else high + half,
        allows=allows,
        missing=all(condition.missing for condition in rule),
    )


def check_fits(book: Book, schema: Schema) -> None:
    """Raise ConfigError if the book names a column, category or class that the table does not have."""
    columns = dict(zip(schema.names, schema.columns, strict=True))
    aside = {name for name, _ in schema.excluded}
    if schema.target in book.columns:
        raise ConfigError(f"{schema.target!r} is the label of the table, not a column: give it as label.")
    taken = {*CLOCK, *book.events.habits} if book.events else set()
    for name in schema.names:
        if name in taken or name.startswith("#"):
            raise ConfigError(f"columns of the table must not be called {name!r}, which the book gives: rename one.")
    for name, source in book.sources():
        if name in columns:
            _check_source(columns[name], source)
        elif name not in aside and not name.startswith("_"):
            known = ", ".join(schema.names)
            raise ConfigError(
                f"columns of the book must be in the table ({known}), got {name!r}: remove it, or name it"
                f" '_{name}' as a helper that other columns read."
            )
        elif source.kind == "data":
            raise ConfigError(f"columns drawn from the data must be those of the table, got {name!r}: correct it.")
    for label in book.labels():
        _check_source(label_column(schema), label)


def _check_source(column: Column, source: Source) -> None:
    text = column.kind == "categorical" and _spoken(column).dtype == object
    if source.kind in PARAMETERS and column.kind == "categorical":
        raise ConfigError(f"column {column.name!r} is categorical and cannot be {source.kind}: use a choice.")
    if source.values:
        values = constants(source.values)
        if (values.dtype == object) != text:
            wanted = "text" if text else "numbers"
            raise ConfigError(
                f"column {column.name!r} must get {wanted}, the book gives {source.values[0]!r}: correct it."
            )
        try:
            encode(values, column)
        except ConditionError as error:
            raise ConfigError(str(error)) from None
    if source.missing and not column.missing:
        raise ConfigError(f"column {column.name!r} has no missing values in the data: leave out its key missing.")


def _spoken(column: Column) -> np.ndarray:
    """Return the categories as a book names them: text as objects, numbers and booleans as numbers."""
    if all(isinstance(category, bool | int | float) for category in column.categories):
        return np.array(column.categories, dtype=float)
    return np.array([str(category) for category in column.categories], dtype=object)


def _refuse_category(value: object, column: Column) -> None:
    known = ", ".join(map(repr, column.categories[:20]))
    raise ConditionError(f"values of {column.name!r} must be known, the book gives {value!r}: use one of {known}.")


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
