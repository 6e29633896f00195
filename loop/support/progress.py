"""Progress of long work inside a part, reported to a listener that the part does not know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]  # (steps done, steps in total)

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Report all steps of this thread to the listener until the context ends."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: int, total: int) -> None:
    """Report the number of steps done to the listener, if there is one."""
    if (listener := _listener.get()) is not None:
        listener(done, total)
