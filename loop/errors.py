"""Errors that the user can correct: one sentence with the rule, the value and the way out."""

from collections.abc import Iterator

from loop.support.visible import sentence


class WeakspotError(Exception):
    """An error that the user can correct. The command line prints it and exits with code 2.

    Whatever the data hold, the sentence is short, on one line, and shows no password, see `loop.support.visible`.
    """

    def __init__(self, told: object = "") -> None:
        super().__init__(sentence(told))


class DataError(WeakspotError, ValueError):
    """The data break a rule: a missing target, duplicate column names, infinities."""


class ConfigError(WeakspotError, ValueError):
    """The configuration breaks a rule: an unknown key, a value out of range, a part that does not exist."""


class ConditionError(WeakspotError, ValueError):
    """The generator does not support the requested condition."""


class TrackingError(WeakspotError, RuntimeError):
    """A tracking server or its disk did not accept the records; they are kept locally."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
