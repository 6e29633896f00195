"""Run the loop from its first fit to its last, for the estimator, the command line and the benchmarks alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from loop.cycle.controller import Outcome, conclude, generations, prepare
from loop.cycle.parts import Parts
from loop.cycle.training import Prepared
from loop.types import Generation, Table

Watch = Callable[[Generation], object]


@dataclass(frozen=True, eq=False)
class LoopRun:
    """A loop that ran to its end."""

    prepared: Prepared
    history: tuple[Generation, ...]
    outcome: Outcome
    seconds: float  # wall clock, from the first fit to the last


def run_loop(
    parts: Parts, table: Table, folds: np.ndarray, rng: np.random.Generator, watches: Sequence[Watch] = ()
) -> LoopRun:
    """Run the loop to its end.

    Parameters
    ----------
    parts
        Unfitted parts.
    table
        Real training rows (n).
    folds
        Fold ids (n,) of the rows, from `loop.cycle.lanes.deal`.
    rng
        Root of all random streams of the run.
    watches
        Are shown each generation as it ends, in order.
    """
    started = time.perf_counter()
    return run_prepared(prepare(parts, table, folds, rng), watches, started=started)


def run_prepared(prepared: Prepared, watches: Sequence[Watch] = (), *, started: float | None = None) -> LoopRun:
    """Run a loop whose teacher and generators are fitted.

    Parameters
    ----------
    started
        When the work on it began, on the clock of ``time.perf_counter``; None = now, its preparation counted in.
    """
    begin = time.perf_counter() - sum(prepared.seconds.values()) if started is None else started
    history, _ = turn(prepared, watches)
    outcome = conclude(prepared, history)
    return LoopRun(prepared, tuple(history), outcome, time.perf_counter() - begin)


def turn(
    prepared: Prepared,
    watches: Sequence[Watch] = (),
    past: Sequence[Generation] = (),
    *,
    until_interrupted: bool = False,
) -> tuple[list[Generation], bool]:
    """Turn the cycle until there is a reason to stop; return all generations, and whether Ctrl-C came in between.

    Parameters
    ----------
    past
        Generations of an interrupted run that this one goes on with.
    until_interrupted
        Whether Ctrl-C ends the turning instead of being raised. A generation that not all watches have seen is left
        out then.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, unless it ends the turning.
    """
    history = list(past)
    try:
        for generation in generations(prepared, past):
            for watch in watches:
                watch(generation)
            history.append(generation)
    except KeyboardInterrupt:
        if not until_interrupted:
            raise
        return history, True
    return history, False
