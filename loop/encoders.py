"""Columns whose entries are arrays or texts: an encoder makes numbers of them, for all that looks at columns alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from loop.catalogue import ENCODERS
from loop.errors import DataError
from loop.rows import Rows

if TYPE_CHECKING:
    from loop.types import Schema, Table

ANY = "any"  # what a part reads that takes every array


@runtime_checkable
class Encoder(Protocol):
    """Makes columns of the entries of one array: what regions, gates, drift and splits then work on.

    It is fitted on training rows only, deterministic, and small enough to be part of the schema.
    """

    def fit(self, entries: np.ndarray) -> Self:
        """Learn from the entries (n, ...) of the training rows; return self."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the e columns it makes, to which that of the array is added in front."""
        ...

    def columns(self, entries: np.ndarray) -> np.ndarray:
        """Return the columns (n, e), float64, of entries (n, ...), each by itself."""
        ...

    def stacked(self, cells: Sequence[object]) -> np.ndarray:
        """Return n cells of a frame as one array (n, ...) that NumPy saves without pickle.

        Raises
        ------
        DataError
            If a cell is missing, or is not what the encoder takes; once fitted, if it has another shape.
        """
        ...

    def cells(self, entries: np.ndarray) -> list[object]:
        """Return entries (n, ...) as the n cells of a frame."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return what was learnt, with the settings, as values that JSON can write."""
        ...

    @classmethod
    def from_json(cls, content: object) -> Self:
        """Rebuild a fitted encoder.

        Raises
        ------
        DataError
            If it is not what `to_json` writes.
        """
        ...


@dataclass(frozen=True, eq=False)
class ArrayColumn:
    """A column of arrays or texts, with its fitted encoder: columns are made of it as parts are of a date."""

    column: str
    encoder: Encoder

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that are made."""
        return tuple(f"{self.column}_{name}" for name in self.encoder.names)

    def made(self, entries: np.ndarray) -> dict[str, np.ndarray]:
        """Return the columns (n,) of entries (n, ...) by name."""
        return dict(zip(self.names, self.encoder.columns(entries).T, strict=True))


def learnt_of(column: str, cells: Sequence[object], encoder: Encoder, known: Sequence[object]) -> ArrayColumn:
    """Return an array column with its encoder fitted on cells of the training rows.

    Raises
    ------
    DataError
        If the cells are not what the encoder takes, or the data have a column already that would be made.
    """
    made = ArrayColumn(column, encoder.fit(encoder.stacked(cells)))
    if taken := sorted(set(made.names) & set(map(str, known))):
        raise DataError(
            f"columns made of {column!r} must have free names, and the data have {taken[0]!r} already: rename it."
        )
    return made


def reads(part: object) -> str | None:
    """Return the name of the encoder of the arrays that a learner or generator, or its class, works on.

    None = it works on columns alone; "any" = on whatever there is.
    """
    found: str | None = getattr(part, "reads", None)
    return found


def misfit(part: object, schema: "Schema", *, makes_rows: bool = False) -> str | None:
    """Return why a part does not go with the rows of a schema, None if it does.

    A learner may look at the columns alone; a generator must make the arrays, too.
    """
    name, wanted = type(part).__name__, reads(part)
    known = {ENCODERS.name_of(type(array.encoder)): array.column for array in schema.arrays}
    if wanted == ANY or wanted in known or (wanted is None and not (makes_rows and known)):
        return None
    if wanted is None:
        return f"{name} makes columns alone, and rows have {', '.join(known.values())} beside them"
    return f"{name} needs a column encoded by {wanted}, and the rows have {', '.join(map(str, known)) or 'none'}"


def array_of(source: "Table | Schema", reads: str) -> str:
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
    schema: Schema = getattr(source, "schema", source)  # type: ignore[arg-type]  # a table's own
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


def rows_of(schema: "Schema", X: np.ndarray, arrays: Mapping[str, np.ndarray]) -> Rows:
    """Return rows of arrays (n, ...) by name with columns X (n, d), of which those made of arrays are made anew.

    For generators, which change arrays: what the columns say of a row must agree with its array.
    """
    made, at = X.copy(), {column.name: position for position, column in enumerate(schema.columns)}
    for array in schema.arrays:
        for name, values in array.made(arrays[array.column]).items():
            if name in at:  # constant ones are no features
                made[:, at[name]] = values
    return Rows(made, arrays)
