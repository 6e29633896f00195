"""One cell: one arm on one split of one set, and what it scores on the test rows."""

import copy
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.arms.forms.series import FEATURES, form
from experiments.benchmarks.rare_digits import matched_recall
from experiments.benchmarks.series.sets import Sides, of_archive, sides
from experiments.config.strategies import STRATEGIES, Strategy, compose, without_aim
from experiments.storage.result_cache import Records
from generators import AugmentSeries, DiffusionSeries, Resample
from learners import Committee, MiniRocket, XGBoost
from loop.cycle.driver import run_loop
from loop.cycle.parts import Choice, Settings
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Generator, Learner
from loop.seeds import stream
from loop.types import Region, Request, Table

LOOP, REAL_ONLY = "loop", "real rows alone"
LANES = 3
TARGETED = STRATEGIES["targeted"]
UNTAUGHT = Strategy(acquisition="entropy", labeller="condition", gates=(*Choice.gates, "label"))
SETTINGS = Settings(generations=2, pool=3, jobs=1)
FITS = 3  # of the learner on the rows of an arm, whose scores are averaged: its kernels are drawn at random
LEARNER = form().learner
PLAIN: Mapping[str, Learner] = {
    REAL_ONLY: LEARNER,
    "class weights": MiniRocket(FEATURES, balanced=True),
    "XGBoost on columns": XGBoost(),
}
FILLED: Mapping[str, Generator] = {  # rare classes are filled up with rows of these
    "oversampled": Resample(),
    "jitter": AugmentSeries(methods=("jitter", "scaling")),
    "all small changes": AugmentSeries(),
    "diffusion": DiffusionSeries(),
}
WITHOUT_AIM, WITHOUT_TEACHER, ON_COLUMNS = "loop without aim", "loop without teacher", "loop of XGBoost on columns"
LOOPS: Mapping[str, Generator] = {
    LOOP: AugmentSeries(),
    WITHOUT_AIM: AugmentSeries(),
    WITHOUT_TEACHER: AugmentSeries(),
    ON_COLUMNS: AugmentSeries(),
    "loop with diffusion": DiffusionSeries(),
}
CONTROLS = (*(name for name in PLAIN if name != REAL_ONLY), *FILLED)  # what one would do without a loop
ARMS = (*PLAIN, *FILLED, *LOOPS)


def cell(name: str, seed: int, arm: str, home: Path) -> Records:
    """Return the scores of one arm on one split."""
    own, started = sides(name, home, seed), time.process_time()
    learner, rows = _learnt_from(arm, own, seed)
    test, scores = own.split.test, []
    for fit in range(FITS):
        proba = copy.deepcopy(learner).fit(rows, stream(seed, "learner", fit)).predict_proba(test.rows)
        precision = score("average_precision", JudgeRows.of(test), proba)
        rare = matched_recall(test.y, proba)[list(own.rare)].mean()
        scores.append((precision, rare, (proba.argmax(axis=1) == test.y).mean()))
    figures = zip(("average_precision", "rare_recall", "accuracy"), np.mean(scores, axis=0).tolist(), strict=True)
    told = {"set": name, "seed": seed, "arm": arm, **dict(figures)}
    return [{**told, "new_rows": len(rows) - len(own.split.train), "seconds": time.process_time() - started}]


def accuracy_cell(name: str, seed: int, home: Path) -> Records:
    """Return the accuracy of MiniRocket as published, on the split of the archive; the seed draws its biases."""
    split, found = of_archive(name, home), Records()
    for head in ("ridge", "logistic"):
        model = MiniRocket(head=head).fit(split.train, stream(seed, "accuracy", name))
        right = model.predict_proba(split.test.rows).argmax(axis=1) == split.test.y
        found.append({"set": name, "seed": seed, "head": head, "accuracy": float(right.mean())})
    return found


def filled_up(table: Table, generator: Generator, rng: np.random.Generator) -> Table:
    """Add rows until every class is as large as the largest."""
    counts = np.bincount(table.y, minlength=table.n_classes)
    fitted = copy.deepcopy(generator).fit(table, rng)
    wanted = [Request(Region(), code, int(counts.max() - count)) for code, count in enumerate(counts) if count]
    return Table.concat([table, *(fitted.sample(request, rng).table for request in wanted if request.n)])


def _learnt_from(arm: str, own: Sides, seed: int) -> tuple[Learner, Table]:
    """Return the unfitted learner of an arm, and the rows that it learns from."""
    train = own.split.train
    if arm in PLAIN:
        return PLAIN[arm], train
    if arm in FILLED:
        return LEARNER, filled_up(train, FILLED[arm], stream(seed, "filled", arm))
    teacher = Committee(members=form().members, jobs=1)
    strategy = UNTAUGHT if arm == WITHOUT_TEACHER else TARGETED
    learner = PLAIN["XGBoost on columns"] if arm == ON_COLUMNS else LEARNER
    parts = compose(strategy, learner=learner, teacher=teacher, generator=LOOPS[arm], settings=SETTINGS)
    parts = without_aim(parts) if arm == WITHOUT_AIM else parts
    parts = replace(parts, teacher=None) if arm == WITHOUT_TEACHER else parts
    run = run_loop(parts, train, own.split.folds(seed, lanes=LANES), stream(seed, "loop"))
    kept = run.outcome.synthetic
    rows = Table.concat([train, kept]) if len(kept) else train
    return run.prepared.parts.learner_for(rows), rows
