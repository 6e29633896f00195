"""Simulated tables whose shape has misled a loop before, and a small loop with all that is decided at its end.

The training part is as small as such tables are; the test part comes from the same maker and is so large that its
scores are nearly exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.special import expit

from experiments.arms import delivery, plain
from experiments.arms.arms import arms
from experiments.arms.delivery import Delivery, decide_for
from experiments.arms.kind import BOOSTED, OTHER, RANDOM, Kind
from experiments.arms.serving import Cost
from experiments.config.strategies import compose
from experiments.data.sources import Dataset
from experiments.data.split import Split
from learners import Committee, ExtraTrees, Linear, XGBoost
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.parts import Settings
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner
from loop.seeds import stream

METRIC = "average_precision"
TESTED = 6_000  # test rows
BOOSTER = XGBoost(trees=60, depth=4, rate=0.15, bins=64)
AUGMENTED = replace(BOOSTER, depth=6, row_share=0.8, column_share=0.6, min_child_weight=2.0)
TREES = ExtraTrees(trees=30, min_leaf=3)
KINDS = (
    Kind("XGBoost, shallow", BOOSTED, (replace(BOOSTER, depth=2, row_share=0.8, column_share=0.8),), slow=False),
    Kind("logistic regression", OTHER, (Linear(0.1),), slow=False),
    Kind("extra trees", RANDOM, (ExtraTrees(trees=40, min_leaf=2, max_features=0.5, categories="one_hot"),)),
)


def claims(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Insurance claims: two categories of 42 columns carry the signal, and only together; the others are noise."""
    severity, hobby = rng.integers(0, 4, n), rng.integers(0, 20, n)
    odds = np.where(np.isin(hobby, (3, 11)), 2.2, np.where(severity == 0, 0.4, -2.4))
    noise = {f"number{i}": rng.normal(size=n).round(3) for i in range(24)}
    noise |= {f"category{i}": _words("v", rng.integers(0, 7, n)) for i in range(16)}
    return pd.DataFrame(
        {"severity": _words("s", severity), "hobby": _words("h", hobby), **noise, "y": _drawn(expit(odds), rng)}
    )


def payments(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Payments of customers, twenty each: frauds sit in two pockets of shop and hour, and with few customers."""
    customer = rng.integers(0, n // 20, n)
    home, robbed = rng.normal(size=(n // 20, 3)).round(2), rng.random(n // 20) < 0.05
    amount, hour, shop = rng.exponential(60, n).round(2), rng.integers(0, 24, n), rng.integers(0, 12, n)
    pocket = ((shop == 3) & (hour < 12)) | ((shop == 8) & (hour >= 12))
    columns = {f"home{i}": home[customer, i] for i in range(3)} | {"amount": amount, "hour": hour}
    noise = {f"number{i}": rng.normal(size=n).round(2) for i in range(3)}
    y = _drawn(np.where(pocket | robbed[customer], 0.25, 0.004), rng)
    return pd.DataFrame({"customer": customer, **columns, "shop": _words("s", shop), **noise, "y": y})


def strokes(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Patients: the logit of a rare stroke grows evenly with age and a few others, and nothing else is to be learnt."""
    age, glucose, bmi = rng.uniform(20, 85, n).round(), rng.gamma(9, 12, n).round(1), rng.normal(28, 6, n).round(1)
    hypertension, heart = rng.random(n) < 0.002 * age + 0.06, rng.random(n) < 0.05
    odds = 0.075 * age + 0.005 * (glucose - 100) + 0.5 * hypertension + 0.5 * heart - 7.9
    words = {name: _words(name, rng.integers(0, 4, n)) for name in ("work", "smokes")}
    columns = {"age": age, "glucose": glucose, "bmi": bmi, "hypertension": hypertension, "heart": heart, **words}
    return pd.DataFrame({**columns, "y": _drawn(expit(odds), rng)})


def registered(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Patients of a register in which the rare rows were copied four times and others once, each under a new number."""
    once = strokes(n, rng)
    source = np.concatenate([np.arange(n), np.repeat(np.flatnonzero(once["y"]), 4), rng.choice(n, n // 4)])
    every = once.iloc[rng.permutation(source)].reset_index(drop=True)
    return every.assign(number=np.arange(len(every)))


def _words(prefix: str, codes: np.ndarray) -> np.ndarray:
    return np.char.add(prefix, codes.astype(str))


def _drawn(proba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(len(proba)) < proba).astype(int)


@dataclass(frozen=True)
class Shape:
    """A table to be made, its lanes and the teacher's members."""

    make: Callable[[int, np.random.Generator], pd.DataFrame]
    rows: int  # of training, before copies are added
    members: tuple[Learner, ...]
    lanes: int = 5
    group: str | None = None
    fresh: Callable[[int, np.random.Generator], pd.DataFrame] | None = None  # makes the test part; None = `make`

    def split(self, seed: int) -> Split:
        """Make the training part and a test part of other rows and groups."""
        train, test = (
            self.make(self.rows, stream(seed, "train")),
            (self.fresh or self.make)(TESTED, stream(seed, "test")),
        )
        if self.group:
            test[self.group] += len(train)
        both = pd.concat([train, test], ignore_index=True)
        if "number" in train:
            both["number"] = np.arange(len(both))
        known = Dataset(self.make.__name__, both, "y", 1, group=self.group)
        return Split.at(known, np.arange(len(train)), np.arange(len(train), len(both)))


SHAPES: Mapping[str, Shape] = {
    "claims": Shape(claims, 1000, (TREES, Linear()), lanes=3),
    "payments": Shape(payments, 4000, (BOOSTER, Linear()), lanes=2, group="customer"),
    "copies": Shape(registered, 1000, (BOOSTER, TREES, Linear()), fresh=strokes),
    "strokes": Shape(strokes, 1300, (BOOSTER, TREES, Linear())),
}


@dataclass(frozen=True, eq=False)
class Cell:
    """A finished loop, the decision, and the test scores of all arms by name."""

    run: LoopRun
    delivery: Delivery
    tested: Mapping[str, float]

    def gain(self, name: str, over: str) -> float:
        """Return by how much the test score of an arm exceeds that of another."""
        return self.tested[name] - self.tested[over]


@cache
def cell(name: str, seed: int) -> Cell:
    """Run the loop on one table of a shape, then decide what to deliver, as a run does."""
    shape = SHAPES[name]
    split = shape.split(seed)
    folds, settings = split.folds(seed, lanes=shape.lanes), Settings(generations=3, jobs=1)
    teacher = Committee(members=shape.members, jobs=1)
    parts = compose(learner=BOOSTER, augmented_learner=AUGMENTED, teacher=teacher, settings=settings)
    parts = replace(parts, surrogate=None, augmented_surrogate=None)
    run = run_loop(parts, split.train, folds, stream(seed, "loop"))
    with patch.object(plain, "kinds", lambda schema: KINDS):
        fitted = list(arms(run, folds, stream(seed, "arms"), tuning=False, control=False, cheap=False))
    quick = run.outcome.learner  # the loop's own model is the fastest, whatever else the machine does
    with patch.object(delivery, "cost_of", lambda model, rows: Cost(1.0 if model is quick else 2.0, 1.0)):
        decided = decide_for(run, fitted, seed)
    judge = JudgeRows.of(split.test)
    tested = {arm.name: score(METRIC, judge, arm.predictor.predict_proba(split.test.rows)) for arm in decided.arms}
    return Cell(run, decided.delivery, tested)
