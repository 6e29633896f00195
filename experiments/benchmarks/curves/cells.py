"""The cells of the curves: the points of a curve on one split of one table; no model is fitted twice."""

import copy
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from experiments.arms.names import REAL_ONLY, UNTARGETED
from experiments.config.strategies import without_aim
from experiments.data.split import Split
from experiments.storage.result_cache import Records
from loop.cycle.conclusion import conclude
from loop.cycle.controller import generations, prepare
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.lanes import deal
from loop.cycle.parts import Parts
from loop.cycle.training import Prepared
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner, Predictor
from loop.seeds import stream
from loop.types import Table

AIMED, GENERATIONS = "aimed", "generations"
BUDGETS = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)  # new rows as multiples of the real ones


class Sides(NamedTuple):
    """One split of one table."""

    train: Table
    test: Table
    groups: np.ndarray | None  # (n,) of the training rows
    seed: int

    @classmethod
    def of(cls, split: Split, seed: int) -> "Sides":
        """Take the parts of a split."""
        return cls(split.train, split.test, split.groups, seed)

    def prepared(self, parts: Parts) -> Prepared:
        """Prepare a loop on the training rows."""
        return prepare(parts, self.train, self._folds(), stream(self.seed, "loop"))

    def looped(self, parts: Parts) -> LoopRun:
        """Run a loop on the training rows to its end."""
        return run_loop(parts, self.train, self._folds(), stream(self.seed, "loop"))

    def point(self, arm: str, x: float, predictor: Predictor, seconds: float = 0.0) -> dict[str, object]:
        """Score one model on the test rows: the point at x of the curve named after its arm."""
        proba = predictor.predict_proba(self.test.rows)
        ap = score("average_precision", JudgeRows.of(self.test), proba)
        return {"arm": arm, "x": x, "average_precision": ap, "seconds": seconds}

    def has_lanes(self) -> bool:
        """Tell whether each class has enough rows to be dealt to lanes."""
        try:
            self._folds()
        except DataError:
            return False
        return True

    def _folds(self) -> np.ndarray:
        return deal(self.train, stream(self.seed, "folds"), groups=self.groups)


class Curve(Protocol):
    """Computes one cell. Its ``repr`` names all settings that the result depends on."""

    def rows(self, sides: Sides) -> Records:
        """Return the points of one cell."""
        ...


@dataclass(frozen=True)
class RowsCurve:
    """Gain against new rows, aimed and untargeted; all points share one teacher, and one generator for each lane."""

    parts: Parts
    aimed: tuple[float, ...] = BUDGETS
    untargeted: tuple[float, ...] = BUDGETS

    def rows(self, sides: Sides) -> Records:
        """Return the points of one cell."""
        prepared = sides.prepared(self.parts)
        found = [sides.point(REAL_ONLY, 0.0, fitted(prepared, sides.train.take(np.arange(0))))]
        for budget in self.aimed:
            found.append(sides.point(AIMED, budget, fitted(prepared, kept_rows(prepared, budget))))
        control = replace(prepared, parts=without_aim(prepared.parts))
        for budget in self.untargeted:
            found.append(sides.point(UNTARGETED, budget, fitted(control, kept_rows(control, budget))))
        return found


@dataclass(frozen=True)
class CostCurve:
    """Gain against generations and seconds, with the default parts and with others."""

    parts: Parts
    others: Mapping[str, Parts]
    most_generations: int = 6

    def rows(self, sides: Sides) -> Records:
        """Return the points of one cell."""
        started = time.perf_counter()
        learner = real_only(self.parts, sides)
        found = [sides.point(REAL_ONLY, 0.0, learner, time.perf_counter() - started)]
        settings = replace(self.parts.settings, generations=self.most_generations)
        for turns, learner, seconds in walk(replace(self.parts, settings=settings), sides):
            found.append(sides.point(GENERATIONS, turns, learner, seconds))
        for name, parts in self.others.items():
            run = sides.looped(parts)
            found.append(sides.point(name, parts.settings.generations, run.outcome.learner, run.seconds))
        return found


def real_only(parts: Parts, sides: Sides) -> Learner:
    """Fit the learner on the training rows as they are."""
    return copy.deepcopy(parts.learner).fit(sides.train, stream(sides.seed, "real only"))


def fitted(prepared: Prepared, new: Table) -> Learner:
    """Fit the learner on real and new rows, in the same way as the loop fits the delivered one."""
    rng, table = prepared.final_stream(kept=len(new) > 0), Table.concat([prepared.table, new])
    return copy.deepcopy(prepared.parts.learner_for(table)).fit(table, rng)


def kept_rows(prepared: Prepared, budget: float) -> Table:
    """Run the loop with a total budget over all generations; return the rows it kept.

    Parameters
    ----------
    prepared : Prepared
    budget : float
        New rows as a multiple of the real ones; `Settings.most_rows` does not apply.
    """
    parts, real = prepared.parts, len(prepared.table)
    each = budget / parts.settings.generations
    settings = replace(parts.settings, budget=each, most_rows=max(parts.settings.most_rows, math.ceil(each * real)))
    history = generations(replace(prepared, parts=replace(parts, settings=settings)))
    kept = [generation.rows for generation in history if generation.decision.kept]
    return Table.concat([prepared.table.take(np.arange(0)), *kept])


def walk(parts: Parts, sides: Sides) -> Iterator[tuple[int, Learner, float]]:
    """Yield the number of generations, the learner that a loop of so many delivers, and its seconds.

    The loop runs once. If it stops early, later numbers get the same learner.
    """
    started = time.perf_counter()
    prepared, history = sides.prepared(parts), []
    learner, total, turned = parts.learner, 0.0, time.perf_counter() - started
    turns = generations(prepared)
    for number in range(1, parts.settings.generations + 1):
        started = time.perf_counter()
        if (generation := next(turns, None)) is not None:
            history.append(generation)
            turned += time.perf_counter() - started
            started = time.perf_counter()
            learner = conclude(prepared, history).learner
            total = turned + time.perf_counter() - started
        yield number, learner, total
