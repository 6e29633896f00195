"""Comparison of strategies with each other, with plain models and other arms, on the same splits of every source."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from rich.console import Console

from experiments.arms import statistics
from experiments.arms.delivery import Delivery, decide_for
from experiments.arms.names import BEST_PLAIN, DELIVERED, LOOP, REAL_ONLY, is_loop
from experiments.arms.scoring import METRICS, SCORE, Gain, contestants_of, gain_over, score_arms
from experiments.compare import description, figures
from experiments.compare.cells import CELLS, NO_METRICS, cell_file, cells_left, check, finished, identity_of
from experiments.compare.child_runs import ChildRuns, short_names, tables_of_row
from experiments.compare.claims import Comparison, compare_with_all, in_sentences
from experiments.compare.leaderboard import LiveBoard, closing_table, long_form, summarise
from experiments.compare.sources import Gathered, check_sources, source_names
from experiments.config.reader import dump
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.data.files import write_table
from experiments.data.sources import place_of
from experiments.report import figure_style
from experiments.report.console import say
from experiments.run.inputs import gather, parts_of
from experiments.run.tracking import open_tracker, settings_of, tables_of, tell
from experiments.scale.cluster import on_workers
from experiments.scale.workers import Workers
from experiments.storage import run_folder
from experiments.storage.result_cache import Records, digest, found_or_worked
from loop.cycle.driver import run_loop
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import stream
from loop.support import atomic
from loop.support.parallel.side_by_side import place_of_work
from loop.support.plain_json import Record, plain
from loop.support.signals import undisturbed
from loop.support.timing import Clock
from loop.tracking import MlflowSettings
from loop.tracking.autologging import unlogged

BY_TIME = "by time"  # kind of split: the test rows do not depend on the seed
STILL = 60.0  # seconds without a write to the folder of cells after which no comparison is at work
FILES = ("results.csv", "leaderboard.csv", "verdicts.json")


def compare(config: CompareConfig, console: Console, jobs: int = 1) -> pd.DataFrame:
    """Run all cells, print the table and, last, one line of JSON; return one row for each arm, source and seed.

    Finished cells are cached in ``out/cells``, so an interrupted comparison continues where it stopped. The folder of
    the comparison gets ``results.csv``, ``leaderboard.csv``, ``verdicts.json`` and pictures. With several jobs, or
    with ``scale``, cells run side by side with one thread each; that does not change a cell.

    Raises
    ------
    WeakspotError
        If configuration or data break a rule, or another process is at work on the same comparison.
    """
    config.scale.check_alone("--jobs", jobs)
    with on_workers(config.scale):
        return _compare(config, console, jobs)


def _compare(config: CompareConfig, console: Console, jobs: int) -> pd.DataFrame:
    started = time.perf_counter()
    tracking = settings_of(config.tracking)
    runs, missing = config.runs(), cells_left(config)[0]
    gathered = check_sources(missing)
    folder = config.out / f"compare-{digest([identity_of(run) for run in runs])}"
    folder.mkdir(atomic.PRIVATE, parents=True, exist_ok=True)
    atomic.sweep(config.out / CELLS, still=STILL)
    with unlogged(), run_folder.held(folder):
        results, headline, spent = _compared(config, runs, folder, tracking, console, jobs, gathered)
    seconds = time.perf_counter() - started
    print(json.dumps(plain({"folder": str(folder)} | headline | _costs(len(missing), seconds - spent, seconds))))
    return results


def _compared(
    config: CompareConfig,
    runs: list[RunConfig],
    folder: Path,
    tracking: MlflowSettings | None,
    console: Console,
    jobs: int,
    gathered: Gathered,
) -> tuple[pd.DataFrame, Record, float]:
    """Run the cells, write and print the results; return them, their headline, and the seconds spent on cells."""
    clock = Clock()
    (folder / run_folder.MARKER).unlink(missing_ok=True)
    atomic.write_text(folder / run_folder.CONFIG, dump(config))
    tracker, status = open_tracker(tracking, folder, config.tracking), "failed"
    names = source_names(config.sources)
    tracker.start(description.begun(config, runs, folder, _tables(config, runs, gathered, names)))
    try:
        children = ChildRuns(tracker, folder / run_folder.JOURNAL, names)
        results = _work(config, runs, names, children, console, jobs, clock)
        overlap = _overlap(results, config)
        summary = summarise(results, overlap)
        comparisons, overall = _write(results, summary, config, overlap, folder)
        tracker.metrics(description.figures(results, comparisons))
        tracker.tags(description.ended(results, comparisons, overall.sentence))
        for path in sorted(folder.iterdir()):
            if path.name in FILES or path.suffix == ".png":
                tracker.attach(path)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        with undisturbed():
            tracker.finish(None, status)
    atomic.write_json(folder / run_folder.MARKER, {"status": status})
    console.print(closing_table(summary, results))
    for sentence in (overall.sentence, *in_sentences(comparisons)):
        say(console, sentence)
    say(console, f"{folder}: {', '.join(FILES)} and pictures")
    tell(tracker, console)
    return results, _headline(summary, comparisons), clock.seconds["cells"]


def cell(config: RunConfig) -> Records:
    """Run one strategy and its arms on one split of one source; one row for each arm.

    The row of the loop also holds ``generations``: the score on the judge rows after each generation, beginning with
    that of real rows alone.
    """
    inputs, seed = gather(config.data, config.loop), config.loop.seed
    parts = parts_of(config, inputs.train, inputs)
    looped = run_loop(parts, inputs.train, inputs.folds, stream(seed, "loop"))
    called = LOOP + config.loop.strategy
    contestants = list(contestants_of(looped, inputs.folds, config.arms, stream(seed, "arms"), called))
    wanted = config.deliver if config.arms.run else "loop"  # without arms nothing is delivered
    decided = decide_for(looped, contestants, seed, wanted=wanted, limits=config.serving.limits())
    scored = score_arms(decided.arms, decided.costs, inputs.test, (*METRICS, config.metrics.recall_at_precision))
    where = {"source": config.data.source, "seed": seed, "split": BY_TIME if inputs.dataset.time else "at random"}
    where["datasets"] = tables_of(inputs)
    where["table"] = f"{place_of(config.data.source)}, {inputs.dataset.target}"  # however the source is spelled
    rows = [plain(each.row()) | where for each in scored]
    curve = [looped.outcome.baseline, *(generation.scores for generation in looped.history)]
    verdict = looped.outcome.verdict
    claim = {"judge_gain": verdict.gain, "judge_low": verdict.interval.low, "judge_proven": float(verdict.proven)}
    own = {"generations": [scores[SCORE].estimate for scores in curve], **claim}
    rows = [row | own if row["arm"] == called else row for row in rows]
    if not (config.arms.run and config.arms.plain):
        return rows
    delivery, tested = decided.delivery, JudgeRows.of(inputs.test)
    gain = gain_over(scored, delivery.name, delivery.best_plain, tested, stream(seed, "gain"))
    return rows + _roles(rows, delivery, gain)


def _roles(rows: Records, delivery: Delivery, gain: Gain) -> Records:
    """Return the rows of the best plain model and of the delivered one once more, under the names of their roles.

    The row of the delivered model also holds its difference from the best plain model: what the judge rows promised,
    and the interval on the test rows.
    """
    by_name = {row["arm"]: row for row in rows}
    promise = {"promised": delivery.promised.expected, "promised_low": delivery.promised.difference.low}
    promise |= {"gain_low": gain.difference.low, "gain_high": gain.difference.high}
    best, delivered = (
        {key: value for key, value in by_name[name].items() if key != "generations"}
        for name in (delivery.best_plain, delivery.name)
    )
    return [
        best | {"arm": BEST_PLAIN, "note": delivery.best_plain},
        delivered | {"arm": DELIVERED, "note": delivery.name, **promise},
    ]


def cells_of(runs: Sequence[RunConfig], out: Path, jobs: int) -> Iterator[Records]:
    """Yield the rows of each run in order; those of finished cells are read from their files under ``out``."""
    work = cell if jobs == 1 and not isinstance(place_of_work(), Workers) else lambda run: cell(alone(run))
    return found_or_worked(runs, work, lambda run: cell_file(out, run), jobs=jobs, check=check)


def alone(config: RunConfig) -> RunConfig:
    """Return the configuration with one job, for cells that have one thread."""
    return config.model_copy(update={"loop": config.loop.model_copy(update={"jobs": 1})})


def _tables(config: CompareConfig, runs: Sequence[RunConfig], gathered: Gathered, names: Sequence[str]) -> Records:
    """Return the tables of each source as the first of its cells splits it, from the cell where that is finished."""
    short, told = short_names(names), Records()
    for source, name in zip(config.sources, names, strict=True):
        cell = next(run for run in runs if run.data == source)
        row = {"datasets": gathered[source]} if source in gathered else (finished(config.out, cell) or [{}])[0]
        told += tables_of_row(row, source.source, short[name])
    return told


def _work(
    config: CompareConfig,
    runs: Sequence[RunConfig],
    names: Sequence[str],
    children: ChildRuns,
    console: Console,
    jobs: int,
    clock: Clock,
) -> pd.DataFrame:
    """Run the cells one after the other or side by side, and record each arm when its cell is done."""
    rows, cells = Records(), cells_of(runs, config.out, jobs)
    with LiveBoard(console, len(runs), len(config.sources) * len(config.seeds)) as board:
        for run in runs:
            with clock.stage("cells"):
                made = next(cells)
            name = names[config.sources.index(run.data)]
            first = run.loop.strategy == config.strategies[0]
            # Other strategies add only their loop: their real-only arm is the same as that of the first.
            own = [_numbers(row, name) for row in made if first or is_loop(row["arm"])]
            children.keep(own, run)
            rows += own
            board.add(own, f"{name}, seed {run.loop.seed}, {run.loop.strategy}")
    return pd.DataFrame(rows).drop(columns=["generations", "datasets"], errors="ignore")


def _numbers(row: Record, source: str) -> Record:
    """Restore the numbers that JSON cannot hold, and add the name of the source."""
    metrics = {key: math.nan if value is None else float(value) for key, value in row.items() if key not in NO_METRICS}
    return row | metrics | {"source": source}


def _write(
    results: pd.DataFrame, summary: pd.DataFrame, config: CompareConfig, overlap: float | None, folder: Path
) -> tuple[tuple[Comparison, ...], statistics.Omnibus]:
    """Write tables, verdicts and pictures into the folder; return the tests."""
    scores = long_form(results)
    comparisons = compare_with_all(scores, LOOP + config.strategies[0], test_per_train=overlap)
    means = statistics.by_source(scores)
    overall, ranks = statistics.omnibus(means), statistics.average_ranks(means)
    critical = statistics.critical_difference(len(ranks), len(means)) if overall.test == "Friedman" else None
    write_table(results, folder / "results.csv")
    atomic.write_file(folder / "leaderboard.csv", summary.to_csv)
    verdicts = {"overall": asdict(overall), "average_ranks": ranks.to_dict(), "critical_difference": critical}
    atomic.write_json(folder / "verdicts.json", verdicts | {"comparisons": [asdict(each) for each in comparisons]})
    figure_style.save(figures.pareto(summary.dropna(subset="difference"), REAL_ONLY), folder / "pareto.png")
    if critical is not None:
        figure = figures.critical_difference_diagram(ranks, critical, overall.sentence)
        figure_style.save(figure, folder / "critical_difference.png")
    return comparisons, overall


def _overlap(results: pd.DataFrame, config: CompareConfig) -> float | None:
    """Return test rows over training rows, None where the seeds share one split."""
    if "split" in results and (results["split"] == BY_TIME).any():
        return None
    test_size = max(source.test_size for source in config.sources)
    return test_size / (1 - test_size)


def _headline(summary: pd.DataFrame, comparisons: Sequence[Comparison]) -> Record:
    """Return mean paired differences in average precision by arm, and the number of proven comparisons."""
    deltas = {f"delta_ap {arm}": round(float(value), 4) for arm, value in summary["difference"].items()}
    better = sum(each.proven and each.difference.estimate > 0 for each in comparisons)
    worse = sum(each.proven for each in comparisons) - better
    return deltas | {"proven_better": better, "proven_worse": worse, "compared": len(comparisons)}


def _costs(worked: int, bookkeeping: float, seconds: float) -> Record:
    """Return the time spent outside cells: starting MLflow, records, tables, tests and pictures."""
    share = round(bookkeeping / seconds, 4) if worked else None  # undefined if no cell was run
    return {"cells_worked": worked, "bookkeeping_seconds": round(bookkeeping, 2), "bookkeeping_share": share}
