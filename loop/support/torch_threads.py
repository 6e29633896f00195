"""How many threads torch computes with, which decides the last digits of a sum; imported only where torch is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, local

import torch

ONE_AT_A_TIME = Lock()  # what torch holds for the whole process is changed by one thread after the other
_HERE = local()  # is this thread within `one_thread`?
_USUAL: list[int] = []  # threads that torch had before the first came in, once for each thread within


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in the calling thread alone; its number of threads is put back.

    A sum depends on how many threads share it: with as many as a machine has, each machine would make rows of its own.
    Nets and batches are small, so several threads would hardly be faster; they are many times slower where processors
    are busy. The number is each thread's own, but a new thread takes over the last one set: hence it is remembered.
    """
    if getattr(_HERE, "inside", False):
        yield
        return
    with ONE_AT_A_TIME:
        found = torch.get_num_threads()  # asked always: a new thread takes over the last number set when first asked
        _USUAL.append(_USUAL[0] if _USUAL else found)
        torch.set_num_threads(1)
    _HERE.inside = True
    try:
        yield
    finally:
        _HERE.inside = False
        with ONE_AT_A_TIME:
            torch.set_num_threads(_USUAL.pop())
