"""Learners on disk: what one that can be saved has, its settings, and small values that it has learnt."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from loop.errors import DataError
from loop.protocols import Predictor
from loop.support import record_checks
from loop.support.atomic import write_text
from loop.support.own_files import own_text
from loop.support.plain_json import parse

FILE = "settings.json"
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


def write_settings(learner: Any, folder: Path, **learnt: object) -> None:
    """Create the folder; write the constructor's arguments of a dataclass and small values learnt in the fit."""
    settings = {field.name: getattr(learner, field.name) for field in fields(learner) if field.init}
    write_text(folder / FILE, json.dumps({"settings": settings, "learnt": learnt}, indent=1))


def read_settings(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the constructor's arguments and the learnt values that `write_settings` has written."""
    content = _CONTENT(parse(own_text(folder / FILE)), f"{folder / FILE}")
    return content["settings"], content["learnt"]


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
