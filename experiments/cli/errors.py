"""What the user can correct, told in one sentence with an exit code, and nothing else caught."""

import errno
import functools
import shutil
from collections.abc import Callable
from typing import ParamSpec

import typer

from loop.errors import WeakspotError
from loop.support.memory import lacks_memory
from loop.support.signals import stopped_by_either
from loop.support.visible import sentence

Parameters = ParamSpec("Parameters")

USER_FAULT, INTERRUPTED = 2, 130  # exit codes
DISK = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST),
)
TOO_LITTLE = (
    "memory must hold the work, and it was too little: take fewer rows or columns, smaller settings, or one job; "
    "a run that had begun goes on with weakspot run --resume and its folder."
)


def one_sentence(function: Callable[Parameters, object]) -> Callable[Parameters, None]:
    """Wrap a command: what the user can correct becomes one sentence on stderr, without passwords, and exit code 2."""

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            with stopped_by_either():
                function(*args, **kwargs)
        except WeakspotError as error:
            _end(error, USER_FAULT)
        except KeyboardInterrupt as error:
            _end(str(error) or "Interrupted.", INTERRUPTED)
        except Exception as error:
            told = _of_machine(error)
            if told is None:  # a fault of ours
                raise
            _end(told, USER_FAULT)

    return wrapped


def _of_machine(error: Exception) -> str | None:
    """Say what the machine lacks, if that is what an error is about."""
    if lacks_memory(error):
        return TOO_LITTLE
    if isinstance(error, shutil.Error):  # of copying or moving folders: no number, but a list, or a sentence
        return f"files must be copied, and not all could be ({_cause(error)}): make room or name another place."
    if isinstance(error, OSError) and error.errno in DISK:
        where = error.filename or "the disk"
        return f"files must be writable, and {where} is not ({error.strerror}): make room or name another place."
    return None


def _cause(error: shutil.Error) -> object:
    """Return why the first of several files could not be copied."""
    told = error.args[0] if error.args else "no reason told"
    return told[0][-1] if isinstance(told, list) and told and isinstance(told[0], tuple) else told


def _end(told: object, code: int) -> None:
    typer.echo(sentence(told), err=True)
    raise typer.Exit(code)
