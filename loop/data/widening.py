"""A schema of a sample made exact by all rows, which are seen part by part and never held together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Self

import numpy as np
import pandas as pd

from loop.data.encoding import encode_features, encode_labels, with_parts
from loop.data.intake import named
from loop.data.schema import MOST_CATEGORIES, MOST_DECIMALS, measured_column, represent
from loop.errors import DataError
from loop.types import Column, Kind, Schema, Table

ALL_DIGITS = frozenset(range(MOST_DECIMALS + 1))
# Of two pandas dtypes of one column, that in which missing values can be: what it has in all rows if some are missing.
WITH_GAPS = {"bool": ("object", "boolean")}
GAPS_IN_INTEGERS = ("float64", "Int64")


@dataclass(frozen=True)
class SeenColumn:
    """What the values of one column in some rows say of the column."""

    column: Column  # kind, dtype, range, and the categories in their order, those without a row too
    used: frozenset[object]  # categories that have rows
    digits: frozenset[int]  # numbers of decimals each of which represents all values

    @classmethod
    def of(cls, name: str, values: pd.Series) -> Self | None:
        """Look at the values of a column; None if all are missing."""
        if values.isna().all():
            return None
        column, present = measured_column(name, values)
        categories = column.categories
        used = frozenset(categories[int(code)] for code in np.unique(present)) if categories else frozenset()
        digits = frozenset(each for each in ALL_DIGITS if represent(each, present)) if not categories else ALL_DIGITS
        return cls(column, used, digits)

    def joined(self, other: "SeenColumn") -> "SeenColumn":
        """Return what the rows of both say.

        Raises
        ------
        DataError
            If they hold values of two types.
        """
        one, two = self.column, other.column
        kind, dtype = _one_type(one, two)
        found = replace(
            one,
            kind=kind,
            dtype=dtype,
            low=min(one.low, two.low),
            high=max(one.high, two.high),
            missing=one.missing or two.missing,
            days=one.days and two.days,
            categories=_categories(one, two),
        )
        return SeenColumn(found, self.used | other.used, self.digits & other.digits)


@dataclass(frozen=True, eq=False)
class Seen:
    """What some rows say of the columns of a schema. Joining what parts say gives what all of them say."""

    rows: int
    columns: Mapping[str, SeenColumn | None]  # None = all values are missing
    gaps: frozenset[str]  # columns with missing values

    @classmethod
    def of(cls, schema: Schema, frame: pd.DataFrame) -> Self:
        """Look at rows.

        Parameters
        ----------
        schema : Schema
            Of a sample of such rows.
        frame : DataFrame, n rows
            Perhaps none.

        Raises
        ------
        DataError
            If they are not of the schema's columns, types and classes.
        """
        frame = with_parts(schema.date_parts, named(frame))
        if len(frame):
            encode_features(schema, frame)  # refuses columns of other types
            encode_labels(schema, frame)
        columns = {name: SeenColumn.of(name, frame[name]) for name in schema.names} if len(frame) else {}
        gaps = frozenset(name for name in columns if frame[name].isna().any())
        return cls(len(frame), columns, gaps)

    def joined(self, other: "Seen") -> "Seen":
        """Return what the rows of both say; DataError if a column holds values of two types."""
        both = {**self.columns, **{name: seen for name, seen in other.columns.items() if seen is not None}}
        for name, seen in self.columns.items():
            if seen is not None:
                more = other.columns.get(name)
                both[name] = seen if more is None else seen.joined(more)
        return Seen(self.rows + other.rows, both, self.gaps | other.gaps)


def exact(schema: Schema, parts: "list[Seen]") -> Schema:
    """Return the schema of a sample with the ranges, categories and gaps of all rows.

    It is what `loop.data.schema.infer` returns for all rows at once, but that features and classes are those of the
    sample, and days of `date_parts` are counted from the sample's earliest row.

    Parameters
    ----------
    schema : Schema
        Inferred from some of the rows.
    parts : list of Seen
        What each part of the rows says; together they are all rows.

    Raises
    ------
    DataError
        If a column holds values of two types, has too many categories, or no value at all.
    """
    whole = reduce(Seen.joined, parts)
    return replace(schema, columns=tuple(_column(name, whole) for name in schema.names))


def recoded(table: Table, schema: Schema) -> Table:
    """Return the rows of a table with their categories in the codes of another schema of the same columns."""
    X = table.X.copy()
    for at, (old, new) in enumerate(zip(table.schema.columns, schema.columns, strict=True)):
        if old.categories != new.categories:
            codes = np.array([new.categories.index(each) for each in old.categories], dtype=np.float64)
            known = ~np.isnan(X[:, at])
            X[known, at] = codes[X[known, at].astype(np.int64)]
    return replace(table, rows=replace(table.rows, X=X), schema=schema)


def _column(name: str, whole: Seen) -> Column:
    seen = whole.columns.get(name)
    if seen is None:
        raise DataError(f"column {name!r} must have a value in some row, got none in {whole.rows:,}: drop it.")
    column = replace(seen.column, missing=name in whole.gaps)
    if column.missing:
        column = _with_gaps(column)
    if column.kind == "categorical":
        categories = tuple(each for each in column.categories if each in seen.used)
        if len(categories) > MOST_CATEGORIES:
            raise DataError(
                f"column {name!r} must have at most {MOST_CATEGORIES:,} categories, got {len(categories):,} in all "
                "rows: group them, or run the loop again without it (--drop)."
            )
        return replace(column, categories=categories, low=0.0, high=len(categories) - 1.0)
    if column.kind in ("numeric", "datetime"):
        return replace(column, decimals=min(seen.digits, default=None))
    return column


def _with_gaps(column: Column) -> Column:
    """Return the column with the dtype that pandas gives it where values are missing."""
    if column.dtype == "bool":
        return replace(column, dtype="object")
    plain = column.dtype.startswith(("int", "uint"))
    return replace(column, kind="numeric", dtype="float64") if plain and column.kind == "integer" else column


def _one_type(one: Column, two: Column) -> tuple[Kind, str]:  # and dtype
    for each, other in ((one, two), (two, one)):
        integers = each.kind == "integer" and each.dtype.startswith(("int", "uint")) and other.dtype in GAPS_IN_INTEGERS
        if each.dtype == other.dtype and each.kind == other.kind:
            return each.kind, each.dtype
        if other.missing and (integers or other.dtype in WITH_GAPS.get(each.dtype, ())):
            return other.kind, other.dtype
    raise DataError(
        f"column {one.name!r} must be of one type in all parts, got {one.dtype} and {two.dtype}: convert it."
    )


def _categories(one: Column, two: Column) -> tuple[object, ...]:
    """Return the categories of both: in the order of their dtype, or sorted where that has none."""
    if one.categories == two.categories:
        return one.categories
    if one.dtype.startswith("ordered"):
        raise DataError(f"column {one.name!r} must have its categories in one order in all parts, got two: convert it.")
    both: list[Any] = list(dict.fromkeys([*one.categories, *two.categories]))
    return tuple(both if one.dtype.startswith("category") else sorted(both))
