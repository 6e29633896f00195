"""The arms of every comparison: the loop beside plain models and cheap alternatives, on the same rows and seeds."""

import copy
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np

from experiments.arms import plain
from experiments.arms.alternatives import REPEATING, balanced, class_weighted, with_capacity
from experiments.arms.arm import Arm
from experiments.arms.kind import OTHER
from experiments.arms.names import REAL_ONLY, SMOTE, TARGETED, TEACHER, TUNED, UNTARGETED
from experiments.arms.stated import with_stated
from experiments.arms.tuned_baseline import tunable, tune
from experiments.config.strategies import without_aim
from loop.cycle.driver import LoopRun, run_prepared
from loop.cycle.training import teacher_answers
from loop.errors import ConditionError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner, Predictor, Teacher
from loop.rows import Rows
from loop.seeds import root, stream


@dataclass(frozen=True, eq=False)
class _Taught:
    """The teacher as a predictor."""

    teacher: Teacher

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return self.teacher.views(rows, None)[0]


def arms(
    run: LoopRun,
    folds: np.ndarray,
    rng: np.random.Generator,
    *,
    plain_kinds: bool = True,
    plain_seconds: float = np.inf,
    cheap: bool = True,
    tuning: bool = True,
    control: bool = True,
) -> Iterator[Arm]:
    """Fit the cheap arms beside a finished loop and yield all, the loop and its teacher last.

    Parameters
    ----------
    run : LoopRun
        The finished loop; all arms use its parts and training rows.
    folds : ndarray of shape (n,)
        Lane ids of the training rows.
    rng : numpy.random.Generator
    plain_kinds : bool
        Whether to fit plain models of every kind, see `experiments.arms.plain`.
    plain_seconds : float
        Time that they share: none is begun after it.
    cheap : bool
        Whether to fit the learner with weighted classes and on oversampled rows.
    tuning : bool
        Whether to fit the tuned arm, which takes as many seconds as the loop took.
    control : bool
        Whether to run the loop without its aim.

    Yields
    ------
    Arm
    """
    seed = root(rng)
    yield real_only(run)
    if plain_kinds:
        yield from _plain_models(run, seed, plain_seconds)
    if tuning and tunable(run.prepared.parts.learner):
        yield _tuned(run, folds, seed)
    if cheap:
        yield from _alternatives(run, folds, seed)
    if control:
        yield _without_aim(run)
    yield from loop_and_teacher(run)


def real_only(run: LoopRun) -> Arm:
    """Fit the learner on real rows alone.

    Its stream is that of a loop that keeps nothing: such a loop delivers the same model and cannot differ from it.
    """
    prepared, started = run.prepared, time.perf_counter()
    learner = copy.deepcopy(prepared.parts.learner).fit(prepared.table, prepared.final_stream(kept=False))
    return Arm(REAL_ONLY, learner, time.perf_counter() - started, "", True, run.outcome.proba_real_only)


def loop_and_teacher(run: LoopRun) -> Iterator[Arm]:
    """Yield the teacher, if there is one, and the loop's own learner."""
    prepared, teacher, turns = run.prepared, run.prepared.teacher, run.outcome.verdict.kept
    if teacher is not None:
        predictor = cast(Predictor, teacher) if hasattr(teacher, "predict_proba") else _Taught(teacher)
        yield Arm(TEACHER, predictor, prepared.seconds["teacher"], judged=teacher_answers(prepared, teacher))
    note = f"{len(run.outcome.synthetic)} new rows, {turns} generation{'' if turns == 1 else 's'}"
    own, known = run.outcome.learner, run.outcome.known
    yield Arm(TARGETED, own, run.seconds, note, judged=run.outcome.proba, known=known)


def _plain_models(run: LoopRun, seed: int, seconds: float) -> Iterator[Arm]:
    """Fit plain models of every kind but the learner's own settings, which are those of `real_only`."""
    prepared, jobs = run.prepared, run.prepared.parts.settings.jobs
    found = plain.without(plain.kinds(prepared.table.schema), prepared.parts.learner)
    models = [_own(run)]
    for model in plain.screen(found, prepared.table, prepared.lanes[:-1], seed, jobs=jobs, seconds=seconds):
        models.append(model)

        def fit(learner: Learner, own: np.random.Generator) -> Predictor:
            return copy.deepcopy(learner).fit(prepared.table, own)

        started, own = time.perf_counter(), partial(stream, seed, "plain", model.name, 0)
        fitted = fit(model.quick or model.learner, own())
        whole = partial(fit, model.learner, own()) if model.quick else None
        yield Arm(model.name, fitted, time.perf_counter() - started, model.note, True, model.judged, whole)
    if (taught := with_stated(run, plain.best(models))) is not None:
        yield taught


def _own(run: LoopRun) -> plain.Plain:
    """Return the learner on real rows alone as one of the plain models."""
    prepared, answers = run.prepared, run.outcome.proba_real_only
    judged = JudgeRows.of(prepared.table, prepared.judged)
    learner = prepared.parts.learner
    return plain.Plain(REAL_ONLY, OTHER, learner, None, answers, score(plain.METRIC, judged, answers))


def _tuned(run: LoopRun, folds: np.ndarray, seed: int) -> Arm:
    """Search settings of the learner for as long as the loop took, and fit it with the best."""
    parts, table = run.prepared.parts, run.prepared.table
    started, own = time.perf_counter(), stream(seed, "tuned")
    tuned, trials = tune(parts.learner, table, folds, run.seconds, own, jobs=parts.settings.jobs)
    return Arm(TUNED, tuned.fit(table, own), time.perf_counter() - started, f"{trials} trials")


def _alternatives(run: LoopRun, folds: np.ndarray, seed: int) -> Iterator[Arm]:
    """Fit the learner with classes weighted, and on oversampled rows."""
    parts, table = run.prepared.parts, run.prepared.table

    def oversampled(name: str, sampler: str) -> Arm:
        started, own = time.perf_counter(), stream(seed, name)
        made = balanced(table, sampler, own)
        chosen, note = with_capacity(parts, table, folds, sampler, root(stream(seed, name, "capacity")))
        return Arm(name, copy.deepcopy(chosen).fit(made, own), time.perf_counter() - started, note)

    started, own = time.perf_counter(), stream(seed, "class weight")
    weighted = copy.deepcopy(parts.learner).fit(class_weighted(table), own)
    yield Arm("class weight", weighted, time.perf_counter() - started)
    yield oversampled("random oversampling", REPEATING)
    with suppress(ConditionError):  # a class with a single row has no neighbours to interpolate to
        yield oversampled(SMOTE, "SMOTE")


def _without_aim(run: LoopRun) -> Arm:
    """Run the same loop, its teacher and generators fitted already, without its aim."""
    control = run_prepared(replace(run.prepared, parts=without_aim(run.prepared.parts)))
    note = f"{len(control.outcome.synthetic)} new rows"
    return Arm(UNTARGETED, control.outcome.learner, control.seconds, note)
