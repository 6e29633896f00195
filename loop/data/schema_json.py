"""A schema as JSON values and back; reading executes nothing."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, get_args

import pandas as pd
from pandas.api.types import pandas_dtype

from loop.catalogue import ENCODERS
from loop.data.date_parts import PARTS, DateParts
from loop.data.restoring import check_restorable
from loop.encoders import ArrayColumn
from loop.errors import DataError
from loop.support.record_checks import (
    anything,
    count,
    fields,
    flag,
    integer,
    listed,
    number,
    optional,
    refuse,
    scalar,
    text,
    text_in,
)
from loop.types import Column, Kind, Schema

SAVABLE = (str, bool, int, float)  # types that JSON tells apart: "1", true, 1, 1.0


def to_json(schema: Schema) -> dict[str, Any]:
    """Return the schema as values that `json` can write.

    Raises
    ------
    DataError
        If a category or class is neither text, number nor boolean.
    """
    for name, values in [(column.name, column.categories) for column in schema.columns] + [
        (schema.target, schema.classes)
    ]:
        odd = next((value for value in values if not isinstance(value, SAVABLE)), None)
        if odd is not None:
            raise DataError(
                f"categories must be text, numbers or booleans to be saved, got {type(odd).__name__} in {name!r}: "
                "convert the column with astype('str')."
            )
    content = asdict(replace(schema, arrays=()))
    for made in ("date_parts", "arrays"):
        if not content[made]:
            del content[made]  # so that a schema without them is written as it always was
    if schema.arrays:
        content["arrays"] = [_array_told(array) for array in schema.arrays]
    for column in content["columns"]:
        column["low"], column["high"] = str(column["low"]), str(column["high"])  # JSON has no word for infinity
    return content


def from_json(content: Mapping[str, Any]) -> Schema:
    """Rebuild a schema from what `to_json` returned.

    Raises
    ------
    DataError
        If it is not what `to_json` writes; the caller adds the file and the way out.
    """
    _SCHEMA(content, "the schema")
    if content["classes"] and content["positive"] >= len(content["classes"]):
        raise DataError(
            f"the schema.positive must be one of {len(content['classes'])} classes, got {content['positive']}"
        )
    _check_names(content)
    columns = tuple(_column(column) for column in content["columns"])
    excluded = tuple((str(name), str(reason)) for name, reason in content["excluded"])
    recipes = tuple(DateParts(**{**told, "parts": tuple(told["parts"])}) for told in content.get("date_parts", []))
    read = {"columns": columns, "classes": tuple(content["classes"]), "excluded": excluded, "date_parts": recipes}
    read["arrays"] = tuple(_array(told) for told in content.get("arrays", []))
    schema = Schema(**{**content, **read})
    check_restorable(schema)
    return schema


def _check_names(content: Mapping[str, Any]) -> None:
    """Raise a DataError unless names, categories and classes are there once each and go with the kinds of columns."""
    names = [column["name"] for column in content["columns"]] + [content["target"]]
    excluded = [name for name, _ in content["excluded"]]
    for values, place in ((names, "columns and target"), (content["classes"], "classes"), (excluded, "excluded")):
        if twice := [each for at, each in enumerate(values) if each in values[:at]]:  # of which one may be 0 or ""
            raise DataError(f"the schema.{place} must be there once each, got {str(twice[0])[:40]!r} twice")
    for column in content["columns"]:
        known, place = column["categories"], f"the schema, column {column['name'][:40]!r}"
        if len(set(known)) < len(known) or bool(known) != (column["kind"] == "categorical"):
            raise DataError(f"{place}, must have categories once each if it is categorical, and none else")
        if not float(column["low"]) <= float(column["high"]) and not known:
            raise DataError(f"{place}, must have a range from low to high")


def _end(value: object, place: str) -> object:
    return value if text(value, place) in ("inf", "-inf") else number(_as_number(str(value)), place)


def _as_number(told: str) -> object:
    try:
        return float(told)
    except ValueError:
        return told


_COLUMN = fields(
    {"name": text, "kind": text_in(get_args(Kind)), "dtype": text, "low": _end, "high": _end}
    | {"categories": listed(scalar), "missing": flag, "decimals": optional(integer(-400, 400)), "days": flag},
    known_only=True,
)


def _dates(value: object, place: str) -> str:
    """Accept the name of a dtype of datetimes, with or without a zone."""
    try:
        dtype = pandas_dtype(text(value, place))
    except (TypeError, ValueError):  # `pandas.api.types.pandas_dtype`: no such dtype, no such zone
        dtype = None
    dated = isinstance(dtype, pd.DatetimeTZDtype) or (dtype is not None and dtype.kind == "M")
    return str(value) if dated else refuse(place, "a dtype of datetimes", value)


def _moment(value: object, place: str) -> float:
    taken = number(value, place)
    return taken if math.isfinite(taken) else refuse(place, "a finite number", value)


def _parts(value: object, place: str) -> list[str]:
    taken: list[str] = listed(text_in(PARTS))(value, place)
    return taken if taken and len(set(taken)) == len(taken) else refuse(place, "a list of different parts", value)


_RECIPE = fields({"column": text, "dtype": _dates, "parts": _parts, "origin": _moment}, known_only=True)
_ARRAY = fields({"column": text, "encoder": text, "learnt": anything}, known_only=True)
_SCHEMA = fields(
    {"columns": listed(_COLUMN), "classes": listed(scalar), "positive": count, "target": text}
    | {"excluded": listed(listed(text, 2)), "target_dtype": text},
    {"date_parts": listed(_RECIPE), "arrays": listed(_ARRAY)},  # not written by earlier versions
    known_only=True,
)


def _array_told(array: ArrayColumn) -> dict[str, Any]:
    name = ENCODERS.name_of(type(array.encoder))
    if name is None:
        raise DataError(
            f"an encoder must be registered to be saved, and that of {array.column[:40]!r}, "
            f"{type(array.encoder).__name__[:40]}, is not: register it under weakspot.encoders, or use one of "
            f"{', '.join(ENCODERS.names())}."
        )
    return {"column": array.column, "encoder": name, "learnt": array.encoder.to_json()}


def _array(told: Mapping[str, Any]) -> ArrayColumn:
    if told["encoder"] not in (known := ENCODERS.names()):
        raise DataError(f"the schema.arrays.encoder must be one of {', '.join(known)}, got {told['encoder'][:40]!r}")
    return ArrayColumn(told["column"], ENCODERS.kind(told["encoder"]).from_json(told["learnt"]))


def _column(content: Mapping[str, Any]) -> Column:
    low, high = float(content["low"]), float(content["high"])
    return Column(**{**content, "low": low, "high": high, "categories": tuple(content["categories"])})
