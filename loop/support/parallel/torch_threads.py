"""Number of threads in torch, which changes the last digits of sums; imported only where torch is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, local

import torch

ONE_AT_A_TIME = Lock()  # process-wide state of torch is changed by one thread at a time
_HERE = local()  # whether this thread is within `threads`
_USUAL: list[int] = []  # torch's threads before the first entry, once for each thread within


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch compute with so many threads; afterwards its number of threads is restored.

    Inside of another of these the outer number stays. Each thread has its own number, but a new thread takes over the
    last one set, so the usual number is remembered.
    """
    if getattr(_HERE, "inside", False):
        yield
        return
    with ONE_AT_A_TIME:
        found = torch.get_num_threads()  # always called: the first call in a new thread fixes its number
        _USUAL.append(_USUAL[0] if _USUAL else found)
        torch.set_num_threads(number)
    _HERE.inside = True
    try:
        yield
    finally:
        _HERE.inside = False
        with ONE_AT_A_TIME:
            torch.set_num_threads(_USUAL.pop())


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in the calling thread only, see `threads`.

    Sums depend on the number of threads, so machines with different numbers would make different rows. Nets and batches
    are small, so several threads would hardly be faster, and much slower on a busy machine.
    """
    with threads(1):
        yield
