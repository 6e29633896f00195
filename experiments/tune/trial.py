"""One trial of a search: the loop with suggested settings on every source, stopped early if it falls behind."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from experiments.arms.scoring import SCORE
from experiments.run.inputs import parts_of
from experiments.tune.config import TuneConfig
from experiments.tune.interrupts import Interrupts
from experiments.tune.repeats import earlier, repeated
from experiments.tune.space import Value
from loop.cycle.driver import run_loop
from loop.cycle.lanes import lanes
from loop.errors import WeakspotError
from loop.seeds import stream
from loop.types import Generation, Table

PLACE = "place"  # attribute of a trial: the folder that it was begun for
WARM_ROWS = 40  # of each class


@dataclass(frozen=True, eq=False)
class Lanes:
    """What a trial sees of a source: the training rows and their lanes, never the test rows."""

    train: Table
    folds: np.ndarray  # (n,) see `loop.cycle.lanes.deal`

    @property
    def sizes(self) -> list[int]:
        """Real rows that each lane is fitted on."""
        return [len(lane.fit) for lane in lanes(self.folds)]


@dataclass
class Notes:
    """What a trial has found out so far; it is kept however the trial ends."""

    scores: list[float] = field(default_factory=list)  # by source
    running: dict[str, float] = field(default_factory=dict)  # score by source and generation, such as "1.3"


def score_of(
    config: TuneConfig,
    tables: Sequence[Lanes],
    values: Mapping[str, Value],
    notes: Notes,
    falls_behind: Callable[[str, float], bool],
    allowed: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> float:
    """Run the loop with some values on every source; return the mean score.

    Parameters
    ----------
    config : TuneConfig
    tables : sequence of Lanes
        One for each source.
    values : mapping
        Values by dotted key.
    notes : Notes
        Filled as the work goes on.
    falls_behind : callable
        Tells from step and running score whether to stop.
    allowed : callable
        Makes the context in which the loop runs.

    Raises
    ------
    optuna.TrialPruned
        If the trial is stopped.
    """

    def watch(generation: Generation) -> None:
        step = f"{len(notes.scores) + 1}.{generation.index}"
        notes.running[step] = statistics.fmean([*notes.scores, generation.scores[SCORE].estimate])
        if falls_behind(step, notes.running[step]):
            raise optuna.TrialPruned

    for source, table in zip(config.sources, tables, strict=True):
        run = config.run_of(values, source)
        parts, rng = parts_of(run, table.train), stream(run.loop.seed, "loop")
        with allowed():
            looped = run_loop(parts, table.train, table.folds, rng, [watch])
        notes.scores.append(looped.outcome.scores[SCORE].estimate)
    return statistics.fmean(notes.scores)


@dataclass(frozen=True, eq=False)
class Objective:
    """Score and cost of a configuration: mean out-of-fold average precision, and processor seconds of all sources.

    The score of a trial depends on its configuration and seed only; its cost is measured. It is counted in processor
    seconds rather than wall-clock seconds, so that it does not depend on the number of workers.

    Optuna prunes studies of one objective only: with two, `Trial.report` and `Trial.should_prune` raise. So the rule
    of its `MedianPruner` (Golovin et al. 2017, Google Vizier, section 3.2.2) is implemented here: after each
    generation the running score is compared with the median of the finished trials at the same generation, and a
    trial below it is stopped. With several sources, run one after the other, the running score is the mean of the
    sources so far. Generations are scored by the surrogate, so the capacity of the learner affects the scores of
    finished trials only. Pruning looks at the score alone and may stop cheap, weak trials of the front.

    What an earlier trial has tried, or what comes to the same, is not tried again: the trial has its answer.

    Trials have the attributes ``place`` (the folder that they were begun for), ``running`` (score by source and
    generation, such as "1.3"), ``scores`` (by source), ``seconds`` and, if they failed with one of our errors,
    ``error``; with the answer of another, ``same_as``.
    """

    config: TuneConfig
    tables: Sequence[Lanes]  # one for each source
    interrupts: Interrupts = field(default_factory=Interrupts)  # a signal stops the loop, not the database
    place: str = ""  # see `experiments.tune.study.place_of`

    def __call__(self, trial: optuna.Trial) -> tuple[float, float]:
        trial.set_user_attr(PLACE, self.place)
        suggested = {key: dimension.suggest(key, trial) for key, dimension in self.config.dimensions.items()}
        values = self.config.values(suggested)
        prunable = values != self.config.start
        if prunable and (first := self._earlier(trial)) is not None:
            return repeated(trial, first)
        notes, started = Notes(), time.process_time()

        def falls_behind(step: str, score: float) -> bool:
            return prunable and behind(score, self._finished_at(trial, step), self.config.prune_after)

        try:
            score = score_of(self.config, self.tables, values, notes, falls_behind, self.interrupts.allowed)
        except WeakspotError as error:
            trial.set_user_attr("error", str(error))
            raise
        finally:
            seconds = time.process_time() - started
            for name, value in {"scores": notes.scores, "running": notes.running, "seconds": seconds}.items():
                trial.set_user_attr(name, value)
        return score, seconds

    def _earlier(self, trial: optuna.Trial) -> FrozenTrial | None:
        with self.interrupts.held():
            return earlier(trial.study, trial, self.config, [table.sizes for table in self.tables])

    def _finished_at(self, trial: optuna.Trial, step: str) -> list[float]:
        with self.interrupts.held():
            finished = trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [each.user_attrs["running"][step] for each in finished if step in each.user_attrs["running"]]


def warm_up(config: TuneConfig, tables: Sequence[Lanes]) -> None:
    """Fit teacher and learners once on some rows, so that the loading of libraries is no cost of the first trial."""
    run, rows = config.run_of({}, config.sources[0]), tables[0].train
    few = np.concatenate([np.flatnonzero(rows.y == code)[:WARM_ROWS] for code in range(rows.n_classes)])
    parts, rng = parts_of(run, rows), stream(run.loop.seed, "warm up")
    folds = np.arange(len(few)) % 2
    learners = (parts.learner, parts.surrogate, parts.augmented_learner, parts.augmented_surrogate)
    for part in filter(None, learners):
        part.fit(rows.take(few), rng)
    if parts.teacher is not None:
        parts.teacher.fit_folds(rows.take(few), folds, rng)


def behind(score: float, others: Sequence[float], least: int) -> bool:
    """Tell whether a score lies below the median of the others; False if there are fewer than ``least``."""
    return len(others) >= least and score < statistics.median(others)
