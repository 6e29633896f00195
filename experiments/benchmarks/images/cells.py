"""One cell: all arms on one split, and curves of the score over numbers of new rows, aimed and not."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from experiments.arms.forms.images import networks
from experiments.benchmarks.images.tasks import RARE
from experiments.benchmarks.rare_digits import matched_recall
from experiments.config.strategies import STRATEGIES, compose, without_aim
from experiments.data.split import Split
from experiments.storage.result_cache import Records
from generators.images.augment import AugmentImages
from generators.images.diffusion import DiffusionImages
from learners import Committee
from learners.images.convnet import Convnet
from loop.cycle.controller import prepare
from loop.cycle.driver import LoopRun, run_prepared
from loop.cycle.parts import Parts, Settings
from loop.cycle.propose import rows_of_budget
from loop.cycle.training import Prepared
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Generator, Predictor
from loop.seeds import stream
from loop.types import Table

DIFFUSION, AUGMENT, UNAIMED = "loop, diffusion", "loop, changed images", "loop, diffusion without aim"
TEACHER = "the committee that teaches"
LOOPS = (DIFFUSION, AUGMENT, UNAIMED)
AIMED_CURVE, UNAIMED_CURVE = "aimed", "untargeted"
SHARES = (0.25, 0.5, 1.0)  # of the rows of all generations: the points of a curve


@dataclass(frozen=True)
class Plan:
    """What all cells share. Its ``repr`` names all that a result depends on."""

    learner: Convnet = field(
        default_factory=lambda: Convnet(width=8, balanced=True, augment="classical", passes=15, most_steps=700)
    )
    generator: DiffusionImages = field(default_factory=lambda: DiffusionImages(passes=60, most_steps=500))
    members: int = 5
    lanes: int = 3
    generations: int = 1
    budget: float = 0.5
    pool: int = 2
    curves: bool = True

    def parts(self) -> Parts:
        """Return the parts of the loop that a score of the learner steers."""
        teacher = Committee(members=(self.learner,) * self.members, folds=self.lanes, jobs=1)
        settings = Settings(
            generations=self.generations, budget=self.budget, pool=self.pool, jobs=1, patience=self.generations
        )
        aimed = replace(STRATEGIES["targeted"], steer=True)
        return compose(aimed, learner=self.learner, teacher=teacher, generator=self.generator, settings=settings)

    def rows(self, split: Split, seed: int) -> Records:
        """Return the scores of all arms on the test rows of a split."""
        return list(self._rows(split, seed))

    def _rows(self, split: Split, seed: int) -> Iterator[dict[str, object]]:
        for name, learner in networks(self.learner).items():
            started = time.perf_counter()
            fitted = copy.deepcopy(learner).fit(split.train, stream(seed, "plain", name))
            yield _scored(name, fitted, split.test) | {"seconds": time.perf_counter() - started}
        prepared = prepare(self.parts(), split.train, split.folds(seed, lanes=self.lanes), stream(seed, "loop"))
        teacher = cast(Committee, prepared.teacher)
        yield _scored(TEACHER, teacher, split.test) | {"seconds": prepared.seconds["teacher"]}
        runs: dict[str, Prepared] = {
            DIFFUSION: prepared,
            AUGMENT: with_generator(prepared, AugmentImages()),
            UNAIMED: replace(prepared, parts=without_aim(prepared.parts)),
        }
        for name, each in runs.items():
            run = run_prepared(each)
            kept = sum(generation.decision.kept for generation in run.history)
            told = {"seconds": run.seconds, "kept": kept, "rows": len(run.outcome.synthetic)}
            yield _scored(name, run.outcome.learner, split.test) | told
            if self.curves and name != AUGMENT:
                yield from _curve(AIMED_CURVE if name == DIFFUSION else UNAIMED_CURVE, run, split.test)


def with_generator(prepared: Prepared, generator: Generator) -> Prepared:
    """Return a loop with the same teacher and another generator, which cannot be steered."""
    (supply,) = prepared.parts.supplies
    parts = replace(prepared.parts, supplies=(replace(supply, generator=generator, steer=False),))
    fitted = tuple(
        copy.deepcopy(generator).fit(table, prepared.stream("other generator", number))
        for number, table in enumerate(prepared.tables)
    )
    return replace(prepared, parts=parts, generators=(fitted,))


def _curve(arm: str, run: LoopRun, test: Table) -> Iterator[dict[str, object]]:
    """Score the learner fitted on the real rows and more and more of those that were made, kept or rolled back."""
    prepared = run.prepared
    made = Table.concat([generation.rows for generation in run.history])
    most = prepared.parts.settings.generations * rows_of_budget(prepared.parts.settings, len(prepared.table))
    for share in (0.0, *SHARES):
        new = made.take(np.arange(min(round(share * most), len(made))))  # some are refused
        table = Table.concat([prepared.table, new]) if len(new) else prepared.table
        learner = copy.deepcopy(prepared.parts.learner).fit(table, prepared.stream("curve"))
        yield _scored(arm, learner, test) | {"curve": True, "x": share, "rows": len(new)}


def _scored(arm: str, model: Predictor, test: Table) -> dict[str, object]:
    """Return macro average precision and the recall of the rare digits at 1 % false positives."""
    proba = model.predict_proba(test.rows)
    rare = [test.schema.classes.index(digit) for digit in RARE]
    recall = matched_recall(test.y, proba)[rare].mean()
    ap = score("average_precision", JudgeRows.of(test), proba)
    return {"arm": arm, "average_precision": ap, "rare_recall": float(recall), "curve": False}
