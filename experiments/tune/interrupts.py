"""Signals that stop the computation of a trial, but never a read or write of the study's database."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Raises KeyboardInterrupt for a signal where that is allowed, and elsewhere as soon as it is allowed again.

    An exception in the middle of a database call leaves its lock with a connection that is gone, so that the call
    that ends the trial waits for it in vain; and in a finaliser an exception is lost.
    """

    def __init__(self) -> None:
        self.noted = False  # a signal has come
        self._allowed = False

    @contextmanager
    def listening(self, number: signal.Signals) -> Iterator[None]:
        """Handle a signal inside; one that has not been raised inside is raised at the end. The second acts at once.

        Parameters
        ----------
        number : signal.Signals

        Raises
        ------
        KeyboardInterrupt
            If the signal came.
        """
        if threading.current_thread() is not threading.main_thread():  # only that thread may set handlers
            yield
            return
        before = signal.signal(number, self._handle)
        try:
            yield
        finally:
            signal.signal(number, before)
        if self.noted:
            raise KeyboardInterrupt

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a signal stop what runs inside, at once."""
        with self._switched(True):
            self._raise_noted()
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let what runs inside come to its end, and raise then."""
        with self._switched(False):
            yield
        if self._allowed:
            self._raise_noted()

    @contextmanager
    def _switched(self, allowed: bool) -> Iterator[None]:
        before, self._allowed = self._allowed, allowed
        try:
            yield
        finally:
            self._allowed = before

    def _raise_noted(self) -> None:
        if self.noted:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.noted = self.noted, True
        if again or self._allowed:
            raise KeyboardInterrupt
