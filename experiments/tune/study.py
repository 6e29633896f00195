"""A study that several worker processes share: opening its storage, running trials and reading results."""

import multiprocessing
import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from experiments.storage.result_cache import digest
from experiments.tune.config import TuneConfig
from experiments.tune.interrupts import Interrupts
from experiments.tune.storage import guarded, lost, open_storage, sqlite_url
from experiments.tune.stored_types import check_stored_types
from experiments.tune.trial import PLACE, Lanes, Objective, warm_up
from loop.errors import WeakspotError
from loop.seeds import integer, stream
from loop.support import atomic

STUDY = "study.db"  # in the folder of the search
LOST_STORAGE = 3  # exit code of a worker

Look = Callable[[], None]


def open_study(config: TuneConfig, folder: Path, name: str, worker: int = 0) -> optuna.Study:
    """Open the study, or create it.

    The sampler depends on seed, worker and earlier trials. A single worker repeats its start-up trials exactly, also
    if it is killed and goes on. Later ones depend on measured seconds and, with several workers, on the order of
    trials, so the points tried may differ between searches; the score of a point does not.

    Parameters
    ----------
    config : TuneConfig
    folder : Path
        Folder of the search, which holds the SQLite file unless there is another storage.
    name : str
        Name of the study in the storage.
    worker : int
        0 = the parent process, from 1 on its workers.

    Raises
    ------
    ConfigError
        If the storage cannot be reached, or the file holds what Optuna never writes.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if config.storage is None and not (folder / STUDY).exists():  # killed half-way, it could never be opened again
        atomic.write_file(folder / STUDY, lambda partial: optuna.storages.RDBStorage(sqlite_url(partial)))
    # Heartbeats are of `Study.optimize` alone: batches are asked for without it.
    if config.storage is None:
        check_stored_types(folder / STUDY)
    storage = open_storage(config.storage or sqlite_url(folder / STUDY), beating=not config.scale.given)
    study = optuna.create_study(
        study_name=name, storage=storage, directions=["maximize", "minimize"], load_if_exists=True
    )
    seed_sampler(study, config, worker)
    return study


def seed_sampler(study: optuna.Study, config: TuneConfig, worker: int, ahead: int = 0, batch: int = 1) -> None:
    """Let the next point depend on how many trials have finished, so that one that a kill cut short is tried again.

    But only once: a point that kills its process, for lack of memory say, must not end the search.

    Parameters
    ----------
    study : optuna.Study
    config : TuneConfig
    worker : int
        0 = the parent process, from 1 on its workers.
    ahead, batch : int
        Of trials that run as a batch: how many were asked for before this one, and how many there are.
    """
    done = finished(study)
    last = max((trial.number for trial in done), default=-1)
    cut = sum(each.number > last for each in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)))
    machine = uuid.getnode() if worker else 0  # workers of other machines must draw other points
    rng = stream(config.loop.seed, "sampler", worker, machine, len(done) + ahead, cut if cut > batch else 0)
    study.sampler = optuna.samplers.TPESampler(seed=integer(rng))


def fail_stale(study: optuna.Study, config: TuneConfig, folder: Path) -> int:
    """End the trials that a killed search left running, so that others are tried instead; return their number.

    Only those of the search's own folder, whose lock proves that nobody works there. In a shared storage others may be
    those of other machines; there a missing heartbeat ends them.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    own = place_of(folder)
    stale = [each for each in running if config.storage is None or each.user_attrs.get(PLACE) == own]
    for trial in stale:
        study.tell(trial.number, state=TrialState.FAIL)
    return len(stale)


def place_of(folder: Path) -> str:
    """Return a short name of a folder of this machine, by which trials in a shared storage are known."""
    return digest([uuid.getnode(), str(folder.absolute())])


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that ended by themselves: complete, pruned, or failed with one of our errors."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    return [each for each in ended if each.state != TrialState.FAIL or "error" in each.user_attrs]


def trials_done(config: TuneConfig, folder: Path) -> int:
    """Return how many trials of a search have ended, by the study in its folder; that of another storage is not asked.

    Nothing is written.
    """
    if config.storage is not None or not (folder / STUDY).is_file():
        return 0
    check_stored_types(folder / STUDY)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = optuna.get_all_study_names(sqlite_url(folder / STUDY))
    return len(finished(optuna.load_study(study_name=names[0], storage=sqlite_url(folder / STUDY)))) if names else 0


def start_trial(study: optuna.Study, config: TuneConfig) -> FrozenTrial | None:
    """Return a complete trial of the unchanged configuration, the reference of all others; None if there is none."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return next((each for each in complete if config.values(each.params) == config.start), None)


def enqueue_start(study: optuna.Study, config: TuneConfig) -> None:
    """Let the next trial be the unchanged configuration; one that a killed search left in line is not doubled."""
    point = {key: config.dimensions[key].stored(value) for key, value in config.start.items()}
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if all(each.system_attrs.get("fixed_params") != point for each in waiting):
        study.enqueue_trial(point)


def search(
    config: TuneConfig, tables: Sequence[Lanes], folder: Path, study: optuna.Study, workers: int, look: Look
) -> None:
    """Run trials until the study has the number asked for or the time is over.

    The unchanged configuration runs first and alone. With several workers trials run in other processes, and the study
    may get up to ``workers - 1`` trials more than asked for.

    Parameters
    ----------
    config : TuneConfig
    tables : sequence of Lanes
        One for each source.
    folder : Path
        Folder of the search.
    study : optuna.Study
    workers : int
        Processes that run trials.
    look : callable
        Called without arguments when the study may have new trials.

    Raises
    ------
    WeakspotError
        If the unchanged configuration breaks a rule, or a worker dies.
    """
    started, interrupts = time.monotonic(), Interrupts()
    objective = Objective(config, tables, interrupts, place_of(folder))
    if start_trial(study, config) is None:
        warm_up(config, tables)
        enqueue_start(study, config)
        with interrupts.listening(signal.SIGINT), interrupts.listening(signal.SIGTERM):
            study.optimize(objective, n_trials=1)
        look()
    left = None if config.seconds is None else config.seconds - (time.monotonic() - started)
    workers = min(workers, config.trials - len(finished(study)))
    if workers < 1 or (left is not None and left <= 0):
        return
    if workers == 1:
        with interrupts.listening(signal.SIGINT), interrupts.listening(signal.SIGTERM):
            _work(config, objective, study, left, look, worker=0)
    else:
        work_side_by_side(config, tables, folder, study.study_name, workers, left, look)


def _work(
    config: TuneConfig, objective: Objective, study: optuna.Study, seconds: float | None, look: Look, worker: int
) -> None:
    def after(study: optuna.Study, _: FrozenTrial) -> None:
        look()
        seed_sampler(study, config, worker)
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if objective.interrupts.noted or len(finished(study)) + len(running) >= config.trials:
            study.stop()

    seed_sampler(study, config, worker)
    study.optimize(objective, timeout=seconds, callbacks=[after], catch=(WeakspotError,))


def _work_alone(
    config: TuneConfig, tables: Sequence[Lanes], folder: Path, name: str, worker: int, seconds: float | None
) -> None:
    """Run trials as one of several processes; it ignores Ctrl-C, since the parent ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts = Interrupts()
    with suppress(KeyboardInterrupt), interrupts.listening(signal.SIGTERM):
        with interrupts.allowed():
            warm_up(config, tables)
        objective = Objective(config, tables, interrupts, place_of(folder))
        try:
            with guarded(config):
                _work(config, objective, open_study(config, folder, name, worker), seconds, lambda: None, worker)
        except WeakspotError:  # told once, by the parent
            sys.exit(LOST_STORAGE)


def work_side_by_side(
    config: TuneConfig,
    tables: Sequence[Lanes],
    folder: Path,
    name: str,
    workers: int,
    seconds: float | None,
    look: Look,
) -> None:
    """Let workers, each a process, search until all have ended; ``look`` is called while they work.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once all workers have ended.
    WeakspotError
        If workers died.
    """
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = [
        context.Process(target=_work_alone, args=(config, tables, folder, name, worker, seconds))
        for worker in range(1, workers + 1)
    ]
    for process in processes:
        process.start()
    interrupts = Interrupts()
    with interrupts.listening(signal.SIGINT), interrupts.listening(signal.SIGTERM):
        try:
            while any(process.is_alive() for process in processes) and not interrupts.noted:
                time.sleep(0.5)
                look()
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
            look()
    if codes := [process.exitcode for process in processes if process.exitcode]:
        raise lost(config) if LOST_STORAGE in codes else WeakspotError(how_workers_died(codes, workers))


def how_workers_died(codes: Sequence[int], workers: int) -> str:
    """Write how workers ended: by a signal, often for lack of memory, or by an error that they have printed."""
    killed = [-code for code in codes if code < 0]
    how, way = (
        (f"by signal {killed[0]}", "give them more memory or start fewer")
        if killed
        else (f"with exit code {codes[0]}", "fix the error shown above")
    )
    return (
        f"workers must run to the end, and {len(codes)} of {workers} died {how}: {way}; run the same command to go on."
    )
