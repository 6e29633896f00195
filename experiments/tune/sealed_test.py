"""The winner of a search on test rows that did not choose it: against the start, and against the best plain model."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial

from experiments.arms.arms import arms
from experiments.arms.delivery import decide_for
from experiments.arms.scoring import SCORE, Gain, gain_over, proves, renamed, score_arms
from experiments.arms.statistics import ALPHA
from experiments.config.run_config import RunConfig
from experiments.config.strategies import loop_name
from experiments.run.inputs import RunInputs, parts_of
from experiments.tune.config import TuneConfig
from loop.cycle.driver import LoopRun, run_loop
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import stream
from loop.types import Interval

OPENED = "opened"  # attribute of a study: winners for which the test rows were opened


@dataclass(frozen=True)
class Optimism:
    """The winner against the start, on the judge rows that chose it and on test rows that did not."""

    judge_gain: float  # mean over sources
    differences: tuple[Interval, ...]  # on the test rows of each source
    gains: tuple[Gain, ...]  # of what a run of the winner delivers over the best plain model, for each source
    sentences: tuple[str, ...]

    @property
    def test_gain(self) -> float:
        """Mean gain on the test rows over sources, in average precision."""
        return fmean(each.estimate for each in self.differences)

    @property
    def over_best_plain(self) -> float | None:
        """Mean gain over the best plain models on the test rows, in average precision; None if there were none."""
        return fmean(each.difference.estimate for each in self.gains) if self.gains else None

    @property
    def optimism(self) -> float:
        """Gain on the judge rows minus gain on the test rows."""
        return self.judge_gain - self.test_gain


def open_test(
    study: optuna.Study, config: TuneConfig, materials: Sequence[RunInputs], start: FrozenTrial, best: FrozenTrial
) -> Optimism:
    """Run start and winner once more and compare them on the sealed rows of each source.

    If the start has won, nothing is compared and the test rows stay sealed.

    Parameters
    ----------
    study : optuna.Study
        Remembers the winners for which the test rows were opened.
    config : TuneConfig
    materials : sequence of RunInputs
        One for each source.
    start, best : optuna.trial.FrozenTrial
        The unchanged configuration and the winner.
    """
    if best.number == start.number:
        kept = (
            "No better configuration was found than the start; the test rows stay sealed. "
            "weakspot run compares it with plain models."
        )
        return Optimism(0.0, (Interval(0.0, 0.0, 0.0),), (), (kept,))
    opened = sorted({*study.user_attrs.get(OPENED, []), best.number})
    study.set_user_attr(OPENED, opened)
    evaluations = len(config.sources) * len(opened)  # number of tests, for the correction of the level
    level = 1 - ALPHA / evaluations
    sentences, differences, gains = list[str](), list[Interval](), list[Gain]()
    for source, inputs in zip(config.sources, materials, strict=True):
        before, after = (config.run_of(config.values(each.params), source) for each in (start, best))
        looped = _looped(after, inputs)
        differences.append(_difference(_looped(before, inputs), looped, inputs, after.loop.seed, level))
        sentences.append(_sentence(differences[-1], source.source, inputs, evaluations))
        if config.arms.run and config.arms.plain:
            gains.append(_over_plain(after, looped, inputs, level))
            sentences.append(gains[-1].sentence)
    judge_gain, test_gain = best.values[0] - start.values[0], fmean(each.estimate for each in differences)
    sentences.append(
        f"On judge rows {judge_gain:+.4f}, on test rows {test_gain:+.4f}: optimism {judge_gain - test_gain:+.4f}. "
        f"Winners for which the test rows of this study were opened so far: {len(opened)}."
    )
    return Optimism(judge_gain, tuple(differences), tuple(gains), tuple(sentences))


def _looped(config: RunConfig, inputs: RunInputs) -> LoopRun:
    return run_loop(
        parts_of(config, inputs.train, inputs), inputs.train, inputs.folds, stream(config.loop.seed, "loop")
    )


def _difference(before: LoopRun, after: LoopRun, inputs: RunInputs, seed: int, level: float) -> Interval:
    """Compare the loop's own models of two configurations on the test rows."""
    old, new = (each.outcome.learner.predict_proba(inputs.test.rows) for each in (before, after))
    return paired(SCORE, JudgeRows.of(inputs.test), old, new, stream(seed, "tune"), level=level).difference


def _sentence(difference: Interval, source: str, inputs: RunInputs, evaluations: int) -> str:
    proven = proves(difference, JudgeRows.of(inputs.test))
    word = "Proven gain" if proven else "Harm" if difference.high < 0 else "No proven gain"
    corrected = f", corrected for {evaluations} evaluations of test rows" if evaluations > 1 else ""
    return (
        f"{word} of the winner over the start on {source}: average precision {difference} "
        f"on {len(inputs.test):,} test rows{corrected}."
    )


def _over_plain(config: RunConfig, looped: LoopRun, inputs: RunInputs, level: float) -> Gain:
    """Compare what a run of the configuration would deliver with the best plain model, on the test rows."""
    seed, rng = config.loop.seed, stream(config.loop.seed, "arms")
    most = config.arms.plain_seconds
    fitted = arms(looped, inputs.folds, rng, plain_seconds=most, cheap=False, tuning=False, control=False)
    found = list(renamed(fitted, loop_name(config.loop.strategy, looped.prepared.parts.supplies)))
    decided = decide_for(looped, found, seed, wanted=config.deliver, limits=config.serving.limits())
    name, against = decided.delivery.name, decided.delivery.best_plain
    compared = [decided.named(each) for each in dict.fromkeys((name, against))]
    scored = score_arms(compared, decided.costs, inputs.test, [SCORE])
    plain, tested = sum(arm.plain for arm in found), JudgeRows.of(inputs.test)
    return gain_over(scored, name, against, tested, stream(seed, "gain"), level=level, plain=plain)
