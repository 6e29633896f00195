"""Pieces of work side by side: in threads of this process, or at the place that the caller has chosen for them.

Members of a committee, lanes, plain models and folds all come through here, so one choice decides for all of them. A
result does not depend on the place.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Place(Protocol):
    """Where pieces of work are done."""

    def each(self, work: Callable[[Item], Result], items: Sequence[Item], jobs: int, brief: bool) -> list[Result]:
        """Do the work for each item, see `side_by_side`."""
        ...


class Threads:
    """Threads of this process."""

    def each(self, work: Callable[[Item], Result], items: Sequence[Item], jobs: int, brief: bool) -> list[Result]:
        """Do the work in so many threads."""
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(work, items))


class InTurn:
    """The calling thread, for work that has one thread to itself."""

    def each(self, work: Callable[[Item], Result], items: Sequence[Item], jobs: int, brief: bool) -> list[Result]:
        """Do the work item by item."""
        return [work(item) for item in items]


_place: ContextVar[Place | None] = ContextVar("place", default=None)  # None = threads


@contextmanager
def working_at(place: Place) -> Iterator[None]:
    """Let this thread have all pieces of work done at a place until the context ends."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def place_of_work() -> Place:
    """Return the place that this thread has chosen; threads of this process if it has not."""
    return _place.get() or Threads()


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, *, brief: bool = False
) -> list[Result]:
    """Do the same work for each item; return the results in the order of the items.

    Parameters
    ----------
    work : callable
        It may be sent to another process, so it must return what it makes and change nothing that it was given.
    items : sequence
    jobs : int
        Threads, where the place is this process.
    brief : bool
        Whether the work is done sooner than it is sent elsewhere: then it stays in this process.
    """
    return place_of_work().each(work, items, jobs, brief)


_threads: type[Place] = Threads
_in_turn: type[Place] = InTurn
