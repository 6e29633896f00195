"""Acceptance: does a generation stay, and is there a gain to claim? Two questions, kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from loop.bootstrap import Paired, paired
from loop.errors import ConfigError
from loop.metrics import resolve, score
from loop.types import Decision, Interval, LoopVerdict
from loop.unit_bootstrap import fewest

FEWEST = 20  # with fewer positives intervals hold the truth too rarely
NOTHING = 1e-9  # an expected gain below this is the prior's echo of no difference at all


class Guard(Protocol):
    """Objects to a challenger that does harm elsewhere, whatever it gains on the score."""

    def objection(
        self, y: np.ndarray, champion: np.ndarray, challenger: np.ndarray, positive: int, rows: np.ndarray
    ) -> str | None:
        """Return the reason to roll back, or None.

        Parameters
        ----------
        y, champion, challenger
            Classes (j,) and answers (j, K) of the pooled judge rows.
        rows
            Row numbers of the judge rows in the input, shape (j,).
        """
        ...


@dataclass(frozen=True)
class CalibrationGuard:
    """Objects when the log-loss on real judge rows grows by more than a share of the champion's."""

    tolerance: float = 0.25

    def objection(
        self, y: np.ndarray, champion: np.ndarray, challenger: np.ndarray, positive: int, rows: np.ndarray
    ) -> str | None:
        before, after = (score("log_loss", y, proba, positive) for proba in (champion, challenger))
        if after <= before * (1 + self.tolerance):
            return None
        return f"log-loss on judge rows grew from {before:.4f} to {after:.4f}"


@dataclass(frozen=True, eq=False)
class GroupGuard:
    """Objects when the score of the worst group worsens by more than a tolerance.

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

    def objection(
        self, y: np.ndarray, champion: np.ndarray, challenger: np.ndarray, positive: int, rows: np.ndarray
    ) -> str | None:
        if rows.max(initial=-1) >= len(self.groups):
            raise ConfigError(
                f"groups must name one for every row of the input, got {len(self.groups)} for row {rows.max()}: "
                "pass one for each row."
            )
        before, after = (self._worst(y, proba, positive, self.groups[rows]) for proba in (champion, challenger))
        if before is None or after is None or after >= before - self.tolerance:
            return None
        return f"{self.metric} of the worst group worsened from {abs(before):.3f} to {abs(after):.3f}"

    def _worst(self, y: np.ndarray, proba: np.ndarray, positive: int, groups: np.ndarray) -> float | None:
        """Return the lowest score of a group, signed so that higher is better; None if all groups are too small."""
        sign = resolve(self.metric).sign
        members = [groups == group for group in np.unique(groups)]
        large = [each for each in members if self.least <= (y[each] == positive).sum() < each.sum()]
        return min((sign * score(self.metric, y[each], proba[each], positive) for each in large), default=None)


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
        Confidence of the claim, before it is corrected for the number of looks.
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
        self,
        y: np.ndarray,
        champion: np.ndarray,
        challenger: np.ndarray,
        positive: int,
        rng: np.random.Generator,
        *,
        rows: np.ndarray,
        weight: np.ndarray | None = None,
        unit: np.ndarray | None = None,
    ) -> Decision:
        """Answer "keep?" for a challenger from answers (j, K) to the same judge rows.

        Parameters
        ----------
        y, champion, challenger
            As guards take them.
        rows
            Row numbers of the judge rows in the input, (j,), for guards that know more of them.
        weight, unit
            What the judge rows count, and which are one piece of evidence, (j,), as `loop.bootstrap.paired` takes them.
        """
        few = max(2, self.replicates // 6)
        evidence = paired(
            *(self.metric, y, champion, challenger, positive, rng),
            level=self.level,
            replicates=few,
            weight=weight,
            unit=unit,
        )
        expected = self._expected(evidence)
        return self._decision(self._objection(y, champion, challenger, positive, rows), evidence.difference, expected)

    def verdict(
        self,
        y: np.ndarray,
        baseline: np.ndarray,
        champion: np.ndarray,
        positive: int,
        rng: np.random.Generator,
        *,
        rows: np.ndarray,
        kept: int,
        looks: int,
        weight: np.ndarray | None = None,
        unit: np.ndarray | None = None,
    ) -> tuple[LoopVerdict, Decision]:
        """Answer "proven?" for the champion against the learner on real rows alone.

        The confidence is corrected for the number of ``looks`` at the judge rows (Bonferroni). Guards are asked once
        more: what is delivered must not harm what they guard, however little each generation did.
        """
        level = 1 - (1 - self.level) / max(looks, 1)
        evidence = paired(
            *(self.metric, y, baseline, champion, positive, rng),
            level=level,
            replicates=self.replicates,
            weight=weight,
            unit=unit,
        )
        difference, expected = evidence.difference, self._expected(evidence, generations=kept)
        pieces = fewest(y, unit)
        proven = difference.low > 0 and pieces >= self.least
        claim = LoopVerdict(
            kept, difference.estimate, difference, proven, self._sentence(difference, proven, looks, pieces)
        )
        objection = self._objection(y, baseline, champion, positive, rows)
        return claim, self._decision(objection, difference, expected)

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

    def _objection(
        self, y: np.ndarray, before: np.ndarray, after: np.ndarray, positive: int, rows: np.ndarray
    ) -> str | None:
        """Return the first objection of a guard."""
        objections = (guard.objection(y, before, after, positive, rows) for guard in self.guards)
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

    def _sentence(self, difference: Interval, proven: bool, looks: int, pieces: int) -> str:
        measured = f"{self.metric} {difference} on judge rows the loop did not learn from, corrected for {looks} looks"
        if proven:
            return f"Proven gain: {measured}."
        if difference.low > 0:
            measured += f"; {pieces} rows or groups of a class are too few to prove anything, {self.least} would do"
        return f"No proven gain: {measured}."
