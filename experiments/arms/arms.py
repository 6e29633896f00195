"""The arms of every comparison: the loop beside the cheap alternatives, on the same rows and seeds."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from experiments.arms.tuned_baseline import out_of_fold, tunable, tune
from experiments.config.strategies import without_aim
from generators import ImblearnAdapter
from loop.cycle.driver import LoopRun, run_prepared
from loop.cycle.parts import Parts
from loop.errors import ConditionError
from loop.protocols import Learner, Predictor, Teacher
from loop.rows import Rows
from loop.seeds import root, stream
from loop.types import Region, Request, Table

REAL_ONLY, TUNED, UNTARGETED = "real only", "real only, tuned", "untargeted"
TARGETED, TEACHER = "targeted", "teacher itself"
CHEAP = (REAL_ONLY, TUNED, "class weight", "random oversampling", "SMOTE", UNTARGETED)
SCORED_ROWS = 20_000  # rows scored to measure the seconds per million


@dataclass(frozen=True, eq=False)
class Arm:
    """One fitted model of a comparison: a cheap alternative, the loop or its teacher."""

    name: str
    predictor: Predictor
    seconds_fit: float
    note: str = ""

    @property
    def cheap(self) -> bool:
        """Whether this is an alternative that the loop has to beat."""
        return self.name in CHEAP


@dataclass(frozen=True, eq=False)
class _Taught:
    """The teacher as a predictor."""

    teacher: Teacher

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return self.teacher.views(rows, None)[0]


def arms(
    run: LoopRun, folds: np.ndarray, rng: np.random.Generator, *, tuning: bool = True, control: bool = True
) -> Iterator[Arm]:
    """Fit the cheap arms beside a finished loop and yield all, the loop and its teacher last.

    Parameters
    ----------
    run : LoopRun
        The finished loop; all arms use its parts and training rows.
    folds : ndarray of shape (n,)
        Lane ids of the training rows.
    rng : numpy.random.Generator
    tuning : bool
        Whether to fit the tuned arm, which takes as many seconds as the loop took.

    Yields
    ------
    Arm
    """
    parts, table, seed = run.prepared.parts, run.prepared.table, root(rng)
    jobs = parts.settings.jobs

    def fitted(
        name: str, rows: Callable[[np.random.Generator], Table], note: str = "", own: np.random.Generator | None = None
    ) -> Arm:
        started, own = time.perf_counter(), own or stream(seed, name)
        made = rows(own)
        learner = copy.deepcopy(parts.learner_for(made)).fit(made, own)
        return Arm(name, learner, time.perf_counter() - started, note)

    def oversampled(name: str, sampler: str) -> Arm:
        started, own = time.perf_counter(), stream(seed, name)
        made = balanced(table, sampler, own)
        chosen, note = with_capacity(parts, table, folds, sampler, root(stream(seed, name, "capacity")))
        return Arm(name, copy.deepcopy(chosen).fit(made, own), time.perf_counter() - started, note)

    # Same stream as a loop that keeps nothing: it then delivers the same model and cannot differ from this arm.
    yield fitted(REAL_ONLY, lambda _: table, own=run.prepared.final_stream(kept=False))
    if tuning and tunable(parts.learner):
        started, own = time.perf_counter(), stream(seed, "tuned")
        tuned, trials = tune(parts.learner, table, folds, run.seconds, own, jobs=jobs)
        learner = tuned.fit(table, own)
        yield Arm(TUNED, learner, time.perf_counter() - started, f"{trials} trials")
    yield fitted("class weight", lambda _: class_weighted(table))
    yield oversampled("random oversampling", "RandomOverSampler")
    with suppress(ConditionError):  # a class with a single row has no neighbours to interpolate to
        yield oversampled("SMOTE", "SMOTE")
    rows, turns = len(run.outcome.synthetic), run.outcome.verdict.kept
    if control:
        yield _without_aim(run)
    if run.prepared.teacher is not None:
        yield Arm(TEACHER, _Taught(run.prepared.teacher), run.prepared.seconds["teacher"])
    note = f"{rows} new rows, {turns} generation{'' if turns == 1 else 's'}"
    yield Arm(TARGETED, run.outcome.learner, run.seconds, note)


def _without_aim(run: LoopRun) -> Arm:
    """Run the same loop, its teacher and generators fitted already, without its aim."""
    control = run_prepared(replace(run.prepared, parts=without_aim(run.prepared.parts)))
    note = f"{len(control.outcome.synthetic)} new rows"
    return Arm(UNTARGETED, control.outcome.learner, control.seconds, note)


def class_weighted(table: Table) -> Table:
    """Return the table with row weights that give every class the same total weight."""
    counts = np.bincount(table.y, weights=table.weight, minlength=table.n_classes)
    present = np.maximum(counts, 1e-12)
    return replace(table, weight=table.weight * table.weight.sum() / ((counts > 0).sum() * present[table.y]))


def balanced(table: Table, sampler: str, rng: np.random.Generator) -> Table:
    """Add rows until every class is as large as the largest, with a sampler of imbalanced-learn.

    Raises
    ------
    ConditionError
        If a class has too few rows for the sampler.
    """
    counts = np.bincount(table.y, minlength=table.n_classes)
    generator = ImblearnAdapter(sampler).fit(table, rng)
    wanted = [Request(Region(), code, int(counts.max() - count)) for code, count in enumerate(counts) if count]
    samples = [generator.sample(request, rng).table for request in wanted if request.n]
    return Table.concat([table, *samples])


def with_capacity(parts: Parts, table: Table, folds: np.ndarray, sampler: str, seed: int) -> tuple[Learner, str]:
    """Return the better of the learner and the augmented learner, by out-of-fold score on oversampled rows, and a note.

    For each fold, the learners are fitted on the other folds and on rows that the sampler made from these folds alone.

    Parameters
    ----------
    parts : Parts
    table : Table, n rows
        Training rows.
    folds : ndarray of shape (n,)
        Fold ids.
    sampler : str
        Class name of a sampler of imbalanced-learn.
    seed : int
    """
    plain, more = parts.learner, parts.augmented_learner
    if more is None:
        return plain, ""
    try:
        scores = [
            out_of_fold(
                each, table, folds, seed, 0, parts.settings.jobs, lambda rows, rng: balanced(rows, sampler, rng)
            )
            for each in (plain, more)
        ]
    except ConditionError:  # a fold may hold all rows of a class but one
        return plain, "capacity of the learner: too few rows of a class to choose out of fold"
    chosen, whose = (more, "augmented learner") if scores[1] > scores[0] else (plain, "learner")
    return chosen, f"capacity of the {whose}, chosen out of fold"


def seconds_per_million(predictor: Predictor, rows: Rows) -> float:
    """Return the seconds that the predictor takes for a million rows like these, measured on `SCORED_ROWS` rows."""
    rows = rows.take(np.resize(np.arange(len(rows)), SCORED_ROWS))
    started = time.perf_counter()
    predictor.predict_proba(rows)
    return (time.perf_counter() - started) * 1e6 / SCORED_ROWS
