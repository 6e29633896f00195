"""Run the loop from its first fit to its last, for the estimator, the command line and the benchmarks alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from loop.cycle.conclusion import Outcome, conclude
from loop.cycle.controller import generations, prepare
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
    parts, table, folds, rng
        As `loop.cycle.controller.prepare` takes them.
    watches : sequence of callable
        Each is called with every generation as it ends, in order.
    """
    started = time.perf_counter()
    return run_prepared(prepare(parts, table, folds, rng), watches, started=started)


def run_prepared(prepared: Prepared, watches: Sequence[Watch] = (), *, started: float | None = None) -> LoopRun:
    """Run a loop whose teacher and generators are already fitted.

    Parameters
    ----------
    prepared : Prepared
        From `loop.cycle.controller.prepare`.
    watches : sequence of callable
        Each is called with every generation as it ends, in order.
    started : float, optional
        Start of the work in seconds of ``time.perf_counter``; None = now, with the seconds of preparation added.
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
    """Run generations until there is a reason to stop; return all of them, and whether Ctrl-C interrupted the run.

    Parameters
    ----------
    prepared : Prepared
    watches : sequence of callable
        Each is called with every generation as it ends, in order.
    past : sequence of Generation
        Generations of an interrupted run that this one continues.
    until_interrupted : bool
        Whether Ctrl-C ends the run instead of being raised; a generation that not all watches have seen is then left
        out.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, unless ``until_interrupted``.
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
