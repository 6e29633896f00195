"""Which version wrote what is on disk: what this one cannot read is refused in one sentence that names one that can.

The record that begins each thing that is kept (a model, a generator, a checkpoint, a journal, a run and its report)
holds the number of its format.
"""

from collections.abc import Mapping
from typing import Any

from loop.errors import DataError
from loop.support.plain_json import Record
from loop.support.record_checks import count

KEY = "format"
FORMAT = 6  # raised when what was written before can no longer be read; then `LAST_OF` gets a line
FIRST = "0.1.0"  # wrote format 3 into saved generators, and none into anything else
LAST_OF = {3: FIRST, 4: "0.2.0", 5: "0.3.0"}  # the last version that reads a format and those below it


def stamped(record: Mapping[str, Any]) -> Record:
    """Return a record with the format of this version."""
    return {KEY: FORMAT, **record}


def unstamped(record: Any, what: object, way_out: str) -> Any:
    """Return a record without its format, once that is the one of this version.

    What is no mapping comes back as it is: the checks of the record refuse it.

    Parameters
    ----------
    record : object
        As JSON holds it.
    what : object
        What was read, a path say; the sentence begins with it.
    way_out : str
        What to do instead of taking another version, such as "run it again".

    Raises
    ------
    DataError
        If another version wrote it, or its format is no whole number.
    """
    if not isinstance(record, dict):
        return record
    found = count(record.get(KEY, 0), f"{what}: its {KEY}")
    if found > FORMAT:
        raise DataError(f"{what} was written by a newer weakspot: upgrade this one, or {way_out}.")
    if found < FORMAT:
        version = next(version for last, version in sorted(LAST_OF.items()) if found <= last)
        raise DataError(f"{what} was written by weakspot {version}: read it with that version, or {way_out}.")
    return {name: value for name, value in record.items() if name != KEY}
