"""How a frame becomes the numbers that an exported model takes, and its raw answers the probabilities: plain JSON."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from loop.evaluation.calibration import FLOOR, Calibration
from loop.model import Model

FILE = "encoding.json"
_RESERVED = "[]<"  # characters that XGBoost allows in no feature name


def encoding_of(model: Model) -> dict[str, Any]:
    """Return the columns of a model in order, each with its kind and the categories by code, and its classes.

    A category is encoded as its position in ``categories``, a boolean as 0 or 1, a datetime as seconds since
    1970-01-01 UTC; what is missing, or a category that is not listed, as NaN. ``date_parts`` says which columns are
    parts of a date, in which zone, and from which second days are counted.
    """
    columns = [
        {"name": column.name, "kind": column.kind}
        | ({"categories": list(column.categories)} if column.kind == "categorical" else {})
        for column in model.schema.columns
    ]
    dates = [
        {
            "column": each.column,
            "zone": each.zone,
            "origin": each.origin,
            "parts": dict(zip(each.names, each.parts, strict=True)),
        }
        for each in model.schema.date_parts
    ]
    told = {"weakspot": version("weakspot"), "columns": columns, "classes": list(model.schema.classes)}
    return {**told, "date_parts": dates} if dates else told


def with_features(encoding: Mapping[str, Any], features: Sequence[str], offsets: Mapping[int, float]) -> dict[str, Any]:
    """Add to each column the name of its feature, and the offset to be subtracted before it is rounded.

    Parameters
    ----------
    encoding : mapping
        As `encoding_of` returns it.
    features : sequence of str, d names
    offsets : mapping
        By position of the column; others have 0.
    """
    columns = [
        column | {"feature": feature, "offset": offsets.get(position, 0.0)}
        for position, (column, feature) in enumerate(zip(encoding["columns"], features, strict=True))
    ]
    return {**encoding, "columns": columns}


def feature_names(names: Sequence[str]) -> list[str]:
    """Return the names of columns as XGBoost allows them: brackets and "<" become "_", and all still differ.

    Examples
    --------
    >>> feature_names(["amount", "age [years]", "age _years_"])
    ['amount', 'age _years__', 'age _years_']
    """
    taken = {name for name in names if not set(name) & set(_RESERVED)}
    found = []
    for name in names:
        allowed = name
        if name not in taken:
            allowed = name.translate({ord(letter): "_" for letter in _RESERVED})
            while allowed in taken:
                allowed += "_"
            taken.add(allowed)
        found.append(allowed)
    return found


def calibration_of(calibration: Calibration) -> dict[str, Any]:
    """Return the parameters of a calibration so that every class has its own; rows are then scaled to sum to one.

    "platt" maps p to exp(slope * log(p) + offset), with p at least ``floor``; "isotonic" interpolates linearly between
    knots, one line of (probabilities, calibrated) for each class; "none" leaves p as it is.
    """
    told = calibration.to_json()
    if told["method"] == "platt":
        return {**told, "floor": FLOOR}
    if told["method"] == "isotonic" and len(told["knots"]) == 1:  # of two classes: the line of the second
        ((x, y),) = told["knots"]
        return {**told, "knots": [[[1 - p for p in reversed(x)], [1 - p for p in reversed(y)]], [x, y]]}
    return told
