"""Acceptance: is a generation kept, and is the gain proven? The two questions are answered separately."""

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

FEWEST = 20  # with fewer positives, intervals hold the true value less often than they claim
EDGE_A_GENERATION = 0.25  # share of the teacher's edge that one generation passes on
NOTHING = 1e-9  # a smaller expected gain comes from the prior alone, not from the data


def shrunk(evidence: Paired, mean: float, sd: float) -> float:
    """Return the expected difference: the measured one, shrunk to a normal prior in proportion to its variance.

    Parameters
    ----------
    evidence : Paired
        The measured difference and its standard error.
    mean, sd : float
        Of the prior; an infinite ``sd`` leaves the measured difference as it is.
    """
    precision, prior = 1 / max(evidence.standard_error, 1e-9) ** 2, sd**-2.0
    return float((precision * evidence.difference.estimate + prior * mean) / (precision + prior))


def _widened(interval: Interval, factor: float) -> Interval:
    low, high = (interval.estimate + factor * (bound - interval.estimate) for bound in (interval.low, interval.high))
    return replace(interval, low=low, high=high)


class Guard(Protocol):
    """Objects to a challenger that gets worse by another measure, whatever it gains on the score."""

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        """Return the reason to roll back, or None.

        Parameters
        ----------
        judged : JudgeRows, j rows
            The pooled judge rows, with their row numbers in the input.
        champion, challenger : ndarray of shape (j, K)
            Predicted probabilities of these rows.

        Returns
        -------
        str or None
        """
        ...


@dataclass(frozen=True)
class CalibrationGuard:
    """Objects if the log-loss on the judge rows, each counted once, grows by more than a share of the champion's."""

    tolerance: float = 0.25

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        """Return the reason to roll back, or None; see `Guard.objection`."""
        each_once = replace(judged, weight=None)
        before, after = (score("log_loss", each_once, proba) for proba in (champion, challenger))
        if after <= before * (1 + self.tolerance):
            return None
        return f"log-loss on judge rows grew from {before:.4f} to {after:.4f}"


@dataclass(frozen=True, eq=False)
class GroupGuard:
    """Objects if the score of the worst group, each row counted once, falls by more than a tolerance.

    Parameters
    ----------
    groups : ndarray of shape (n,)
        Group of each row of the input, of any type; rows with a missing value form a group, too.
    metric : str
        Name of the score.
    tolerance : float
        Largest accepted loss of the worst group's score.
    least : int
        Fewest positives of a group that is scored; a group of positives only is not scored.
    """

    groups: np.ndarray
    metric: str = "average_precision"
    tolerance: float = 0.02
    least: int = 10

    def __post_init__(self) -> None:
        codes, _ = pd.factorize(np.asarray(self.groups), use_na_sentinel=False)
        object.__setattr__(self, "groups", codes)

    def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
        """Return the reason to roll back, or None; ConfigError if groups and rows do not match."""
        if judged.rows is None:
            raise ConfigError(
                "a group guard needs the judge rows' numbers in the input, got none: pass judge rows with them."
            )
        if judged.rows.max(initial=-1) >= len(self.groups):
            raise ConfigError(
                f"groups must have one entry per row of the input, got {len(self.groups)} for row {judged.rows.max()}: "
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
    """Keeps a generation if its expected gain, the measured difference shrunk to a prior, is above zero.

    With 20 to 100 positives, a paired test rarely proves a real gain, so demanding proof would discard it. The
    paired difference d with standard error s on pooled judge rows is therefore shrunk to a stated prior N(m, t²):
    expected = (d / s² + m / t²) / (1 / s² + 1 / t²). With few positives the prior decides, with many the data. If
    the interval of the difference lies wholly below zero, the generation is rolled back whatever the prior.

    Parameters
    ----------
    metric : str
        Name of the score that decides.
    prior_mean, prior_sd : float
        Mean gain of one generation known from other tables, and its standard deviation between tables.
    level : float
        Confidence of the claim, before it is corrected for the number of evaluations of the judge rows.
    replicates : int
        Bootstrap replicates of the claim. Decisions between generations need a standard error only and use a sixth.
    guards : sequence of Guard
        Each can roll a generation back in spite of the score.
    least : int
        Fewest judge rows (or groups of them) of each class for a gain to be called proven: with fewer, intervals are
        too narrow.
    only_harm_counts : bool
        Whether everything is kept that is not proven to do harm; see `harmless`.

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
    only_harm_counts: bool = False

    def __post_init__(self) -> None:
        resolve(self.metric)
        if not self.prior_sd > 0 or not 0 < self.level < 1 or self.replicates < 2:
            raise ConfigError(
                "acceptance needs prior_sd above 0, level between 0 and 1 and 2 replicates or more, "
                f"got {self.prior_sd}, {self.level} and {self.replicates}: "
                f"the defaults are {Acceptance.prior_sd}, {Acceptance.level} and {Acceptance.replicates}."
            )

    def following(self, edge: float) -> "Acceptance":
        """Return the same acceptance with a prior that follows the teacher's edge over the learner.

        New rows teach what the teacher knows and the learner does not. A teacher without an edge has nothing to teach:
        the prior mean is then zero, and generations must earn their place.

        Parameters
        ----------
        edge : float
            Score of the teacher minus that of the learner on real rows alone, both on the judge rows, higher is better.
        """
        return replace(self, prior_mean=min(self.prior_mean, max(0.0, edge) * EDGE_A_GENERATION))

    def harmless(self) -> "Acceptance":
        """Return the acceptance of rows that state what the judge rows cannot show: kept unless these prove harm.

        No measured calibration speaks against such rows either, as they add to a class on purpose; the delivered model
        is calibrated afterwards.
        """
        guards = tuple(guard for guard in self.guards if not isinstance(guard, CalibrationGuard))
        return replace(self, guards=guards, only_harm_counts=True)

    def decide(
        self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray, rng: np.random.Generator
    ) -> Decision:
        """Decide whether the challenger is kept; parameters are those of `Guard.objection`."""
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
        spread: float = 1.0,
    ) -> tuple[LoopVerdict, Decision]:
        """Decide whether the gain of the champion over the learner on real rows alone is proven.

        The confidence is corrected for the number of ``evaluations`` of the judge rows (Bonferroni). Guards are applied
        once more, as small losses of several generations may add up.

        Parameters
        ----------
        judged : JudgeRows, j rows
            The pooled judge rows.
        baseline, champion : ndarray of shape (j, K)
            Predicted probabilities of these rows.
        rng : numpy.random.Generator
            Draws the bootstrap.
        kept : int
            Number of generations kept.
        evaluations : int
            Number of times that the judge rows were evaluated, this time included.
        spread : float
            Factor that widens the interval of the claim, see `loop.cycle.lanes.training_spread`. The bootstrap knows
            the variance of the judge rows only; the claim is about a model, whose training rows vary, too.

        Returns
        -------
        tuple of LoopVerdict and Decision
            The claim, and whether the final learner keeps the synthetic rows.
        """
        level = 1 - (1 - self.level) / max(evaluations, 1)
        evidence = paired(self.metric, judged, baseline, champion, rng, level=level, replicates=self.replicates)
        measured, expected = evidence.difference, self._expected(evidence, generations=kept)
        difference = _widened(measured, spread)
        proven = difference.low > 0 and judged.fewest >= self.least
        sentence = self._sentence(difference, proven, evaluations, judged.fewest)
        claim = LoopVerdict(kept, difference.estimate, difference, proven, sentence)
        return claim, self._decision(self._objection(judged, baseline, champion), measured, expected)

    def nothing_kept(self, objection: Decision | None = None) -> LoopVerdict:
        """Return the verdict of a loop whose model was trained on real rows only.

        Parameters
        ----------
        objection : Decision, optional
            The decision that rolled back the final learner; None = no generation was kept.
        """
        why = "no generation was kept"
        if objection is not None:
            measured = f"{self.metric} {objection.difference}"
            why = f"the kept rows were rolled back for the final learner ({objection.reason}; {measured})"
        zero = Interval(0.0, 0.0, 0.0, self.level)
        return LoopVerdict(0, 0.0, zero, False, f"No proven gain: {why}; the model was trained on real rows only.")

    def _objection(self, judged: JudgeRows, before: np.ndarray, after: np.ndarray) -> str | None:
        """Return the first objection of a guard."""
        objections = (guard.objection(judged, before, after) for guard in self.guards)
        return next((objection for objection in objections if objection), None)

    def _decision(self, objection: str | None, difference: Interval, expected: float) -> Decision:
        if objection is not None:
            return Decision(False, objection, difference, expected)
        if self.only_harm_counts:
            harm = difference.high < 0
            return Decision(not harm, "proven harm" if harm else "stated, and no harm is proven", difference, expected)
        if abs(expected) <= NOTHING:
            return Decision(False, "it makes no difference", difference, expected)
        # The prior comes from other tables, so it must not overrule harm that is proven on this one.
        kept = expected > 0 and not difference.high < 0
        return Decision(kept, "expected to help" if kept else "not expected to help", difference, expected)

    def _expected(self, evidence: Paired, generations: int = 1) -> float:
        """Shrink the difference made by some generations to the prior for that many."""
        return shrunk(evidence, generations * self.prior_mean, np.sqrt(generations) * self.prior_sd)

    def _sentence(self, difference: Interval, proven: bool, evaluations: int, pieces: int) -> str:
        corrected = f"corrected for {evaluations} evaluations of the judge rows and for other training rows"
        measured = f"{self.metric} {difference} on judge rows the loop did not learn from, {corrected}"
        if proven:
            return f"Proven gain: {measured}."
        if difference.low > 0:
            measured += f"; {pieces} rows or groups of a class are too few to prove anything, {self.least} are needed"
        return f"No proven gain: {measured}."
