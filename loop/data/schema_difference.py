"""Whether encoded values have the same meaning in two schemas."""

from loop.data.date_parts import SECONDS_A_DAY
from loop.types import Schema


def difference(stored: Schema, given: Schema) -> str | None:
    """Return how the meaning of encoded values differs between two schemas, None if it does not; ranges may differ."""
    if stored.names != given.names:
        odd = sorted(set(stored.names) ^ set(given.names))
        return f"only one of the two has column {odd[0]!r}" if odd else "the order of the columns differs"
    if unlike := _unlike_dates(stored, given):
        return unlike
    for old, new in zip(stored.columns, given.columns, strict=True):
        if old.kind != new.kind:
            return f"column {old.name!r} was {old.kind} and is {new.kind}"
        if old.categories != new.categories:
            return (
                f"the categories of column {old.name!r} were {_short(old.categories)} and are {_short(new.categories)}"
            )
    if stored.classes != given.classes:
        return f"the classes were {_short(stored.classes)} and are {_short(given.classes)}"
    return None


def _unlike_dates(stored: Schema, given: Schema) -> str | None:
    """Return how parts of a date differ that both schemas make under the same names."""
    known = {recipe.column: recipe for recipe in given.date_parts}
    for old in stored.date_parts:
        new = known.get(old.column, old)
        if old.zone != new.zone:
            return f"the parts of {old.column!r} were of zone {old.zone} and are of {new.zone}"
        if old.origin != new.origin and f"{old.column}_days_since" in stored.names:
            days = abs(old.origin - new.origin) / SECONDS_A_DAY
            return f"{old.column}_days_since is counted from another day, {days:.1f} days apart"
    return None


def _short(values: tuple[object, ...], most: int = 8) -> str:
    shown = ", ".join(repr(value) for value in values[:most])
    return f"[{shown}, ...]" if len(values) > most else f"[{shown}]"
