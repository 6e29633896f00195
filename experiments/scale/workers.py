"""Work sent to Dask's workers: a result comes back, or one sentence.

Dask's own client sends it, not joblib's Dask backend: with joblib 1.6 a piece of work that ends its workers, or a
scheduler that is lost, leaves the caller waiting for ever, and the arrays it spreads are lost with their worker.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from loop.errors import WeakspotError
from loop.support.parallel.side_by_side import InTurn, Place, Threads, working_at

Item = TypeVar("Item")
Result = TypeVar("Result")
LONGEST_WITHOUT = 60.0  # seconds without any worker after which the work is given up
GO_ON = "run the same command to go on, or a run with --resume"


@dataclass(frozen=True, eq=False)
class Workers:
    """The workers of a Dask cluster as a place of work, see `loop.support.parallel.side_by_side.Place`.

    Each piece is sent with all that it needs, so if a worker is lost, the scheduler has its piece done by another one.
    """

    client: Any  # distributed.Client

    @property
    def number(self) -> int:
        """Pieces of work that are done at a time."""
        return max(1, sum(int(threads) for threads in self.client.nthreads().values()))

    def each(self, work: Callable[[Item], Result], items: Sequence[Item], jobs: int, brief: bool) -> list[Result]:
        """Do the work for each item; what is brief stays here, in so many threads.

        Raises
        ------
        WeakspotError
            If the scheduler or all workers are lost, or a piece of work has ended several workers.
        """
        if brief:
            return Threads().each(work, items, jobs, brief)
        done = dict(self.as_they_end(work, items))
        return [done[number] for number in range(len(items))]

    def as_they_end(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """Do the work for each item; yield position and result of each as it ends.

        Raises
        ------
        WeakspotError
            As `each` does.
        """
        key, left, pieces = f"weakspot-{uuid.uuid4().hex}", iter(enumerate(items)), dict[Any, int]()
        try:
            while True:
                with in_one_sentence():
                    # No more than can be worked on: a worker that is free takes the next, however long the others take.
                    for number, item in islice(left, max(0, self.number - len(pieces))):
                        piece = partial(_piece, work, item)
                        pieces[self.client.submit(piece, key=f"{key}-{number}", pure=False)] = number
                    if not pieces:
                        return
                    ended = [(pieces.pop(each), each.result()) for each in self._ended(list(pieces))]
                yield from ended
        finally:
            for each in pieces:
                each.release()  # what has not begun is then not done

    def _ended(self, pieces: Sequence[Any]) -> Sequence[Any]:
        """Wait until some pieces have ended, and return them."""
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    return list(wait(pieces, timeout=LONGEST_WITHOUT, return_when="FIRST_COMPLETED").done)
            except TimeoutError as error:
                if not self.client.nthreads():
                    raise WeakspotError(
                        f"Dask must have a worker for the work, and has had none for {LONGEST_WITHOUT:.0f} seconds: "
                        f"start some; {GO_ON}."
                    ) from error


def _piece(work: Callable[[Item], Result], item: Item) -> Result:
    """Do one piece on a worker, whose one thread it has to itself."""
    with working_at(InTurn()):
        return work(item)


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Turn the errors of a lost cluster into one sentence; those of the work pass."""
    from distributed.core import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise WeakspotError(
            "workers must run to the end, and the same piece of work has ended several, perhaps for lack of memory: "
            f"give them more; {GO_ON}."
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise WeakspotError(f"the Dask scheduler must stay there during the work, and it was lost: {GO_ON}.") from error


_workers: type[Place] = Workers
