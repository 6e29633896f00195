"""Settings of a saved part, checked by the types of its constructor before it is made."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from loop.errors import ConfigError, DataError
from loop.support.plain_json import Record

Part = TypeVar("Part")


def made_again(kind: Callable[..., Part], settings: Mapping[str, Any], path: Path, *given: object) -> Part:
    """Make a part from settings that were read from a file.

    Parameters
    ----------
    kind : type
        A dataclass; what its constructor takes are its settings.
    settings : mapping of str to object
        As JSON holds them.
    path : Path
        Of the file, for the message.
    *given : object
        First arguments that are no settings, such as a learner inside it.

    Raises
    ------
    DataError
        If a setting is unknown, of another type or out of range.
    """
    if fault := _fault(kind, settings, len(given)):
        raise DataError(f"settings in {path} must be those of {kind.__name__}, and {fault}: save it again.")
    try:
        return kind(*given, **settings)
    except ConfigError as error:
        raise DataError(f"settings in {path} must be within their bounds, and {error}") from error


def _fault(kind: Any, settings: Mapping[str, Any], given: int) -> str | None:
    """Return what is wrong with the first setting that is, None if all are right."""
    import json

    from pydantic import ValidationError

    try:
        _model(kind, given).model_validate_json(json.dumps(settings), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))[:80]!r} is not ({first['msg'][:80]})"
    return None


@cache
def _model(kind: Any, given: int) -> Any:
    from pydantic import ConfigDict, create_model

    hints = get_type_hints(kind)
    settings = [each.name for each in fields(kind) if each.init][given:]
    known: Record = {name: (hints[name], None) for name in settings}
    config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(kind.__name__, __config__=config, **known)
