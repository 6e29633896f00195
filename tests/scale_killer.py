"""A learner that ends a process in the middle of the work, and a Dask cluster in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from learners import XGBoost
from loop.types import Table

Pieces = Callable[[], Iterator[Table]]
OWN = "own"  # order to end the process that reads it
CLUSTER = """
import logging, sys
import dask
from distributed import LocalCluster
dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"})
if __name__ == "__main__":
    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=int(sys.argv[1]), silence_logs=logging.CRITICAL, **options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@dataclass(eq=False)
class Killer(XGBoost):
    """XGBoost that carries out an order, once, when it first meets rows of a generation."""

    order: str = ""  # file with the number of a process, or with OWN; it is removed before the process is ended
    generation: int = 1

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit, unless it was this process that was ended."""
        if table.generation.max() >= self.generation:
            self._carry_out()
        return super().fit(table, rng)

    def fit_pieces(self, pieces: Pieces, sample: Table, rng: np.random.Generator, *, among: Any = None) -> Self:
        """Fit, unless it was this process that was ended: among the others, with the first piece read."""

        def interrupted() -> Iterator[Table]:
            for table in pieces():
                yield table
                self._carry_out()

        return super().fit_pieces(interrupted, sample, rng, among=among)

    def _carry_out(self) -> None:
        order = Path(self.order)
        try:
            wanted = order.read_text()
            order.unlink()
        except (FileNotFoundError, IsADirectoryError):  # nothing was ordered, or another process has carried it out
            return
        os.kill(os.getpid() if wanted == OWN else int(wanted), signal.SIGKILL)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, int]]:
    """Start a cluster; yield the address of its scheduler and the number of the scheduler's process."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(script), str(workers)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.stdin.close()
