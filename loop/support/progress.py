"""How far long work inside a part has come, told to whoever listens; a part knows nothing of the listener."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]  # is told the steps done and the steps in all

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell the listener of all steps in this thread until the context ends."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: int, total: int) -> None:
    """Tell the listener, if there is one, that so many steps of the total are done."""
    if (listener := _listener.get()) is not None:
        listener(done, total)
