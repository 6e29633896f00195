"""Checks of values read from JSON: each returns the value in its Python type, or raises a DataError.

A check takes a value and its place in the record, for the message. Checks are composed like the types that they stand
for: ``listed(number)`` checks a list of numbers.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from reprlib import Repr
from typing import Any, NoReturn

from loop.errors import DataError

Check = Callable[[object, str], Any]  # (value, place) -> value
WORDS = {"NaN", "Infinity", "-Infinity"}  # non-finite numbers, see `loop.support.plain_json.plain`
LARGEST = 2**63 - 1
_short = Repr()
_short.maxlevel, _short.maxlist, _short.maxdict = 2, 3, 3
_short.maxstring = _short.maxother = _short.maxlong = 40


def refuse(place: str, rule: str, value: object) -> NoReturn:
    """Raise a DataError for a value that breaks a rule."""
    raise DataError(f"{place} must be {rule}, got {_short.repr(value)[:80]}")


def number(value: object, place: str) -> float:
    """Accept a number, or one of the words for non-finite numbers."""
    if isinstance(value, str) and value in WORDS:
        return float(value)
    fits = isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e308)
    return float(value) if fits else refuse(place, "a number", value)  # type: ignore[arg-type]


def bound(value: object, place: str) -> float:
    """Accept a number that may be infinite."""
    taken = number(value, place)
    return taken if taken == taken else refuse(place, "a number, finite or not", value)


def finite(value: object, place: str) -> float:
    """Accept a finite number."""
    taken = number(value, place)
    return taken if abs(taken) < float("inf") else refuse(place, "a finite number", value)


def amount(value: object, place: str) -> float:
    """Accept a finite number that is not negative."""
    taken = number(value, place)
    return taken if 0 <= taken < float("inf") else refuse(place, "a number from 0 on", value)


def integer(least: int = 0, most: int = LARGEST) -> Check:
    """Return a check for whole numbers from ``least`` to ``most``."""

    def check(value: object, place: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            refuse(place, f"a whole number from {least} on" if most == LARGEST else f"one of {least} to {most}", value)
        return value

    return check


count = integer()


def text(value: object, place: str) -> str:
    """Accept text."""
    return value if isinstance(value, str) else refuse(place, "text", value)


def text_in(allowed: Collection[str]) -> Check:
    """Return a check for text that is one of ``allowed``."""
    return lambda value, place: value if text(value, place) in allowed else refuse(place, _either(allowed), value)


def path_inside(value: object, place: str) -> str:
    """Accept a relative path that stays inside its folder."""
    path = PurePosixPath(text(value, place))
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in str(path):
        refuse(place, "a path inside the folder", value)
    return str(path)


def flag(value: object, place: str) -> bool:
    """Accept true or false."""
    return value if isinstance(value, bool) else refuse(place, "true or false", value)


def scalar(value: object, place: str) -> str | bool | int | float:
    """Accept text, a number, or true or false."""
    return value if isinstance(value, (str, bool, int, float)) else refuse(place, "text, a number or a flag", value)


def anything(value: object, place: str) -> object:
    """Accept any value."""
    return value


def optional(inner: Check) -> Check:
    """Return a check that also accepts null."""
    return lambda value, place: None if value is None else inner(value, place)


def listed(inner: Check, length: int | None = None) -> Check:
    """Return a check for lists of values that ``inner`` accepts, of a given length or any."""

    def check(value: object, place: str) -> list[Any]:
        if not isinstance(value, list):
            refuse(place, "a list", value)
        if length is not None and len(value) != length:
            refuse(place, f"a list of {length}", value)
        return [inner(each, f"{place}.{position}") for position, each in enumerate(value)]

    return check


def pair(first: Check, second: Check) -> Check:
    """Return a check for lists of two values, one for each check."""

    def check(value: object, place: str) -> tuple[Any, Any]:
        one, other = listed(anything, 2)(value, place)
        return first(one, f"{place}.0"), second(other, f"{place}.1")

    return check


def mapped(inner: Check) -> Check:
    """Return a check for mappings from text to values that ``inner`` accepts."""

    def check(value: object, place: str) -> dict[str, Any]:
        return {text(key, place): inner(each, f"{place}.{key}") for key, each in _mapping(value, place).items()}

    return check


def both(first: Check, second: Check) -> Check:
    """Return a check for mappings that two other checks accept."""
    return lambda value, place: {**first(value, place), **second(value, place)}


def fields(needed: Mapping[str, Check], more: Mapping[str, Check] | None = None, known_only: bool = False) -> Check:
    """Return a check for mappings with the keys of ``needed``; those of ``more`` may be missing.

    Other keys are accepted, as later versions may write more; ``known_only`` refuses them.
    """

    def check(value: object, place: str) -> dict[str, Any]:
        held = _mapping(value, place)
        if missing := [name for name in needed if name not in held]:
            raise DataError(f"{place} lacks {', '.join(missing)}")
        checks = {**needed, **(more or {})}
        if known_only and (unknown := [name for name in held if name not in checks]):
            refuse(place, "a mapping of known keys", unknown[0])
        return {**held, **{name: each(held[name], f"{place}.{name}") for name, each in checks.items() if name in held}}

    return check


def _mapping(value: object, place: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else refuse(place, "a mapping of keys to values", value)


def _either(allowed: Collection[str]) -> str:
    return f"one of {', '.join(sorted(allowed))}"
