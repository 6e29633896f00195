"""A schema as JSON values and back; what is read is data only, nothing in it is executed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from loop.errors import DataError
from loop.types import Column, Schema

SAVABLE = (str, bool, int, float)  # JSON tells them apart by itself: "1", true, 1, 1.0


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
    content = asdict(schema)
    for column in content["columns"]:
        column["low"], column["high"] = str(column["low"]), str(column["high"])  # JSON has no word for infinity
    return content


def from_json(content: Mapping[str, Any]) -> Schema:
    """Rebuild a schema from what `to_json` returned."""
    columns = tuple(_column(column) for column in content["columns"])
    set_aside = tuple((str(name), str(reason)) for name, reason in content["set_aside"])
    return Schema(**{**content, "columns": columns, "classes": tuple(content["classes"]), "set_aside": set_aside})


def _column(content: Mapping[str, Any]) -> Column:
    low, high = float(content["low"]), float(content["high"])
    return Column(**{**content, "low": low, "high": high, "categories": tuple(content["categories"])})
