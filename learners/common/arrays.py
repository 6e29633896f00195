"""The array that a learner reads beside the columns, found by the encoder that its schema has for it."""

import numpy as np

from loop.catalogue import ENCODERS
from loop.errors import DataError
from loop.rows import Rows
from loop.types import Schema, Table


def array_of(source: Table | Schema, reads: str) -> str:
    """Return the name of the first array whose encoder has a name of the catalogue, such as "pixels".

    Parameters
    ----------
    source : Table or Schema
        Rows with arrays, or what is known of them.
    reads : str
        Name of the encoder in `loop.catalogue.ENCODERS`.

    Raises
    ------
    DataError
        If there is none.
    """
    schema = source.schema if isinstance(source, Table) else source
    for array in schema.arrays:
        if ENCODERS.name_of(type(array.encoder)) == reads:
            return array.column
    held = ", ".join(f"{array.column[:40]!r}" for array in schema.arrays[:3]) or "none"
    raise DataError(
        f"a part that reads {reads} needs an array with this encoder beside the columns, and the data have {held}: "
        "name the column of arrays, or choose a part that reads columns."
    )


def entries_of(rows: Rows, name: str) -> np.ndarray:
    """Return the entries (n, ...) of an array that rows must hold.

    Raises
    ------
    DataError
        If they do not.
    """
    if name not in rows.arrays:
        held = ", ".join(f"{each[:40]!r}" for each in list(rows.arrays)[:3]) or "none"
        raise DataError(f"rows must hold the array {name[:40]!r} beside their columns, and hold {held}: add it.")
    return rows.arrays[name]
