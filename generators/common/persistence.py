"""A fitted generator on disk: settings and small facts as JSON, rows as Parquet; nothing that is read is executed.

The ``save`` of a generator calls `write_settings` (and `write_table`, or writes other files beside them); its ``load``
reads them back. `save` here replaces the folder as a whole and lists its files; `load` here checks that no file has
changed, and finds the right class through the catalogue.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, runtime_checkable
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

from generators import GENERATORS, WRAPPERS
from generators.common.saved_rows import arrays_beside, damaged, read_rows
from loop.data import schema_json
from loop.data.schema_difference import difference
from loop.errors import ConfigError, DataError, WeakspotError
from loop.protocols import Generator
from loop.rows import Rows
from loop.support import atomic, record_checks
from loop.support.format import stamped, unstamped
from loop.support.model_files.settings import made_again
from loop.support.own_files import own_text
from loop.support.plain_json import parse
from loop.types import Schema, Table

FILE, ROWS = "settings.json", "rows.parquet"
DAMAGED = (  # what libraries raise for a damaged file
    BadZipFile,  # numpy.load, of an archive
    SafetensorError,  # safetensors.torch.load_file
    zlib.error,  # numpy.load, of a compressed member
    OSError,  # the system; pyarrow.parquet.read_table
    ValueError,  # numpy.load, pyarrow (ArrowInvalid), json, XGBoostError
    EOFError,  # numpy.load, of an empty file
    RuntimeError,  # torch.nn.Module.load_state_dict, for other names or shapes; zipfile, for an encrypted member
)


_CONTENT = record_checks.fields(
    {"generator": record_checks.anything, "schema": record_checks.anything}
    | dict.fromkeys(("settings", "learnt"), record_checks.mapped(record_checks.anything))
)
Fitted = TypeVar("Fitted", bound=Generator)
Made = TypeVar("Made")


@runtime_checkable
class Savable(Generator, Protocol):
    """A generator that can be saved to disk."""

    def save(self, folder: Path) -> None:
        """Write the fitted generator into a folder, which is created if it does not exist."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written; the result samples the same rows for the same seed."""
        ...


def write_settings(generator: Any, folder: Path, schema: Schema, **learnt: object) -> None:
    """Make the folder and write the settings of a fitted generator.

    A setting that is itself a generator is not written: the wrapper saves it in a folder inside.

    Parameters
    ----------
    generator : dataclass instance
        The fields of its constructor are its settings.
    folder : Path
        Where the generator is saved.
    schema : Schema
        Schema of the rows it was fitted on.
    **learnt : object
        Small results of the fit, as JSON values.

    Raises
    ------
    DataError
        If a setting, a result, or a category of the schema is not a JSON value.
    """
    settings = {field.name: getattr(generator, field.name) for field in fields(generator) if field.init}
    content = {
        "generator": name_of(type(generator)),
        "settings": {name: value for name, value in settings.items() if not _is_generator(value)},
        "learnt": learnt,
        "schema": schema_json.to_json(schema),
    }
    try:
        text = json.dumps(stamped(content), indent=1)
    except TypeError as error:
        raise DataError(
            f"settings must be numbers, text, lists or mappings to be saved, those of {type(generator).__name__} are "
            f"not ({error}): give the part by its name."
        ) from error
    atomic.write_text(folder / FILE, text)


def read_settings(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Schema]:
    """Return the settings, the results of the fit and the schema that `write_settings` has written.

    Raises
    ------
    DataError
        If the folder holds no saved generator, a damaged one, or one of another version.
    """
    content = _content(folder)
    return content["settings"], content["learnt"], content["schema"]


def unfitted(
    kind: Callable[..., Made], folder: Path, learnt: Mapping[str, record_checks.Check] | None = None, *given: object
) -> tuple[Made, dict[str, Any], Schema]:
    """Make a generator again from its settings in a folder, without what it has learnt.

    Parameters
    ----------
    kind : type
        Class of the generator, a dataclass.
    folder : Path
        Where `write_settings` has written.
    learnt : mapping of str to check, optional
        A check for each result of the fit; None = there are none.
    *given : object
        First arguments that are no settings, such as a generator inside it.

    Raises
    ------
    DataError
        If settings or results are missing, of other types or out of range.
    """
    content, path = _content(folder), folder / FILE
    made = made_again(kind, content["settings"], path, *given)
    try:
        told = record_checks.fields(learnt or {}, known_only=True)(content["learnt"], "learnt")
    except DataError as error:
        raise damaged(path, error) from error
    return made, told, content["schema"]


def write_table(table: Table, path: Path) -> None:
    """Write the real rows of a table as Parquet: encoded values ``x_NAME``, ``y``, ``weight`` and row number.

    What they hold beside their columns goes into a NumPy archive of the same name.
    """
    real = table.take(table.is_real)
    arrays = [pa.array(x) for x in (*real.X.T, real.y, real.weight, real.row_number)]
    pq.write_table(pa.Table.from_arrays(arrays, names=_table_names(table.schema)), path)
    if real.rows.arrays:
        np.savez(path.with_suffix(".npz"), allow_pickle=False, **real.rows.arrays)


def read_table(path: Path, schema: Schema) -> Table:
    """Read the rows that `write_table` has written, bit for bit.

    Raises
    ------
    DataError
        If the file's columns are not those of the schema, or its values not of their types and ranges.
    """
    X, y, weight, rows = read_rows(path, schema, _table_names(schema))
    arrays = arrays_beside(path.with_suffix(".npz"), len(y))
    return Table.real(Rows(X, arrays), y, schema, weight).numbered(rows)


def save_rows(generator: Any, folder: Path) -> None:
    """Save a generator that keeps its real rows as ``table_`` and whose fit is deterministic."""
    write_settings(generator, folder, generator.table_.schema)
    write_table(generator.table_, folder / ROWS)


def load_rows(kind: Callable[..., Fitted], folder: Path) -> Fitted:
    """Read a generator that `save_rows` has written: fit it on its rows again."""
    made, _, schema = unfitted(kind, folder)
    return made.fit(read_table(folder / ROWS, schema), np.random.default_rng(0))


def save(generator: Savable, folder: Path) -> None:
    """Write a fitted generator, replacing an older saved generator but nothing else.

    If writing fails, the older one stays unchanged.

    Raises
    ------
    ConfigError
        If the folder holds something other than a saved generator.
    DataError
        If the generator has settings or categories that cannot be saved.
    """
    check_replaceable(folder)
    with atomic.replaced(folder) as partial:
        generator.save(partial)
        atomic.seal(partial)


def check_replaceable(folder: Path) -> None:
    """Raise a ConfigError unless a folder is new, empty or holds a saved generator."""
    free = not folder.exists() or (folder.is_dir() and ((folder / FILE).is_file() or not any(folder.iterdir())))
    if not free:
        raise ConfigError(f"a generator must be saved in a new or empty folder, and {folder} is not: choose another.")


def load(folder: Path, schema: Schema | None = None) -> Savable:
    """Read a generator that `save` has written, of any class in the catalogue.

    Parameters
    ----------
    folder : Path
        Where a generator was saved.
    schema : Schema or None
        The schema that its rows must fit, None = any.

    Returns
    -------
    Savable
        The fitted generator.

    Raises
    ------
    DataError
        If the folder holds no generator of the catalogue, any of its files has changed, or its columns or classes
        differ from those of ``schema``.
    """
    content = _content(folder)
    if schema is not None and (fault := difference(content["schema"], schema)):
        raise DataError(f"the generator in {folder} must fit the table, but {fault}: fit it again on this table.")
    name = content["generator"]
    catalogue = next((each for each in (GENERATORS, WRAPPERS) if name in each.names()), None)
    if catalogue is None:
        allowed = ", ".join(sorted((*GENERATORS.names(), *WRAPPERS.names())))
        raise DataError(f"a saved generator must be one of {allowed}, {folder} holds {name!r}: fit and save it again.")
    try:
        atomic.check(folder)
        kind: Any = catalogue.kind(name)
        if unknown := sorted(set(content["settings"]) - {field.name for field in fields(kind)}):
            raise DataError(f"settings of {name} must be its own, {folder} has {unknown[0]!r}: fit and save it again.")
        loaded: Savable = kind.load(folder)
    except WeakspotError:
        raise
    except DAMAGED as error:
        raise DataError(
            f"the files of a saved generator must be whole, those in {folder} are not ({error}): fit and save it again."
        ) from error
    return loaded


def _content(folder: Path) -> dict[str, Any]:
    """Read the settings file; its schema comes back as a Schema."""
    path = folder / FILE
    try:
        told = parse(own_text(path))
    except FileNotFoundError as error:
        raise DataError(f"a saved generator must have a {FILE}, {folder} has none: give another folder.") from error
    except (OSError, ValueError) as error:
        raise _no_settings(path, error) from error
    told = unstamped(told, path, "fit it again")
    try:
        content: dict[str, Any] = _CONTENT(told, "the whole")
        schema = schema_json.from_json(content["schema"])
    except DataError as error:
        raise _no_settings(path, error) from error
    return content | {"generator": str(content["generator"]), "schema": schema}


def _no_settings(path: Path, why: Exception) -> DataError:
    return DataError(f"{path} must be the settings of a saved generator ({why}): fit and save it again.")


def name_of(kind: type) -> str:
    """Return the catalogue name of a class, else the class name; then only the class's own ``load`` can read it."""
    return GENERATORS.name_of(kind) or WRAPPERS.name_of(kind) or kind.__qualname__


def _is_generator(value: object) -> bool:
    return callable(getattr(value, "fit", None)) and callable(getattr(value, "sample", None))


def _table_names(schema: Schema) -> list[str]:
    return [*(f"x_{name}" for name in schema.names), "y", "weight", "row"]
