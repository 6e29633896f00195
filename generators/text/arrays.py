"""The texts that a generator reads and makes, and new rows with texts in the place of those they start from."""

import numpy as np

from generators.resampling.resample import proposals
from loop.encoders import rows_of
from loop.types import NOBODY, Schema, Table


def with_texts(table: Table, name: str, starts: np.ndarray, texts: list[str], sources: list[list[int]]) -> Table:
    """Return new rows: those they start from, with other texts, of which all columns that are made of them are made.

    Parameters
    ----------
    table : Table
        Real rows.
    name : str
        Of the array of texts.
    starts : np.ndarray
        Positions (n,) of the rows that the new ones start from: other columns, other arrays and labels are theirs.
    texts : list of str
        The n new texts.
    sources : list of list of int
        Positions of all rows that each text was made from, beside the start.
    """
    chosen, made = table.take(starts), _stacked(table.schema, name, texts)
    arrays = {each: array.copy() for each, array in chosen.rows.arrays.items()} | {name: made}
    own = [
        [start, *(row for row in dict.fromkeys(rows) if row != start)]
        for start, rows in zip(starts.tolist(), sources, strict=True)
    ]
    parents = np.full((len(texts), max(map(len, own), default=1)), NOBODY, dtype=np.int64)
    for at, rows in enumerate(own):
        parents[at, : len(rows)] = table.row_number[rows]
    return proposals(rows_of(table.schema, chosen.X, arrays), chosen.y.copy(), parents, table.schema)


def kept_whole(schema: Schema, name: str, text: str) -> bool:
    """Tell whether a text is short enough that an array of the schema takes all of it."""
    return len(str(_stacked(schema, name, [text])[0])) == len(text.replace("\r\n", "\n"))


def _stacked(schema: Schema, name: str, texts: list[str]) -> np.ndarray:
    return next(array for array in schema.arrays if array.column == name).encoder.stacked(texts)
