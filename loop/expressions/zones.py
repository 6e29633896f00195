"""Time zones of columns of datetimes."""

from loop.types import Column, Schema


def zone_of(column: Column) -> str | None:
    """Return the time zone of a column of datetimes by name, None = it has none."""
    return column.dtype.partition(", ")[2].rstrip("]") or None if column.kind == "datetime" else None


def zones_of(schema: Schema) -> dict[str, str]:
    """Return the time zones of the columns that have one, by the name of the column."""
    return {column.name: zone for column in schema.columns if (zone := zone_of(column)) is not None}
