"""Edits of plain values, as JSON and YAML hold them: each place of a record, each way in which it can be wrong."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

Place = tuple[str | int, ...]
Edit = tuple[str, Callable[[Any], str]]  # its name, and the text of the record with it

OTHERS: dict[str, object] = {
    "text": "odd",
    "null": None,
    "true": True,
    "minus one": -1,
    "minus seven": -7,
    "zero": 0,
    "two": 2,
    "huge": 2**62,
    "beyond 64 bits": 10**30,
    "fraction": 0.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "word nan": "NaN",
    "empty list": [],
    "empty map": {},
    "list": [1, "a", None],
    "map": {"a": [1]},
    "long text": "x" * 5000,
    "control characters": "a\x1b[31m\u202e\nb",
}
DEEP = 100_000


def places(value: object, at: Place = (), most: int = 2) -> Iterator[Place]:
    """Yield the place of each value of a record; of a list only the first and the last entries."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*at, key), most)
    elif isinstance(value, list):
        for position in sorted({*range(min(most, len(value))), *([len(value) - 1] if value else [])}):
            yield from places(value[position], (*at, position), most)


def edits(value: object, write: Callable[[object], str]) -> Iterator[Edit]:
    """Yield edits of a record, given how records are written."""
    for at in places(value):
        for name, other in OTHERS.items():
            yield f"{_named(at)} {name}", lambda told, at=at, other=other: write(_put(told, at, other))
        for name, change in _CHANGES.items():
            if change(copy.deepcopy(_get(value, at))) is not None:
                yield (
                    f"{_named(at)} {name}",
                    lambda told, at=at, change=change: write(_put(told, at, change(_get(told, at)))),
                )
    yield "deeply nested", lambda told: "[" * DEEP
    yield "deeply nested maps", lambda told: '{"a":' * DEEP
    yield "nothing", lambda told: ""
    yield "cut in half", lambda told: write(told)[: len(write(told)) // 2]


def json_text(value: object) -> str:
    """Write JSON; of two equal keys both stay, see `Twice`."""
    return json.dumps(value)


def _more_entries(value: Any) -> Any:
    return [*value, value[-1]] if isinstance(value, list) and value else None


def _fewer_entries(value: Any) -> Any:
    return value[:-1] if isinstance(value, list) and value else None


def _turned(value: Any) -> Any:
    return value[::-1] if isinstance(value, list) and len(value) > 1 else None


def _other_key(value: Any) -> Any:
    return {**value, "odd": 1} if isinstance(value, dict) else None


def _without_first(value: Any) -> Any:
    return {key: value[key] for key in list(value)[1:]} if isinstance(value, dict) and value else None


def _without_last(value: Any) -> Any:
    return {key: value[key] for key in list(value)[:-1]} if isinstance(value, dict) and value else None


def _larger(value: Any) -> Any:
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else None


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else None


_CHANGES: dict[str, Callable[[Any], Any]] = {
    "with an entry more": _more_entries,
    "with an entry less": _fewer_entries,
    "turned round": _turned,
    "with another key": _other_key,
    "without its first key": _without_first,
    "without its last key": _without_last,
    "larger by one": _larger,
    "as text": _as_text,
}


def _get(value: Any, at: Place) -> Any:
    for key in at:
        value = value[key]
    return value


def _put(value: Any, at: Place, other: object) -> Any:
    if not at:
        return other
    whole = copy.deepcopy(value)
    _get(whole, at[:-1])[at[-1]] = other
    return whole


def _named(at: Place) -> str:
    return "/".join(str(key)[:30] for key in at) or "whole"
