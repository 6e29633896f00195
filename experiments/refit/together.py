"""One fit on several of Dask's workers: each has a shard, and XGBoost adds up their histograms.

XGBoost's own collective is used, as `xgboost.dask` does, but not its `DaskQuantileDMatrix`: that would hold all rows as
floats on the workers and choose the bins from what each worker has, so that trees would depend on their number.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import xgboost as xgb
from xgboost.collective import CommunicatorContext
from xgboost.tracker import RabitTracker

from experiments.refit.seeing import SeenGroup
from experiments.refit.shards import Fit, Shard, dealt, fit_shard
from experiments.scale.workers import GO_ON, LONGEST_WITHOUT, Workers, in_one_sentence
from learners import XGBoost
from loop.errors import WeakspotError
from loop.support.parallel.side_by_side import InTurn, place_of_work, working_at
from loop.types import Table

Result = TypeVar("Result")
ATTEMPTS = 4
TICK = 0.5  # seconds between looks at the workers
AFTERWARDS = 60.0  # seconds that the other workers have to notice that one is lost
_trackers: list[RabitTracker] = []  # of this process, if it is the worker at which the others meet


class _Lost(Exception):
    """A worker was lost in the middle of a fit."""


def fitted(fit: Fit, groups: Sequence[SeenGroup], new_rows: Table | None = None) -> XGBoost:
    """Fit a learner on rows of groups, and new rows, at the place of work: in this process, or on Dask's workers.

    If a worker is lost, the fit is done again on as many workers, or, if no other one has come within a minute, on
    those that are left.

    Parameters
    ----------
    fit : Fit
    groups : sequence of SeenGroup
    new_rows : Table, optional

    Raises
    ------
    WeakspotError
        If the scheduler or all workers are lost, or workers in several attempts.
    """
    place = place_of_work()
    if not isinstance(place, Workers):
        (shard,) = dealt(groups, 1, new_rows)
        return fit_shard(fit, shard)
    client, number = place.client, len(place.client.nthreads())
    lost: _Lost | None = None
    for _ in range(ATTEMPTS):
        with in_one_sentence():
            workers = _present(client, number)
            try:
                return _attempt(client, workers, fit, dealt(groups, len(workers), new_rows))
            except _Lost as error:
                lost = error
    raise WeakspotError(
        f"workers must run to the end of a fit, and {ATTEMPTS} times one did not, perhaps for lack of memory: give "
        f"them more, or take more workers; {GO_ON}."
    ) from lost


def _present(client: Any, number: int) -> list[str]:
    """Return the addresses of so many workers, or of those that are there after a minute."""
    last = time.monotonic() + LONGEST_WITHOUT
    while len(found := sorted(client.nthreads())) < number and time.monotonic() < last:
        time.sleep(TICK)
    if not found:
        raise WeakspotError(
            f"Dask must have a worker for the work, and has had none for {LONGEST_WITHOUT:.0f} seconds: start some; "
            f"{GO_ON}."
        )
    return found


def _attempt(client: Any, workers: Sequence[str], fit: Fit, shards: Sequence[Shard]) -> XGBoost:
    workers = workers[: len(shards)]
    first = workers[0]
    try:
        place = client.run(_meet, len(shards), _host(first), workers=[first])[first]
        pieces = [
            client.submit(_piece, fit, shard, {**place, "DMLC_TASK_ID": f"{at:06}"}, workers=[worker], pure=False)
            for at, (shard, worker) in enumerate(zip(shards, workers, strict=True))
        ]
    except (KeyError, OSError) as error:  # the first worker was lost on the way
        raise _Lost from error
    try:
        found: XGBoost = _ended(client, workers, pieces)[0]
    except _Lost:
        _give_up(client, first, pieces)
        raise
    client.run(_part, workers=[first], on_error="ignore")
    return found


def _ended(client: Any, workers: Sequence[str], pieces: Sequence[Any]) -> list[Any]:
    """Wait for the end of all pieces and return their results; those that are no fault of a worker's are raised."""
    while any(not piece.done() for piece in pieces):
        _check(client, workers, pieces)
        time.sleep(TICK)
    _check(client, workers, pieces)
    return [piece.result() for piece in pieces]


def _check(client: Any, workers: Sequence[str], pieces: Sequence[Any]) -> None:
    failed = [piece.exception() for piece in pieces if piece.status == "error"]
    others = [error for error in failed if not isinstance(error, xgb.core.XGBoostError)]
    if others:
        raise next((error for error in others if isinstance(error, WeakspotError)), others[0])
    if not set(workers) <= set(client.nthreads()):
        raise _Lost
    # When one has failed the others say so, too, perhaps sooner: first hear them all.
    if failed and all(piece.done() for piece in pieces):
        raise _Lost from failed[0]


def _give_up(client: Any, first: str, pieces: Sequence[Any]) -> None:
    """End what is left of an attempt, so that no worker waits for one that is lost."""
    client.run(_part, workers=[first] if first in client.nthreads() else [], on_error="ignore")
    last = time.monotonic() + AFTERWARDS
    left = [piece for piece in pieces if not piece.done()]
    while left and time.monotonic() < last:
        there = client.processing()
        keys = {key for of_worker in there.values() for key in of_worker}
        left = [piece for piece in left if not piece.done() and piece.key in keys]
        time.sleep(TICK)
    client.cancel(list(pieces))


def _meet(number: int, host: str) -> dict[str, Any]:
    """On the first worker: begin to connect so many workers; return what they need for that."""
    tracker = RabitTracker(n_workers=number, host_ip=host, sortby="task")
    tracker.start()
    _trackers.append(tracker)
    return dict(tracker.worker_args())


def _part() -> None:
    """On the first worker: let go of those that wait to be connected."""
    while _trackers:
        _quietly(_trackers.pop().free)


def _quietly(work: Callable[[], Result]) -> Result | None:
    try:
        return work()
    except xgb.core.XGBoostError:  # what it says when somebody was still waiting
        return None


def _piece(fit: Fit, shard: Shard, place: dict[str, Any]) -> XGBoost:
    """On a worker: fit a shard together with the others, with one thread."""
    with working_at(InTurn()), xgb.config_context(verbosity=0):
        return fit_shard(fit, shard, CommunicatorContext(**place))


def _host(address: str) -> str:
    from distributed.comm import get_address_host

    host: str = get_address_host(address)
    return host
