"""A program that runs until it is told to end, with all processes that it has begun."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 10.0  # seconds that the processes have to end by themselves
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _ToldToEnd(BaseException):
    """A signal that ends programs has come."""


def run_to_end(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a program; Ctrl-C, or a signal to end, ends it and every process that it has begun.

    Returns
    -------
    int
        Its exit code; 128 and the number of the signal if it was ended by one.
    """
    # A session of its own: Ctrl-C reaches this process alone, which then ends all of them.
    process = subprocess.Popen(command, env=env, start_new_session=True)
    try:
        with _told():
            return process.wait()
    except _ToldToEnd as told:
        return 128 + int(told.args[0])
    finally:
        _end(process)


@contextmanager
def _told() -> Iterator[None]:
    """Raise `_ToldToEnd` where a signal to end strikes."""

    def tell(number: int, _: FrameType | None) -> None:
        raise _ToldToEnd(number)

    before = {number: signal.signal(number, tell) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children: politely, then by force."""
    _send(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    _send(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def _send(process: "subprocess.Popen[bytes]", number: int) -> None:
    if not hasattr(os, "killpg"):  # Windows
        process.terminate()
        return
    with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of ended processes
        os.killpg(process.pid, number)
