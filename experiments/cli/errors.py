"""What the user can correct, told in one sentence with an exit code, and nothing else caught."""

import errno
import functools
import re
from collections.abc import Callable
from typing import ParamSpec

import typer

from loop.errors import WeakspotError
from loop.support.secrets import masked
from loop.support.signals import stopped_by_either

Parameters = ParamSpec("Parameters")

USER_FAULT, INTERRUPTED = 2, 130  # exit codes
LONGEST = 300  # characters of a sentence
DISK = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST),
)


def shortened(sentence: str) -> str:
    """Return a sentence of a length that is read: of long ones, long words that are no paths are cut, then the middle.

    The rule stands at its begin and the way out at its end.
    """
    if len(sentence) <= LONGEST:
        return sentence
    sentence = re.sub(r"[^\s/]{81,}", lambda word: word[0][:60] + "...", sentence)
    half = LONGEST  # on either side: paths may be long
    return sentence if len(sentence) <= 2 * half else f"{sentence[:half]} [...] {sentence[-half:]}"


def one_sentence(function: Callable[Parameters, object]) -> Callable[Parameters, None]:
    """Wrap a command: what the user can correct becomes one sentence on stderr, without passwords, and exit code 2."""

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            with stopped_by_either():
                function(*args, **kwargs)
        except WeakspotError as error:
            typer.echo(shortened(masked(str(error))), err=True)
            raise typer.Exit(USER_FAULT) from error
        except OSError as error:
            if error.errno not in DISK:
                raise
            where = error.filename or "the disk"
            typer.echo(
                f"files must be writable, and {where} is not ({error.strerror}): make room or name another place.",
                err=True,
            )
            raise typer.Exit(USER_FAULT) from error
        except KeyboardInterrupt as error:
            typer.echo(str(error) or "Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from error

    return wrapped
