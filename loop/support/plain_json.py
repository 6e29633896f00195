"""Conversion of values to what JSON can hold, and reading of JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Record = dict[str, Any]  # a JSON object


def plain(value: object) -> Any:
    """Return a value as JSON can hold it.

    Non-finite numbers become the strings "NaN", "Infinity" and "-Infinity", as in the JSON form of
    protocol buffers; ``float`` reads them back. Other types than numbers, text and containers become their ``str``.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def parse(text: str | bytes) -> Any:
    """Return the value that JSON text holds.

    Raises
    ------
    ValueError
        If the text is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:  # of json.loads, for text such as "[" * 100_000
        raise ValueError("it is nested too deeply") from None
