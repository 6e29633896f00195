"""Libraries that come with an extra of the package: their absence is told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from loop.errors import ConfigError


@contextmanager
def needs_extra(learner: str, extra: str = "boosters") -> Iterator[None]:
    """Import a library of an extra inside of this.

    Parameters
    ----------
    learner : str
        Who needs it, named in the message.
    extra : str
        The extra that brings it.

    Raises
    ------
    ConfigError
        If the library is not installed, or lacks a library of the system.
    """
    try:
        yield
    except (ImportError, OSError) as error:  # OSError: LightGBM, where OpenMP is missing
        why = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"{learner} must find its library, and Python cannot import it ({why}): pip install 'weakspot[{extra}]'."
        ) from error
