"""Learners on disk: what one that can be saved has, its settings, and small values that it has learnt."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from loop.errors import DataError
from loop.protocols import Predictor
from loop.support import record_checks
from loop.support.atomic import write_text
from loop.support.model_files.settings import made_again
from loop.support.own_files import own_text
from loop.support.plain_json import parse
from loop.types import Schema

FILE = "settings.json"
Made = TypeVar("Made")
_CONTENT = record_checks.fields(dict.fromkeys(("settings", "learnt"), record_checks.mapped(record_checks.anything)))


@runtime_checkable
class Storable(Predictor, Protocol):
    """A fitted learner that can be saved without pickle."""

    def save(self, folder: Path) -> None:
        """Write settings and the fitted state into a folder, which is made."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written."""
        ...


@runtime_checkable
class Suited(Protocol):
    """A learner that knows for which rows it was fitted."""

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        ...


def columns_misfit(schema: Schema, columns: int, classes: int) -> str | None:
    """Return how a schema differs from so many columns and classes, None if it does not."""
    if (columns, classes) == (len(schema.columns), schema.n_classes):
        return None
    return f"{columns} columns and {classes} classes, not {len(schema.columns)} and {schema.n_classes}"


def write_settings(learner: Any, folder: Path, **learnt: object) -> None:
    """Create the folder; write the constructor's arguments of a dataclass and small values learnt in the fit."""
    settings = {field.name: getattr(learner, field.name) for field in fields(learner) if field.init}
    write_text(folder / FILE, json.dumps({"settings": settings, "learnt": learnt}, indent=1))


def read_settings(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the constructor's arguments and the learnt values that `write_settings` has written."""
    content = _CONTENT(parse(own_text(folder / FILE)), f"{folder / FILE}")
    return content["settings"], content["learnt"]


def unfitted(
    kind: type[Made],
    folder: Path,
    learnt: Mapping[str, record_checks.Check],
    more: Mapping[str, record_checks.Check] | None = None,
) -> tuple[Made, Mapping[str, Any]]:
    """Make a learner again from its settings in a folder, without what it has learnt.

    Parameters
    ----------
    kind : type
        Class of the learner, a dataclass.
    folder : Path
        Where `write_settings` has written.
    learnt : mapping of str to check
        A check for each value that was learnt.
    more : mapping of str to check, optional
        Checks of values that earlier versions did not write.

    Returns
    -------
    Made
        The learner, with its settings.
    mapping of str to object
        The learnt values, checked.

    Raises
    ------
    DataError
        If settings or values are missing, of other types or out of range.
    """
    content = read_record(folder / FILE, _CONTENT)
    told = record_checks.fields(learnt, more, known_only=True)(content["learnt"], f"{folder / FILE}: learnt")
    return made_again(kind, content["settings"], folder / FILE), told


def read_record(path: Path, check: record_checks.Check) -> Any:
    """Return a JSON record of a saved learner, checked as a whole.

    Raises
    ------
    DataError
        If the file is missing or no JSON, or the check refuses what it holds.
    """
    try:
        content = parse(own_text(path))
    except (OSError, ValueError) as error:
        raise DataError(
            f"a saved learner must hold {path.name}, and {path.parent} has none to read: save it again."
        ) from error
    return check(content, f"{path}")
