"""Signals that stop a command: SIGTERM as Ctrl-C, and what must come to its end first."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_either() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM, too, so that it leaves no more behind than Ctrl-C."""
    with _handled({signal.SIGTERM: signal.default_int_handler}):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let what runs inside come to its end; a signal that came is raised then.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C or SIGTERM.
    """
    came: list[int] = []
    with _handled(dict.fromkeys(STOPPING, lambda number, frame: came.append(number))):
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def _handled(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only that thread may set handlers
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
