"""One run from a configuration to a folder: load, loop, compare on the sealed test rows, report, save."""

import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.arms.arm import Arm
from experiments.arms.delivery import Decided, answers_of, decide_for
from experiments.arms.scoring import METRICS, contestants_of, score_arms
from experiments.config.run_config import RunConfig
from experiments.config.strategies import loop_name
from experiments.labels.effect import effect
from experiments.preview.ready import Ready
from experiments.report.console import say
from experiments.report.progress import Stages
from experiments.report.report import Report
from experiments.report.terminal import show
from experiments.run.inputs import RunInputs
from experiments.run.real_rows import caught_of, named_rows
from experiments.run.result import Result
from experiments.run.resuming import begin, check_resumable
from experiments.run.sealed_figures import calibration_of, sealed_figures
from experiments.run.tracking import describe, open_tracker, settings_of, tell
from experiments.run.warnings import told_after, told_before
from experiments.sanity.checks import Before
from experiments.sanity.finding import tag_of
from experiments.scale.cluster import on_workers
from experiments.storage import run_folder
from experiments.storage.new_folder import new_folder
from experiments.trust.audit.of_rows import quick_audit
from experiments.trust.provenance import record
from generators.common import persistence
from generators.common.persistence import Savable
from loop.cycle import checkpoint
from loop.cycle.conclusion import Outcome, conclude
from loop.cycle.controller import prepare
from loop.cycle.driver import LoopRun, turn
from loop.cycle.training import Prepared
from loop.errors import DataError, WeakspotError
from loop.evaluation.judge_rows import JudgeRows
from loop.model import Model
from loop.protocols import Predictor, Telling, Tracker
from loop.seeds import stream
from loop.support import atomic
from loop.support.commands import command
from loop.support.plain_json import plain
from loop.support.record_checks import amount, listed
from loop.support.signals import undisturbed
from loop.support.visible import file_name
from loop.tracking.autologging import unlogged
from loop.tracking.printing import generation_note
from loop.types import Generation, LoopVerdict

WALLS = "seconds.json"  # beside the checkpoints


@dataclass(frozen=True, eq=False)
class RunResult:
    """How a run ended and where its files are."""

    folder: Path
    status: str  # "finished" or "interrupted"
    verdict: LoopVerdict
    history: tuple[Generation, ...]
    report: Report | None  # None = interrupted: the test part stays sealed


@dataclass(frozen=True, eq=False)
class _Bench:
    """The objects that all steps of a run share."""

    config: RunConfig
    inputs: RunInputs
    stages: Stages
    tracker: Tracker
    folder: Path
    started: float  # on the clock of time.perf_counter
    sanity: Before  # what was found in the table


def run(config: RunConfig, console: Console, resume: Path | None = None) -> RunResult:
    """Run the loop as configured and write its folder.

    On Ctrl-C the best model so far is saved and the run can be resumed; a second Ctrl-C aborts.

    Parameters
    ----------
    config : RunConfig
    console : Console
    resume : Path, optional
        Folder of an interrupted run with the same configuration; its generations are kept.

    Raises
    ------
    WeakspotError
        If configuration or data break a rule, or another process works on the same run. A run without any finished
        generation then leaves no folder.
    """
    started = time.perf_counter()
    with unlogged(), _held(resume), on_workers(config.scale):
        return _run(config, console, resume, started)


def _held(resume: Path | None) -> AbstractContextManager[None]:
    if resume is None:
        return nullcontext()
    run_folder.fingerprint_of(resume)  # raises if this is no folder of a run of this version
    return run_folder.held(resume)


def _run(config: RunConfig, console: Console, resume: Path | None, started: float) -> RunResult:
    tracking = settings_of(config.tracking)
    ready = Ready.of(config)
    inputs = ready.inputs
    if resume is not None:
        check_resumable(resume, config, inputs)
    for message in ready.messages:
        say(console, message)
    sanity = told_before(config, inputs, console)
    with Stages(console, total=4 + ready.generations_at_most + ready.arms_at_most) as stages:
        stages.begin("teacher and generators")
        prepared = prepare(ready.parts, inputs.train, inputs.folds, stream(config.loop.seed, "loop"))
        stages.end()
        name = f"{inputs.dataset.name}-{config.loop.strategy}-seed{config.loop.seed}"
        folder = resume or new_folder(config.out, file_name(name), partial(begin, config, inputs))
        tracker = open_tracker(tracking, folder, config.tracking)
        bench = _Bench(config, inputs, stages, tracker, folder, started, sanity)
        try:
            with run_folder.held(folder) if resume is None else nullcontext():
                result = _tracked(bench, prepared)
        except WeakspotError:
            if resume is None and not _has_checkpoints(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        except KeyboardInterrupt as error:
            if not _has_checkpoints(folder):
                raise
            raise KeyboardInterrupt(f"Interrupted. Go on with: {command('run', '--resume', folder)}") from error
    if result.report is not None:
        show(result.report, folder, console)
    for generator in prepared.generators[-1]:
        if isinstance(generator, Telling):
            say(console, generator.said())
    tell(bench.tracker, console)
    return result


def _has_checkpoints(folder: Path) -> bool:
    return any((folder / run_folder.CHECKPOINTS).glob("*.npz"))


def _tracked(bench: _Bench, prepared: Prepared) -> RunResult:
    """Run with the tracker started; it is finished with the right status even after an error."""
    status, verdict = "failed", None
    bench.tracker.start(describe(bench.config, bench.inputs, prepared.parts, bench.folder))
    try:
        bench.tracker.tags({"warnings": tag_of(bench.sanity.findings)})
        mark = run_folder.mark_of(bench.folder)
        past = checkpoint.load(bench.folder / run_folder.CHECKPOINTS, bench.inputs.schema, mark)
        before = sum(_walls(bench.folder)[: len(past)])
        bench = replace(bench, started=bench.started - before)  # count earlier sessions too
        history, interrupted = _turn(bench, prepared, past)
        bench.stages.begin("final learner")
        outcome = conclude(prepared, history)
        verdict = outcome.verdict
        bench.stages.end(verdict.sentence)
        # Delivered if the run is interrupted before there are other models.
        _save(bench, _model(bench, outcome, outcome.learner, outcome.proba))
        if isinstance(generator := prepared.generators[-1][-1], Savable):  # of the last supply asked
            persistence.save(generator, bench.folder / run_folder.GENERATOR)
        if interrupted:
            status = "interrupted"
            return RunResult(bench.folder, status, verdict, tuple(history), None)
        looped = LoopRun(prepared, tuple(history), outcome, bench.stages.seconds + before)
        report = _compare(bench, looped)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        with undisturbed():  # else a second Ctrl-C would leave the records open
            bench.tracker.finish(verdict, status)
    atomic.write_json(bench.folder / run_folder.MARKER, {"status": status, "seconds": report.seconds})
    return RunResult(bench.folder, status, outcome.verdict, tuple(history), report)


def _walls(folder: Path) -> list[float]:
    """Return the wall-clock seconds of each generation so far; empty before the first has ended."""
    path = folder / run_folder.CHECKPOINTS / WALLS
    if not path.is_file():
        return []
    try:
        walls: list[float] = listed(amount)(run_folder.read_json(path), "it")
    except DataError as error:
        raise DataError(f"{path} must hold the seconds of each generation, but {error}: remove it.") from error
    return walls


def _turn(bench: _Bench, prepared: Prepared, past: Sequence[Generation]) -> tuple[list[Generation], bool]:
    """Run the remaining generations; return all, and whether Ctrl-C was pressed."""
    most, mark = bench.config.loop.generations * len(prepared.parts.supplies), run_folder.mark_of(bench.folder)

    def keep(generation: Generation) -> None:
        walls = [*_walls(bench.folder)[: generation.index - 1], bench.stages.end(generation_note(generation))]
        bench.tracker.record(generation)  # first, so that a checkpoint never lacks its record
        checkpoint.save(generation, bench.folder / run_folder.CHECKPOINTS, mark)
        atomic.write_json(bench.folder / run_folder.CHECKPOINTS / WALLS, walls)
        bench.stages.begin(f"generation {generation.index + 1} of {most}")

    bench.stages.begin(f"generation {len(past) + 1} of {most}")
    return turn(prepared, [keep], past, until_interrupted=True)


def _model(bench: _Bench, outcome: Outcome, predictor: Predictor, judged: np.ndarray) -> Model:
    """Calibrate a predictor on its out-of-fold answers for the judge rows (j, K)."""
    rows = JudgeRows.of(bench.inputs.train, outcome.judged)
    calibration = calibration_of(bench.config.calibration.method, rows, judged, bench.config.loop.seed)
    return Model(bench.inputs.schema, predictor, calibration)


def _save(bench: _Bench, model: Model) -> None:
    run_folder.save_model(model, bench.folder / run_folder.MODEL, bench.folder / record.FILE)


def _compare(bench: _Bench, looped: LoopRun) -> Report:
    """Fit the arms, decide which model to deliver, open the test part, and write all output of a finished run."""
    from experiments.run.artifacts import keep_files, keep_records, write_up  # slow to load: matplotlib
    from experiments.run.kept_rows import Kept

    config, inputs, stages = bench.config, bench.inputs, bench.stages
    decided = _decided(bench, looped)
    arm = decided.named(decided.delivery.name)
    after = _model(bench, looped.outcome, arm.predictor, answers_of(arm))
    _save(bench, after)
    stages.begin("sealed test")
    scored = score_arms(decided.arms, decided.costs, inputs.test, (*METRICS, config.metrics.recall_at_precision))
    result = Result.of(looped, decided, scored, inputs.test, config.loop.seed)
    answers = sealed_figures(config, inputs, result)
    answers["answers"] = effect(inputs, config.data.answers, result.proba[result.delivery.name], config.loop.seed)
    found = told_after(config, inputs, result, answers, bench.sanity)
    answers["warnings"] = [plain(asdict(each)) for each in found]
    answers["real_patterns"] = caught_of(named_rows(config, inputs), inputs, result)
    if config.audit:
        new = looped.outcome.synthetic
        answers["audit"] = quick_audit(inputs.train, inputs.test, new, config.loop.seed)
    stages.end()
    stages.begin("files and records")
    kept = Kept.of(looped, bench.folder)
    report = write_up(config, inputs, result, answers, kept, time.perf_counter() - bench.started)
    keep_files(report, result, inputs, kept, bench.folder)
    bench.tracker.tags({"warnings": tag_of(found)})
    keep_records(report, result, after, inputs, kept.made_from, bench.tracker, bench.folder)
    stages.end()
    return report


def _decided(bench: _Bench, looped: LoopRun) -> Decided:
    """Fit the arms and decide on the judge rows which model to deliver."""
    config, inputs, stages = bench.config, bench.inputs, bench.stages
    contestants: list[Arm] = []
    stages.begin("arm")
    called = loop_name(config.loop.strategy, looped.prepared.parts.supplies)
    for arm in contestants_of(looped, inputs.folds, config.arms, stream(config.loop.seed, "arms"), called):
        contestants.append(arm)
        stages.end(arm.name)
        stages.begin("arm")
    stages.begin("what to deliver")
    decided = decide_for(looped, contestants, config.loop.seed, wanted=config.deliver, limits=config.serving.limits())
    stages.end(decided.delivery.name)
    return decided
