"""What the parts of the loop must be able to do. No inheritance needed: a class with these methods fits."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, Self, runtime_checkable

import numpy as np

from loop.cycle.pool import Pool
from loop.types import Generation, LoopVerdict, Region, Request, Samples, Table, Verdict

NO_CURVES: Mapping[str, Sequence[float]] = MappingProxyType({})


class Predictor(Protocol):
    """Anything that gives class probabilities."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n, K) for encoded rows X (n, d); every row sums to one."""
        ...


class Learner(Predictor, Protocol):
    """A classifier. Constructor arguments are settings only; ``fit`` never changes them or its input."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from ``table.targets`` with ``table.weight``; return self."""
        ...


class Teacher(Protocol):
    """A stronger model, fitted once fold by fold, so that each lane has one that never saw its judge rows."""

    oof_: np.ndarray  # (n, K) out-of-fold probabilities, NaN in rows of no fold

    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        """Fit members for each fold id >= 0 in ``folds`` (n,) without that fold's rows; rows with -1 are never used."""
        ...

    def views(self, X: np.ndarray, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n, K) and the members' variance of the positive class (n,).

        With ``without`` a fold id, only members that have not seen that fold answer; with None all do.
        """
        ...


class Generator(Protocol):
    """A source of proposals."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from real rows; return self."""
        ...

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Deliver at most ``request.n`` rows, all inside ``request.region``."""
        ...


@runtime_checkable
class Steerable(Protocol):
    """A generator that a score of rows can lead while it makes them."""

    def steered(self, score: Callable[[np.ndarray], np.ndarray]) -> Generator:
        """Return a generator, fitted like this one, that makes more of the rows which score high.

        ``score`` gives non-negative numbers (n,) to encoded rows X (n, d), finished or not.
        """
        ...


class RegionFinder(Protocol):
    """Finds where a learner is weak."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return weak regions, worst first; none is an answer.

        Parameters
        ----------
        table : Table
            Synthetic rows in it are ignored.
        weakness : ndarray of shape (n,)
            Weakness of each row, higher is weaker, from a learner that has not seen it; NaN = not measured, ignored.
        rng : numpy.random.Generator

        Raises
        ------
        DataError
            If the weakness has another length than the table or is infinite somewhere.
        """
        ...


class Acquisition(Protocol):
    """Says how much is to be learnt from each proposal."""

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return non-negative scores (n,); rows are drawn in proportion to them."""
        ...


class Labeller(Protocol):
    """Gives the chosen rows their labels."""

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        """Return the pool's rows with labels."""
        ...


class Gate(Protocol):
    """Refuses rows that must not enter training."""

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates against the real rows of ``reference``."""
        ...


@runtime_checkable
class RunTracker(Protocol):
    """Follows a loop. A context: ``finish`` is called on error too."""

    def start(self, run: Mapping[str, object]) -> None:
        """Open the run; ``run`` holds "name", "params" (flat, str or number) and "tags"."""
        ...

    def record(self, generation: Generation) -> None:
        """Keep one generation."""
        ...

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        """Close the run: status is "finished", "interrupted" or "failed". A second call changes nothing."""
        ...


@runtime_checkable
class Store(Protocol):
    """Keeps whatever else belongs to an open run, and says at the end what it could not keep."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep metrics of the run itself, for example the score of the learner on real rows alone as step 0."""
        ...

    def attach(self, path: Path, folder: str = "") -> None:
        """Keep a copy of a file or directory, in a folder of the run's files."""
        ...

    def child(
        self,
        name: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        curves: Mapping[str, Sequence[float]] = NO_CURVES,
    ) -> None:
        """Keep one finished arm of a comparison; the name tells it from the others of the run.

        ``curves`` hold a metric's values at steps 0, 1, ...
        """
        ...

    def keep_model(self, write: Callable[[Path], object]) -> None:
        """Keep the model that ``write`` puts into a new folder, in MLflow's format, if models are kept here at all."""
        ...

    def complaints(self) -> tuple[str, ...]:
        """Say, in one sentence each, what was not kept where it belongs, and what to do; empty = all was."""
        ...


@runtime_checkable
class Tracker(RunTracker, Store, Protocol):
    """Both: what the commands need."""
