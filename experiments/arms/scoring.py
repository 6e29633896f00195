"""Arms on the sealed test rows: scores, costs, and the gain of the loop over the best cheap arm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.arms.arms import TARGETED, Arm, arms, seconds_per_million
from experiments.config.run_config import ArmsConfig
from loop.cycle.acceptance import FEWEST
from loop.cycle.driver import LoopRun
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import evaluate
from loop.types import Interval, Table

SCORE = "average_precision"
METRICS = (SCORE, "recall_at_fpr_01", "brier", "log_loss", "calibration_error")


@dataclass(frozen=True, eq=False)
class Scored:
    """The predictions of an arm on the test rows, their scores and its costs."""

    arm: Arm
    proba: np.ndarray  # (n, K)
    metrics: dict[str, float]
    seconds_per_million: float  # rows scored

    def row(self) -> dict[str, object]:
        """Return the arm as one row of a table."""
        costs = {"seconds_fit": self.arm.seconds_fit, "seconds_per_million": self.seconds_per_million}
        return {"arm": self.arm.name, **self.metrics, **costs, "cheap": self.arm.cheap, "note": self.arm.note}


@dataclass(frozen=True)
class Gain:
    """The loop against the best cheap arm on the same test rows. Call it a gain only if ``proven``."""

    against: str
    difference: Interval  # of average precision, higher is better for the loop
    proven: bool
    sentence: str


def contestants_of(looped: LoopRun, folds: np.ndarray, config: ArmsConfig, rng: np.random.Generator) -> Iterator[Arm]:
    """Yield the arms that the configuration asks for: at least real rows alone and the loop."""
    fitted = arms(looped, folds, rng, tuning=config.tuning, control=config.untargeted)
    if config.run:
        yield from fitted
    else:
        yield next(fitted)
        yield Arm(TARGETED, looped.outcome.learner, looped.seconds, f"{len(looped.outcome.synthetic)} new rows")


def score_arms(arms: Sequence[Arm], test: Table, metrics: Sequence[str]) -> list[Scored]:
    """Score every arm on the test rows by the named metrics."""
    scored = []
    for arm in arms:
        proba = arm.predictor.predict_proba(test.rows)
        scores = evaluate(metrics, JudgeRows.of(test), proba)
        scored.append(Scored(arm, proba, scores, seconds_per_million(arm.predictor, test.rows)))
    return scored


def proves(difference: Interval, tested: JudgeRows) -> bool:
    """Tell whether a difference on test rows proves a gain; below `FEWEST` rows or groups of a class none does."""
    return difference.low > 0 and tested.fewest >= FEWEST


def gain_over_cheap(scored: Sequence[Scored], tested: JudgeRows, rng: np.random.Generator) -> Gain:
    """Compare the loop with the cheap arm that scores best on the test rows.

    The best arm is chosen on the same rows that it is scored on, which favours the cheap arm over the loop.

    Parameters
    ----------
    scored : sequence of Scored
        All arms, the loop among them.
    tested : JudgeRows, n rows
        The test rows.
    rng : numpy.random.Generator
        Draws the bootstrap of the interval.
    """
    loop = next(each for each in scored if each.arm.name == TARGETED)
    best = max((each for each in scored if each.arm.cheap), key=lambda each: each.metrics[SCORE])
    difference = paired(SCORE, tested, best.proba, loop.proba, rng).difference
    proven = proves(difference, tested)
    measured = f"average precision {difference} over the best cheap arm ({best.arm.name}) on {len(tested):,} test rows"
    if proven:
        sentence = f"Proven gain: {measured}."
    elif difference.high < 0:
        sentence = f"Harm: {measured}. Use that arm instead."
    elif difference.low > 0:
        sentence = f"No proven gain: {measured}; with fewer than {FEWEST} rows or groups of a class nothing is proven."
    else:
        sentence = f"No proven gain: {measured}; the interval includes zero."
    return Gain(best.arm.name, difference, proven, sentence)
