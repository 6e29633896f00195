"""Result of a search: the Pareto front of score and cost, the winner, and its gain on test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.table import Table

from experiments.arms.scoring import SCORE, proves
from experiments.arms.statistics import ALPHA
from experiments.config.run_config import RunConfig
from experiments.run.inputs import RunInputs, parts_of
from experiments.tune.config import TuneConfig
from experiments.tune.space import Value
from experiments.tune.study import finished, start_trial
from loop.cycle.driver import run_loop
from loop.errors import ConfigError
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.protocols import Predictor
from loop.seeds import stream
from loop.types import Interval

OPENED = "opened"  # attribute of a study: winners for which the test rows were opened


@dataclass(frozen=True)
class Optimism:
    """The winner against the start, on the judge rows that chose it and on test rows that did not."""

    judge_gain: float  # mean over sources
    differences: tuple[Interval, ...]  # on the test rows of each source
    sentences: tuple[str, ...]

    @property
    def test_gain(self) -> float:
        """Mean gain on the test rows over sources, in average precision."""
        return fmean(each.estimate for each in self.differences)

    @property
    def optimism(self) -> float:
        """Gain on the judge rows minus gain on the test rows."""
        return self.judge_gain - self.test_gain


def winner(study: optuna.Study, config: TuneConfig) -> FrozenTrial:
    """Return the trial with the best score among those that cost at most ``most_cost`` times the start.

    If none scores better than the start, the start wins and the test rows need not be opened.
    """
    start = _start(study, config)
    affordable = [each for each in _complete(study) if each.values[1] <= config.most_cost * start.values[1]]
    return max([start, *affordable], key=lambda each: (each.values[0], each.number == start.number, -each.values[1]))


def open_test(study: optuna.Study, config: TuneConfig, materials: Sequence[RunInputs], best: FrozenTrial) -> Optimism:
    """Run start and winner once more and compare them on the sealed rows of each source.

    If the start has won, nothing is compared and the test rows stay sealed.

    Parameters
    ----------
    study : optuna.Study
        Remembers the winners for which the test rows were opened.
    config : TuneConfig
    materials : sequence of RunInputs
        One for each source.
    best : optuna.trial.FrozenTrial
        The winner.
    """
    start = _start(study, config)
    if best.number == start.number:
        kept = "No better configuration was found than the start; the test rows stay sealed."
        return Optimism(0.0, (Interval(0.0, 0.0, 0.0),), (kept,))
    opened = sorted({*study.user_attrs.get(OPENED, []), best.number})
    study.set_user_attr(OPENED, opened)
    evaluations = len(config.sources) * len(opened)  # number of tests, for the correction of the level
    judge_gain, sentences, differences = best.values[0] - start.values[0], list[str](), list[Interval]()
    for source, inputs in zip(config.sources, materials, strict=True):
        runs = [config.run_of(config.values(each.params), source) for each in (start, best)]
        difference = _difference(runs, inputs, 1 - ALPHA / evaluations)
        differences.append(difference)
        proven = proves(difference, JudgeRows.of(inputs.test))
        word = "Proven gain" if proven else "Harm" if difference.high < 0 else "No proven gain"
        corrected = f", corrected for {evaluations} evaluations of test rows" if evaluations > 1 else ""
        sentences.append(
            f"{word} of the winner over the start on {source.source}: average precision {difference} "
            f"on {len(inputs.test):,} test rows{corrected}."
        )
    test_gain = fmean(each.estimate for each in differences)
    sentences.append(
        f"On judge rows {judge_gain:+.4f}, on test rows {test_gain:+.4f}: optimism {judge_gain - test_gain:+.4f}. "
        f"Winners for which the test rows of this study were opened so far: {len(opened)}."
    )
    return Optimism(judge_gain, tuple(differences), tuple(sentences))


def headline(
    study: optuna.Study, config: TuneConfig, best: FrozenTrial, optimism: Optimism
) -> Mapping[str, float | int]:
    """Return the figures of the last line."""
    states = [each.state for each in finished(study)]
    return {
        "best_judge": round(best.values[0], 4),
        "default_judge": round(_start(study, config).values[0], 4),
        "optimism": round(optimism.optimism, 4),
        "test_gain": round(optimism.test_gain, 4),
        "trials": len(states),
        "pruned": states.count(TrialState.PRUNED),
        "failed": states.count(TrialState.FAIL),
    }


def front_table(study: optuna.Study, config: TuneConfig, best: FrozenTrial) -> Table:
    """Return a table of the Pareto front of score and cost, cheapest first, with the start and the winner."""
    start = _start(study, config)
    shown = {each.number: each for each in (*study.best_trials, start, best)}
    title = f"The front of score and cost, mean over sources; the winner costs at most {config.most_cost:g} x the start"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("trial", justify="right")
    table.add_column("")
    for column in ("average precision", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("changes")
    for trial in sorted(shown.values(), key=lambda each: each.values[1]):
        role = ", ".join(word for word, each in (("start", start), ("winner", best)) if each.number == trial.number)
        changes = ", ".join(_changes(config.values(trial.params), config.start))
        table.add_row(str(trial.number), role, f"{trial.values[0]:.4f}", f"{trial.values[1]:.1f}", changes)
    return table


def _difference(runs: Sequence[RunConfig], inputs: RunInputs, level: float) -> Interval:
    """Fit the models of two configurations on the training rows and compare them on the test rows."""
    test, rng = inputs.test, stream(runs[0].loop.seed, "tune")
    before, after = (_model(each, inputs).predict_proba(test.rows) for each in runs)
    return paired(SCORE, JudgeRows.of(test), before, after, rng, level=level).difference


def _model(config: RunConfig, inputs: RunInputs) -> Predictor:
    rng = stream(config.loop.seed, "loop")
    return run_loop(parts_of(config, inputs.train), inputs.train, inputs.folds, rng).outcome.learner


def _changes(values: Mapping[str, Value], start: Mapping[str, Value]) -> list[str]:
    """Write the values that differ from the start."""
    changed = {key.removesuffix(".name").rpartition(".")[2]: values[key] for key in values if values[key] != start[key]}
    return [f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in changed.items()]


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    complete: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return complete


def _start(study: optuna.Study, config: TuneConfig) -> FrozenTrial:
    start = start_trial(study, config)
    if start is None:
        raise ConfigError("a search must finish the configuration it starts from, and it did not: run it again.")
    return start
