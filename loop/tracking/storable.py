"""What every database takes of a text: SQLite accepts any signs and lengths, others do not."""

import re
from collections.abc import Mapping
from typing import Any

RUN_NAME, DATASET_NAME = 250, 500  # signs that MLflow's tables have room for
SCHEMA = 1_000_000  # signs of a table's columns
ARTIFACT_ROOT = 150  # of the 200 for the address of a run's files, which adds two numbers and a word
UNKNOWN = "\ufffd"  # in place of what no database takes
_REFUSED = re.compile("[\0\ud800-\udfff]")  # file names that are no text have such


def storable(value: Any) -> Any:
    """Return plain values with all texts in them as databases take them.

    Examples
    --------
    >>> storable({"na\\0me": ["\\udcff.csv", 1]})
    {'na�me': ['�.csv', 1]}
    """
    if isinstance(value, str):
        return _REFUSED.sub(UNKNOWN, value)
    if isinstance(value, Mapping):
        return {storable(key): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list | tuple) else value


def within(text: str, most: int) -> str:
    """Return a text, cut if it is longer.

    Examples
    --------
    >>> within("a long name", 6)
    'a lon…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
