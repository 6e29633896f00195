"""The result of a run before it is written: the loop, its arms on the test rows, and the decision."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.arms.delivery import Decided, Delivery, answers_of
from experiments.arms.names import REAL_ONLY, is_loop
from experiments.arms.scoring import Gain, Scored, gain_over
from loop.cycle.driver import LoopRun
from loop.evaluation.bootstrap import intervals
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import stream
from loop.types import Interval, Region, Table


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run."""

    looped: LoopRun
    decided: Decided
    scored: Sequence[Scored]  # the arms on the test rows
    gain: Gain  # of the delivered model over the best plain one
    loop_gain: Gain  # of the loop's own learner

    @classmethod
    def of(cls, looped: LoopRun, decided: Decided, scored: Sequence[Scored], test: Table, seed: int) -> "Result":
        """Compare the delivered model and the loop's own with the best plain one on the test rows."""
        against, tested = decided.delivery.best_plain, JudgeRows.of(test)
        own = next(each.arm.name for each in scored if is_loop(each.arm.name))
        gain, loop_gain = (
            gain_over(scored, arm, against, tested, stream(seed, "gain")) for arm in (decided.delivery.name, own)
        )
        return cls(looped, decided, scored, gain, loop_gain)

    @property
    def delivery(self) -> Delivery:
        """The decision."""
        return self.decided.delivery

    @property
    def first_regions(self) -> tuple[Region, ...]:
        """The weak regions of the first generation that looked for any."""
        aimed = {supply.name for supply in self.looped.prepared.parts.supplies if supply.aimed}
        return next((each.regions for each in self.looped.history if each.supply in aimed), ())

    @property
    def proba(self) -> dict[str, np.ndarray]:
        """Probabilities (n, K) of the test rows by arm."""
        return {each.arm.name: each.proba for each in self.scored}

    @property
    def judged(self) -> tuple[np.ndarray, np.ndarray]:
        """Out-of-fold answers (j, K) for the judge rows: of real rows alone, and of the delivered model."""
        before, after = (self.decided.named(name) for name in (REAL_ONLY, self.delivery.name))
        return answers_of(before), answers_of(after)

    def caught_scores(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return an arm's scores of the class to catch: (j,) of judge rows, out of fold, and (n,) of test rows."""
        positive = self.looped.prepared.table.schema.positive
        return answers_of(self.decided.named(name))[:, positive], self.proba[name][:, positive]

    def judge_scores(self, train: Table) -> dict[str, Interval]:
        """Return the scores of the delivered model on the judge rows, with their intervals."""
        outcome = self.looped.outcome
        if is_loop(self.delivery.name):
            return outcome.scores
        if self.delivery.name == REAL_ONLY:
            return outcome.baseline
        rng = stream(self.looped.prepared.seed, "delivered scores")
        return intervals(list(outcome.baseline), JudgeRows.of(train, outcome.judged), self.judged[1], rng)
