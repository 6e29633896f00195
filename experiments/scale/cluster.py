"""Connecting to a Dask cluster, or starting one on this machine; the one file that imports Dask's client."""

import importlib.metadata
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from experiments.config.scale_config import ScaleConfig
from experiments.scale.workers import Workers
from loop.errors import ConfigError
from loop.support.parallel.side_by_side import working_at
from loop.support.secrets import masked

PATIENCE = 10  # seconds that a scheduler has to answer, and its first worker to be there
TRIES = 3  # to start a client on a busy machine
MUST_AGREE = ("weakspot", "numpy", "pandas", "scikit-learn", "xgboost", "torch")  # packages: else numbers may differ
LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm", "tornado.application")
SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1TB",  # tables are sent with the work, once
    "distributed.comm.timeouts.connect": f"{PATIENCE}s",
    # On a busy machine a worker that was killed takes long to start again, and Dask would give it up for good.
    "distributed.deploy.lost-worker-timeout": "1h",
}


@contextmanager
def on_workers(wanted: ScaleConfig | None) -> Iterator[None]:
    """Let this thread have its parallel work done by Dask's workers inside of this; None = in this process as usual.

    Raises
    ------
    ConfigError
        If Dask is not installed, no scheduler answers at the address, it has no worker, or the workers have other
        versions of packages.
    WeakspotError
        From inside, if the scheduler or all workers are lost.
    """
    if wanted is None or not wanted.given:
        yield
        return
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "scale must find the packages dask and distributed, and Python cannot import them: "
            "pip install 'weakspot[scale]'."
        ) from error
    with dask.config.set(SETTINGS), _silent(), _client(wanted) as client:
        _check_workers(client, wanted)
        with working_at(Workers(client)):
            yield


@contextmanager
def _client(wanted: ScaleConfig) -> Iterator[Any]:
    from distributed import Client, LocalCluster, Security

    if wanted.dask is not None:
        with _connected(wanted.dask) as client:
            yield client
        return
    # Encrypted, with a key that only this process knows: a worker runs what it is sent, by whomever. The operating
    # system limits the memory, as for any process: Dask would stop workers long before.
    with (
        LocalCluster(
            n_workers=wanted.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, timeout=PATIENCE, set_as_default=False) as client,
    ):
        # A terminal sends Ctrl-C to all: what becomes of the work, the process that was started decides.
        client.register_worker_callbacks(partial(signal.signal, signal.SIGINT, signal.SIG_IGN))
        yield client


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = _started(lambda: Client(address, timeout=PATIENCE, set_as_default=False))
    except (OSError, ValueError, ImportError) as error:  # ImportError: a transport that is not installed
        where, why = masked(address)[:100], type(error).__name__
        raise ConfigError(
            f"scale.dask must be the address of a Dask scheduler that answers, and none does at {where} ({why}): "
            "check the address, and that `dask scheduler` runs there."
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=PATIENCE)


def _started(start: Callable[[], Any]) -> Any:
    """Start a client, again if its event loop did not come up in the ten seconds that it is given on a busy machine."""
    for _ in range(TRIES - 1):
        try:
            return start()
        except AssertionError:  # distributed.utils.LoopRunner asserts that there is a loop
            continue
    return start()


def _check_workers(client: Any, wanted: ScaleConfig) -> None:
    """Refuse a cluster that would not do the work, or do other work."""
    from distributed.core import CommClosedError

    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        versions = {name: _versions(client, name) for name in MUST_AGREE}
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"Dask's workers must have the packages of this process, and one lacks {error.name}: "
            "install weakspot there as it is here."
        ) from error
    except (OSError, CommClosedError) as error:
        where = masked(wanted.dask or "this machine")[:100]
        raise ConfigError(
            f"the Dask scheduler must have a worker, and none came within {PATIENCE} seconds at {where}: "
            "start some with `dask worker ADDRESS --nthreads 1`."
        ) from error
    for name, found in versions.items():
        own = importlib.metadata.version(name)
        if other := next((each for each in found if each != own), None):
            raise ConfigError(
                f"Dask's workers must have the versions of this process, and {name} is {other} there and {own} here: "
                "install the same."
            )


def _versions(client: Any, name: str) -> list[str]:
    return list(client.run(importlib.metadata.version, name).values())


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's log off the screen: what matters in it becomes a sentence of ours."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
