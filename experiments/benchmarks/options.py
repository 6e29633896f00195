"""What the commands of the benchmarks share: lists of names among their options, and where they print."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from experiments.cli import output
from loop.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 160  # columns of tables that go to a file


def console(width: int = WIDTH) -> "Console":
    """Return what tables are printed on: as wide as the terminal, or so many columns."""
    return output.console(width)


def listed(text: str) -> list[str]:
    """Take apart names that are separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def among(what: str, text: str, known: Collection[str]) -> list[str]:
    """Take apart names that are separated by commas, at least one, all of them known.

    Raises
    ------
    ConfigError
        If there is none, or one is not known.
    """
    names = listed(text)
    if not names or not set(names) <= set(known):
        raise ConfigError(f"{what} must be among {', '.join(known)}, got {text!r}: choose from these.")
    return names
