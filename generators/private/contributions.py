"""So many rows of each group at most, chosen at random by the system's entropy."""

import os

import numpy as np


def bounded(unit: np.ndarray, most: int) -> np.ndarray:
    """Return the positions, ascending, of at most so many rows of each unit of ``unit`` (n,).

    Which rows of a unit are taken depends on no other unit: a person more or less changes their own rows only.
    """
    tickets = np.frombuffer(os.urandom(8 * len(unit)), dtype=np.uint64)
    order = np.lexsort((tickets, unit))
    sorted_ = unit[order]
    first = np.searchsorted(sorted_, sorted_, side="left")
    taken: np.ndarray = np.sort(order[np.arange(len(unit)) - first < most])
    return taken
