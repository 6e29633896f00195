"""Protocols of the parts of the loop. No inheritance is needed: a class with these methods conforms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np

from loop.rows import Rows
from loop.supplies.pool import Pool
from loop.types import Generation, LoopVerdict, Region, Request, Samples, Table, Verdict


@dataclass(frozen=True)
class Child:
    """One finished arm of a comparison, or trial of a search, as a store keeps it."""

    name: str  # unique in the run
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)  # values of metrics at steps 0, 1, ...
    seconds: float = 0.0  # how long its work took
    datasets: Sequence[Mapping[str, object]] = ()  # see `loop.tracking.records.dataset_record`


class Predictor(Protocol):
    """Anything that gives class probabilities."""

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K) for n encoded rows; every row sums to one."""
        ...


@runtime_checkable
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

    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n, K) and the members' variance of the positive class (n,).

        If ``without`` is a fold id, only members that have not seen that fold are used; None = all members.
        """
        ...


class Generator(Protocol):
    """A source of proposals."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from real rows; return self."""
        ...

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return at most ``request.n`` rows, all inside ``request.region``.

        Raises
        ------
        ConditionError
            If the generator does not support the request; some refuse a label that no real row has.
        """
        ...


@runtime_checkable
class Steerable(Protocol):
    """A generator that a score of rows can guide while it makes them."""

    def steered(self, score: Callable[[Rows], np.ndarray]) -> Generator:
        """Return a generator, fitted like this one, that makes more rows with a high score.

        ``score`` maps n encoded rows, also unfinished ones, to non-negative numbers (n,).
        """
        ...


@runtime_checkable
class Telling(Protocol):
    """A generator that counts what it asked elsewhere, received and refused, for whoever pays for it."""

    def said(self) -> str:
        """Tell in a sentence what it and its copies have done so far."""
        ...


@runtime_checkable
class Finite(Protocol):
    """A generator whose rows are given: each is proposed once, and none can be made anew to be held back."""

    def without(self, rows: Rows) -> Generator:
        """Return a generator, fitted like this one, that has none of the rows."""
        ...


@runtime_checkable
class Private(Protocol):
    """A generator that protects each row it is fitted on, as long as nothing else learns from these rows beside it.

    Its noise comes from the system's entropy, so a fit cannot be repeated, and each fit spends privacy anew; what it
    samples is repeatable. No teacher, gate or region fitted on the rows may be combined with it, so no loop takes it.
    """

    def privacy(self) -> str:
        """Tell what the fit promises, for whom, and what it has spent."""
        ...


class RegionFinder(Protocol):
    """Finds where a learner is weak."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return weak regions, worst first; there may be none.

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
    """Scores how much the learner can learn from each proposal.

    A class attribute ``needs_teacher = True`` says that it refuses a pool without the teacher's answers; with ``False``
    the teacher, which may be slow, is asked about the chosen rows only. Without the attribute it gets the answers of
    the teacher if there is one.
    """

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return non-negative scores (n,); rows are drawn in proportion to them."""
        ...


class Labeller(Protocol):
    """Labels the chosen rows; ``needs_teacher`` as for an acquisition."""

    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        """Return the pool's rows with labels."""
        ...


class Gate(Protocol):
    """Refuses rows that must not enter training."""

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates against the real rows of ``reference``."""
        ...


class Oracle(Protocol):
    """Someone who knows labels: a person, a function, or withheld labels. It is never asked what it need not know."""

    def ask(self, rows: Rows, ids: np.ndarray) -> np.ndarray:
        """Return class codes (m,) int, -1 = not answered, of m rows; ``ids`` (m,) are their positions in the pool."""
        ...


@runtime_checkable
class LateOracle(Oracle, Protocol):
    """Someone whose answers may come later than the question."""

    def arrived(self, ids: np.ndarray) -> np.ndarray:
        """Return what has come in by now for rows asked about earlier, class codes (m,) int, -1 = nothing yet."""
        ...


@runtime_checkable
class RunTracker(Protocol):
    """Records a run of the loop; ``finish`` is called after an error, too."""

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
    """Keeps everything else of an open run, and reports at the end what it could not keep."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep metrics of the run itself, for example the score of the learner on real rows only as step 0."""
        ...

    def attach(self, path: Path, folder: str = "") -> None:
        """Keep a copy of a file or directory, in a folder of the run's files."""
        ...

    def child(self, child: Child) -> None:
        """Keep one finished arm of a comparison."""
        ...

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep words about the run by name, in place of earlier ones of the same name."""
        ...

    def keep_model(
        self,
        write: Callable[[Path], object],
        description: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        proven: bool = False,
    ) -> None:
        """Keep the model that ``write`` saves into a new folder in MLflow's format, if this store keeps models.

        ``proven`` = there is evidence that it is better than what one had.
        """
        ...

    def complaints(self) -> tuple[str, ...]:
        """Return one sentence for each thing that was not kept, with the way out; empty = everything was kept."""
        ...


@runtime_checkable
class Tracker(RunTracker, Store, Protocol):
    """A run tracker and a store in one, as the commands need."""
