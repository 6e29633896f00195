"""A search on Dask's workers: as many trials at a time as there are workers, asked for and told of in order.

Only this process reads and writes the study, so workers need no way to its database, and what a batch tries and when
its trials are stopped depends on the batches before it, never on who is faster.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGTERM

import optuna
from optuna.trial import TrialState

from experiments.scale.workers import Workers
from experiments.tune.config import TuneConfig
from experiments.tune.interrupts import Interrupts
from experiments.tune.repeats import earlier, repeated
from experiments.tune.space import Value
from experiments.tune.study import Look, enqueue_start, finished, place_of, seed_sampler, start_trial
from experiments.tune.trial import PLACE, Lanes, Notes, behind, score_of, warm_up
from loop.errors import WeakspotError

_WARM = set[str]()  # names of the studies for which this worker has loaded its libraries


@dataclass(frozen=True)
class Tried:
    """How a trial ended on a worker."""

    notes: Notes
    seconds: float
    stopped: bool = False  # as it fell behind
    error: str | None = None  # of ours, if it failed


@dataclass(frozen=True, eq=False)
class Search:
    """What all batches of a search share."""

    config: TuneConfig
    tables: Sequence[Lanes]  # one for each source
    study: optuna.Study
    workers: Workers
    interrupts: Interrupts
    place: str  # see `experiments.tune.study.place_of`

    def batch(self, n: int) -> None:
        """Run so many trials side by side.

        Raises
        ------
        WeakspotError
            If the cluster is lost; the trials of the batch have then failed without an answer, and are tried again.
        """
        asked = [(trial, values) for trial, values in (self._ask(number, n) for number in range(n))]
        others = [
            each.user_attrs["running"]
            for each in self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if "running" in each.user_attrs
        ]
        new = [(trial, values) for trial, values in asked if not self._repeats(trial)]
        work = partial(tried, self.config, self.tables, self.study.study_name, others)
        try:
            with self.interrupts.allowed():
                ended = self.workers.each(work, [values for _, values in new], len(new), brief=False)
        except (WeakspotError, KeyboardInterrupt):
            for trial, _ in new:
                self.study.tell(trial, state=TrialState.FAIL)
            raise
        for (trial, _), each in zip(new, ended, strict=True):
            self._tell(trial, each)

    def _ask(self, ahead: int, batch: int) -> tuple[optuna.Trial, Mapping[str, Value]]:
        seed_sampler(self.study, self.config, 0, ahead, batch)
        trial = self.study.ask()
        trial.set_user_attr(PLACE, self.place)
        suggested = {key: dimension.suggest(key, trial) for key, dimension in self.config.dimensions.items()}
        return trial, self.config.values(suggested)

    def _repeats(self, trial: optuna.Trial) -> bool:
        """Give a trial the answer of an earlier one that comes to the same, if there is one."""
        first = earlier(self.study, trial, self.config, [table.sizes for table in self.tables])
        if first is None:
            return False
        try:
            self.study.tell(trial, repeated(trial, first))
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except WeakspotError as error:
            trial.set_user_attr("error", str(error))
            self.study.tell(trial, state=TrialState.FAIL)
        return True

    def _tell(self, trial: optuna.Trial, end: Tried) -> None:
        noted = {"scores": end.notes.scores, "running": end.notes.running, "seconds": end.seconds}
        for name, value in (noted if end.error is None else noted | {"error": end.error}).items():
            trial.set_user_attr(name, value)
        if end.error is not None or end.stopped:
            self.study.tell(trial, state=TrialState.PRUNED if end.stopped else TrialState.FAIL)
        else:
            self.study.tell(trial, (statistics.fmean(end.notes.scores), end.seconds))


def search_in_batches(
    config: TuneConfig, tables: Sequence[Lanes], folder: Path, study: optuna.Study, workers: Workers, look: Look
) -> None:
    """Run batches of trials until the study has the number asked for or the time is over.

    The unchanged configuration runs first and alone, as in `experiments.tune.study.search`.

    Raises
    ------
    WeakspotError
        If the unchanged configuration breaks a rule, or the cluster is lost.
    """
    started, interrupts = time.monotonic(), Interrupts()
    search = Search(config, tables, study, workers, interrupts, place_of(folder))
    with interrupts.listening(SIGINT), interrupts.listening(SIGTERM):
        if start_trial(study, config) is None:
            enqueue_start(study, config)
            search.batch(1)
            if start_trial(study, config) is None:
                raise WeakspotError(finished(study)[-1].user_attrs["error"])
            look()
        while (left := config.trials - len(finished(study))) > 0:
            if interrupts.noted or (config.seconds is not None and time.monotonic() - started > config.seconds):
                break
            search.batch(min(left, workers.number))
            look()


def tried(
    config: TuneConfig,
    tables: Sequence[Lanes],
    study: str,
    others: Sequence[Mapping[str, float]],
    values: Mapping[str, Value],
) -> Tried:
    """Run one trial on a worker.

    Parameters
    ----------
    config : TuneConfig
    tables : sequence of Lanes
        One for each source.
    study : str
        Name of the study.
    others : sequence of mapping
        Running scores of the trials that had finished when this one was asked for.
    values : mapping
        Values by dotted key.
    """
    if study not in _WARM:
        warm_up(config, tables)
        _WARM.add(study)
    prunable, notes, started = values != config.start, Notes(), time.process_time()

    def falls_behind(step: str, score: float) -> bool:
        at_step = [each[step] for each in others if step in each]
        return prunable and behind(score, at_step, config.prune_after)

    stopped, error = False, None
    try:
        score_of(config, tables, values, notes, falls_behind)
    except optuna.TrialPruned:
        stopped = True
    except WeakspotError as fault:
        error = str(fault)
    return Tried(notes, time.process_time() - started, stopped, error)
