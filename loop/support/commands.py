"""Commands that are printed to be copied: quoted, so that a shell reads them as they are meant."""

import shlex
from pathlib import Path

AUTO, NONE = "auto", "none"  # MLflow as found in the working folder; none at all


def command(*words: object) -> str:
    """Return a command of weakspot, each word quoted where a shell needs it; no path reads as an option.

    Examples
    --------
    >>> command("report", "my runs/first")
    "weakspot report 'my runs/first'"
    >>> command("report", Path("-old/first"))
    'weakspot report ./-old/first'
    """
    return shlex.join(["weakspot", *map(_word, words)])


def _word(word: object) -> str:
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)


def tracking_words(tracking: str) -> tuple[str, ...]:
    """Return the option that a command needs to find the records of a run with this setting."""
    return () if tracking in (AUTO, NONE) else ("--tracking", tracking)
