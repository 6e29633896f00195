"""Commands that are printed to be copied: quoted, so that a shell reads them as they are meant."""

import shlex

AUTO, NONE = "auto", "none"  # MLflow as found in the working folder; none at all


def command(*words: object) -> str:
    """Return a command of weakspot, each word quoted where a shell needs it.

    Examples
    --------
    >>> command("report", "my runs/first")
    "weakspot report 'my runs/first'"
    """
    return shlex.join(["weakspot", *map(str, words)])


def tracking_words(tracking: str) -> tuple[str, ...]:
    """Return the option that a command needs to find the records of a run with this setting."""
    return () if tracking in (AUTO, NONE) else ("--tracking", tracking)
