"""One cell: one arm on one split of one set, and what it scores on the test rows."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.arms.forms.series import FEATURES, form
from experiments.benchmarks.rare_digits import matched_recall
from experiments.benchmarks.series.sets import Sides, of_archive, sides
from experiments.config.strategies import compose, without_aim
from experiments.storage.result_cache import Records
from generators import AugmentSeries, DiffusionSeries, Resample
from learners import Committee, MiniRocket, XGBoost
from loop.cycle.driver import run_loop
from loop.cycle.parts import Settings
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Generator, Learner, Predictor
from loop.seeds import stream
from loop.types import Region, Request, Table

LOOP, REAL_ONLY = "loop", "real rows alone"
LANES = 3
SETTINGS = Settings(generations=3, jobs=1)
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
LOOPS: Mapping[str, Generator] = {
    LOOP: AugmentSeries(),
    "loop without aim": AugmentSeries(),
    "loop with diffusion": DiffusionSeries(),
}
CONTROLS = (*(name for name in PLAIN if name != REAL_ONLY), *FILLED)  # what one would do without a loop
ARMS = (*PLAIN, *FILLED, *LOOPS)


def cell(name: str, seed: int, arm: str, home: Path) -> Records:
    """Return the scores of one arm on one split."""
    own, started = sides(name, home, seed), time.process_time()
    model, kept = _fitted(arm, own, seed)
    test = own.split.test
    proba = model.predict_proba(test.rows)
    return [
        {
            "set": name,
            "seed": seed,
            "arm": arm,
            "average_precision": float(score("average_precision", JudgeRows.of(test), proba)),
            "rare_recall": float(np.mean(matched_recall(test.y, proba)[list(own.rare)])),
            "accuracy": float((proba.argmax(axis=1) == test.y).mean()),
            "new_rows": kept,
            "seconds": time.process_time() - started,
        }
    ]


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
    fitted = generator.fit(table, rng)
    wanted = [Request(Region(), code, int(counts.max() - count)) for code, count in enumerate(counts) if count]
    return Table.concat([table, *(fitted.sample(request, rng).table for request in wanted if request.n)])


def _fitted(arm: str, own: Sides, seed: int) -> tuple[Predictor, int]:
    """Return the fitted model of an arm, and how many new rows it learnt from."""
    train = own.split.train
    if arm in PLAIN:
        return replace(PLAIN[arm]).fit(train, stream(seed, "learner")), 0  # type: ignore[type-var]
    if arm in FILLED:
        more = filled_up(train, replace(FILLED[arm]), stream(seed, "filled", arm))  # type: ignore[type-var]
        return replace(LEARNER).fit(more, stream(seed, "learner")), len(more) - len(train)  # type: ignore[type-var]
    usual = form()
    teacher = Committee(members=usual.members, jobs=1)
    parts = compose(learner=usual.learner, teacher=teacher, generator=LOOPS[arm], settings=SETTINGS)
    parts = without_aim(parts) if arm == "loop without aim" else parts
    run = run_loop(parts, train, own.split.folds(seed, lanes=LANES), stream(seed, "loop"))
    return run.outcome.learner, len(run.outcome.synthetic)
