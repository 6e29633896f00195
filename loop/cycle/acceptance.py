"""Acceptance: does a generation stay, and is there a gain to claim? Two questions, kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from loop.errors import ConfigError
from loop.evaluation.bootstrap import Paired, paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import resolve, score
from loop.types import Decision, Interval, LoopVerdict

FEWEST = 20  # with fewer positives intervals hold the truth too rarely
NOTHING = 1e-9  # an expected gain below this is the prior's echo of no difference at all


class Guard(Protocol):
    """Objects to a challenger that does harm elsewhere, whatever it gains on the score."""

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        """Return the reason to roll back, or None.

        Parameters
        ----------
        judged
            The pooled judge rows, j of them, with their row numbers in the input.
        champion, challenger
            Answers (j, K) to them.
        """
        ...


@dataclass(frozen=True)
class CalibrationGuard:
    """Objects when the log-loss on real judge rows, each counted once, grows by more than a share of the champion's."""

    tolerance: float = 0.25

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        each_once = replace(judged, weight=None)
        before, after = (score("log_loss", each_once, proba) for proba in (champion, challenger))
        if after <= before * (1 + self.tolerance):
            return None
        return f"log-loss on judge rows grew from {before:.4f} to {after:.4f}"


@dataclass(frozen=True, eq=False)
class GroupGuard:
    """Objects when the score of the worst group, each row counted once, worsens by more than a tolerance.

    Parameters
    ----------
    groups
        Group of each row of the input, shape (n,), of any type; missing ones are a group, too.
    tolerance
        Loss of the worst group's score that is put up with.
    least
        Positives under which a group is too small to be scored, as is one of positives only.
    """

    groups: np.ndarray
    metric: str = "average_precision"
    tolerance: float = 0.02
    least: int = 10

    def __post_init__(self) -> None:
        codes, _ = pd.factorize(np.asarray(self.groups), use_na_sentinel=False)
        object.__setattr__(self, "groups", codes)

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        if judged.rows is None:
            raise ConfigError("a guard of groups must know the judge rows' numbers in the input, got none: pass them.")
        if judged.rows.max(initial=-1) >= len(self.groups):
            raise ConfigError(
                f"groups must name one for every row of the input, got {len(self.groups)} for row {judged.rows.max()}: "
                "pass one for each row."
            )
        each_once, groups = replace(judged, weight=None), self.groups[judged.rows]
        before, after = (self._worst(each_once, proba, groups) for proba in (champion, challenger))
        if before is None or after is None or after >= before - self.tolerance:
            return None
        return f"{self.metric} of the worst group worsened from {abs(before):.3f} to {abs(after):.3f}"

    def _worst(self, judged: JudgeRows, proba: np.ndarray, groups: np.ndarray) -> float | None:
        """Return the lowest score of a group, signed so that higher is better; None if all groups are too small."""
        sign = resolve(self.metric).sign
        members = [groups == group for group in np.unique(groups)]
        large = [each for each in members if self.least <= judged.is_positive[each].sum() < each.sum()]
        return min((sign * score(self.metric, judged.take(each), proba[each]) for each in large), default=None)


@dataclass(frozen=True)
class Acceptance:
    """Keeps a generation unless the evidence, weighed against a prior, speaks against it.

    With 20 to 100 positives no paired test can prove what is there, so demanding proof throws the gain away. The
    paired difference d with standard error s on pooled judge rows is therefore shrunk to a stated prior N(m, t²):
    expected = (d / s² + m / t²) / (1 / s² + 1 / t²). With few positives the prior decides, with many the data. A
    difference whose interval lies wholly below zero is harm, and rolls back whatever the prior hopes.

    Parameters
    ----------
    metric
        Name of the score that decides.
    prior_mean, prior_sd
        What the strategy is known to bring in one generation, and how much that varies between tables.
    level
        Confidence of the claim, before it is corrected for the number of evaluations of the judge rows.
    replicates
        Bootstrap replicates of the claim. What stays from generation to generation rests on a standard error alone,
        for which a sixth of them do.
    guards
        Reasons to roll back in spite of the score.
    least
        Judge rows (or groups of them) of each class under which nothing is called proven: with fewer, intervals are
        too narrow.

    Raises
    ------
    ConfigError
        If there is no such metric or a number is out of its range.
    """

    metric: str = "average_precision"
    prior_mean: float = 0.01
    prior_sd: float = 0.005
    level: float = 0.95
    replicates: int = 300
    guards: Sequence[Guard] = (CalibrationGuard(),)
    least: int = FEWEST

    def __post_init__(self) -> None:
        resolve(self.metric)
        if not self.prior_sd > 0 or not 0 < self.level < 1 or self.replicates < 2:
            raise ConfigError(
                "acceptance needs prior_sd above 0, level between 0 and 1 and 2 replicates or more, "
                f"got {self.prior_sd}, {self.level} and {self.replicates}: "
                f"{Acceptance.prior_sd}, {Acceptance.level} and {Acceptance.replicates} are usual."
            )

    def decide(
        self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray, rng: np.random.Generator
    ) -> Decision:
        """Answer "keep?" for a challenger from answers (j, K) to the same judge rows, as guards take them."""
        few = max(2, self.replicates // 6)
        evidence = paired(self.metric, judged, champion, challenger, rng, level=self.level, replicates=few)
        expected = self._expected(evidence)
        return self._decision(self._objection(judged, champion, challenger), evidence.difference, expected)

    def verdict(
        self,
        judged: JudgeRows,
        baseline: np.ndarray,
        champion: np.ndarray,
        rng: np.random.Generator,
        *,
        kept: int,
        evaluations: int,
    ) -> tuple[LoopVerdict, Decision]:
        """Answer "proven?" for the champion against the learner on real rows alone.

        The confidence is corrected for the number of ``evaluations`` of the judge rows (Bonferroni). Guards are asked
        once more: what is delivered must not harm what they guard, however little each generation did.

        Parameters
        ----------
        judged, baseline, champion
            As guards take them.
        kept
            Generations that were kept.
        evaluations
            How often the judge rows were evaluated, this time included.
        """
        level = 1 - (1 - self.level) / max(evaluations, 1)
        evidence = paired(self.metric, judged, baseline, champion, rng, level=level, replicates=self.replicates)
        difference, expected = evidence.difference, self._expected(evidence, generations=kept)
        proven = difference.low > 0 and judged.fewest >= self.least
        sentence = self._sentence(difference, proven, evaluations, judged.fewest)
        claim = LoopVerdict(kept, difference.estimate, difference, proven, sentence)
        return claim, self._decision(self._objection(judged, baseline, champion), difference, expected)

    def nothing_kept(self, objection: Decision | None = None) -> LoopVerdict:
        """The verdict of a loop that hands over the real-only model.

        Parameters
        ----------
        objection
            The decision by which the learner itself, at the end, was rolled back; None = no generation was kept.
        """
        why = "no generation was kept"
        if objection is not None:
            measured = f"{self.metric} {objection.difference}"
            why = f"the kept rows were rolled back for the final learner ({objection.reason}; {measured})"
        zero = Interval(0.0, 0.0, 0.0, self.level)
        return LoopVerdict(0, 0.0, zero, False, f"No proven gain: {why}; the model is the real-only one.")

    def _objection(self, judged: JudgeRows, before: np.ndarray, after: np.ndarray) -> str | None:
        """Return the first objection of a guard."""
        objections = (guard.objection(judged, before, after) for guard in self.guards)
        return next((objection for objection in objections if objection), None)

    @staticmethod
    def _decision(objection: str | None, difference: Interval, expected: float) -> Decision:
        if objection is not None:
            return Decision(False, objection, difference, expected)
        if abs(expected) <= NOTHING:
            return Decision(False, "it makes no difference", difference, expected)
        # However sure the prior is, it was made on other tables: what is proven here is not overruled.
        kept = expected > 0 and not difference.high < 0
        return Decision(kept, "expected to help" if kept else "judge rows speak against it", difference, expected)

    def _expected(self, evidence: Paired, generations: int = 1) -> float:
        """Shrink the difference that some generations made to what so many are known to bring."""
        precision = 1 / max(evidence.standard_error, 1e-9) ** 2
        prior, mean = 1 / (generations * self.prior_sd**2), generations * self.prior_mean
        return float((precision * evidence.difference.estimate + prior * mean) / (precision + prior))

    def _sentence(self, difference: Interval, proven: bool, evaluations: int, pieces: int) -> str:
        corrected = f"corrected for {evaluations} evaluations of the judge rows"
        measured = f"{self.metric} {difference} on judge rows the loop did not learn from, {corrected}"
        if proven:
            return f"Proven gain: {measured}."
        if difference.low > 0:
            measured += f"; {pieces} rows or groups of a class are too few to prove anything, {self.least} would do"
        return f"No proven gain: {measured}."
