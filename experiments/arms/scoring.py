"""Arms on the sealed test rows: scores, costs, and what a model gains over the best plain one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from experiments.arms.arm import Arm
from experiments.arms.arms import arms, loop_and_teacher, real_only
from experiments.arms.names import ONLY_PLAIN, TARGETED, in_words, is_loop
from experiments.arms.serving import Cost
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
    cost: Cost  # of serving it

    def row(self) -> dict[str, object]:
        """Return the arm as one row of a table."""
        costs = {"seconds_fit": self.arm.seconds_fit, **asdict(self.cost)}
        kind = {"cheap": self.arm.cheap, "plain": self.arm.plain}
        return {"arm": self.arm.name, **self.metrics, **costs, **kind, "note": self.arm.note}


@dataclass(frozen=True)
class Gain:
    """A model against the best plain one on the same test rows. Call it a gain only if ``proven``."""

    arm: str
    against: str
    difference: Interval  # of average precision, higher is better for the arm
    proven: bool
    sentence: str


def contestants_of(
    looped: LoopRun, folds: np.ndarray, config: ArmsConfig, rng: np.random.Generator, called: str = TARGETED
) -> Iterator[Arm]:
    """Yield the arms that the configuration asks for: at least real rows alone, the teacher and the loop.

    ``called`` is the name of the loop, see `experiments.config.strategies.loop_name`.
    """
    yield from renamed(_contestants(looped, folds, config, rng), called)


def renamed(found: Iterable[Arm], called: str) -> Iterator[Arm]:
    """Yield arms, the loop's own learner under another name."""
    for arm in found:
        yield replace(arm, name=called) if is_loop(arm.name) else arm


def _contestants(looped: LoopRun, folds: np.ndarray, config: ArmsConfig, rng: np.random.Generator) -> Iterator[Arm]:
    if config.run:
        yield from arms(
            looped,
            folds,
            rng,
            plain_kinds=config.plain,
            plain_seconds=config.plain_seconds,
            tuning=config.tuning,
            control=config.untargeted,
        )
    else:
        yield real_only(looped)
        yield from loop_and_teacher(looped)


def score_arms(arms: Sequence[Arm], costs: Mapping[str, Cost], test: Table, metrics: Sequence[str]) -> list[Scored]:
    """Score every arm on the test rows by the named metrics; ``costs`` holds the cost of serving each by its name."""
    scored = []
    for arm in arms:
        proba = arm.predictor.predict_proba(test.rows)
        scored.append(Scored(arm, proba, evaluate(metrics, JudgeRows.of(test), proba), costs[arm.name]))
    return scored


def proves(difference: Interval, tested: JudgeRows) -> bool:
    """Tell whether a difference on test rows proves a gain; below `FEWEST` rows or groups of a class none does."""
    return difference.low > 0 and tested.fewest >= FEWEST


def gain_over(
    scored: Sequence[Scored],
    arm: str,
    against: str,
    tested: JudgeRows,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    plain: int | None = None,
) -> Gain:
    """Compare an arm with the best plain model, which was chosen on the judge rows.

    Parameters
    ----------
    scored : sequence of Scored
        All arms.
    arm, against : str
        Names of the arm and of the best plain model.
    tested : JudgeRows, n rows
        The test rows.
    rng : numpy.random.Generator
        Draws the bootstrap of the interval.
    level : float
        Confidence of the interval.
    plain : int, optional
        Number of plain models that were fitted, if not all are among the arms.
    """
    proba = {each.arm.name: each.proba for each in scored}
    if arm == against:
        return Gain(arm, against, Interval(0.0, 0.0, 0.0), False, f"No gain: {arm} is the best plain model itself.")
    difference = paired(SCORE, tested, proba[against], proba[arm], rng, level=level).difference
    proven = proves(difference, tested)
    alone = (sum(each.arm.plain for each in scored) if plain is None else plain) == 1
    over = f"{against}, {ONLY_PLAIN}," if alone else f"the best plain model ({against})"
    measured = f"average precision of {in_words(arm)} {difference} over {over} on {len(tested):,} test rows"
    if proven:
        sentence = f"Proven gain: {measured}."
    elif difference.high < 0:
        sentence = f"Harm: {measured}."
    elif difference.low > 0:
        sentence = f"No proven gain: {measured}; with fewer than {FEWEST} rows or groups of a class nothing is proven."
    else:
        sentence = f"No proven gain: {measured}; the interval includes zero."
    return Gain(arm, against, difference, proven, sentence)
