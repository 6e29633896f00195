"""How long a comparison would take with more workers, on paper: from what its cells and the rest of it have taken."""

from collections.abc import Sequence

import numpy as np


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return the time until all pieces are done, the longest first, each by the worker that is free first.

    This is at most a third longer than the best schedule (Graham 1969, "Bounds on multiprocessing timing anomalies").

    Parameters
    ----------
    seconds : sequence of float
        Of each piece.
    workers : int
    """
    busy = np.zeros(workers)
    for each in sorted(seconds, reverse=True):
        busy[busy.argmin()] += each
    return float(busy.max())


def speedups(seconds: Sequence[float], serial: float, workers: Sequence[int]) -> dict[int, float]:
    """Return how many times faster so many workers are than one.

    Parameters
    ----------
    seconds : sequence of float
        Of each piece.
    serial : float
        Seconds that no worker can take over.
    workers : sequence of int
    """
    alone = serial + sum(seconds)
    return {each: alone / (serial + makespan(seconds, each)) for each in workers}
