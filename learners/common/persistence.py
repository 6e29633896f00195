"""Settings of a learner on disk, and small values that it has learnt."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from loop.support import record_checks
from loop.support.atomic import write_text
from loop.support.plain_json import parse

FILE = "settings.json"
_CONTENT = record_checks.fields(dict.fromkeys(("settings", "learnt"), record_checks.mapped(record_checks.anything)))


def write_settings(learner: Any, folder: Path, **learnt: object) -> None:
    """Create the folder; write the constructor's arguments of a dataclass and small values learnt in the fit."""
    settings = {field.name: getattr(learner, field.name) for field in fields(learner) if field.init}
    write_text(folder / FILE, json.dumps({"settings": settings, "learnt": learnt}, indent=1))


def read_settings(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the constructor's arguments and the learnt values that `write_settings` has written."""
    content = _CONTENT(parse((folder / FILE).read_text(encoding="utf-8")), f"{folder / FILE}")
    return content["settings"], content["learnt"]
