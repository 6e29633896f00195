"""Time and memory of the loop, and time of all plain models together, compared with one fit on real rows.

Run as ``python -m experiments.benchmarks.cost``; the last line is JSON. Each table is measured in its own process, so
that its peak memory is its own. Seconds vary between machines; compare the ratios within one run. The loop runs twice:
with default settings for cost and memory, and with one job for the share of each stage. With lanes side by side, the
time in which a lane waits for the processor would be counted for its stage.
"""

import copy
import json
import multiprocessing
import os
import resource
import sys
import time

import numpy as np
from rich.table import Table as RichTable

from experiments.arms.arms import arms
from experiments.benchmarks.options import console
from experiments.config.strategies import compose
from experiments.data.card_fraud import STARTS
from experiments.data.protocols import fraud_split
from experiments.data.sources import data_folder, load
from experiments.data.split import Split
from learners import Committee
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.parts import Settings
from loop.seeds import stream
from loop.types import Table

FITS = 7  # real-only fits; their median is reported
WORK = ("learner", "teacher", "generator")  # stages that are not bookkeeping


def mammography() -> Split:
    """Return split 0 of the rare-class protocol, or of the simulation where the data are missing."""
    there = (data_folder() / "mammography.parquet").is_file()
    data = load("suite:mammography", "target") if there else load("simulation:customers=150,days=60")
    return Split.of(data.without_clock(), 0)


def fraud_week() -> Split:
    """Return the split of the first start of the card-fraud protocol."""
    return fraud_split(STARTS[0])


TABLES = {"mammography": mammography, "fraud_week": fraud_week}


def measure(name: str) -> dict[str, float]:
    """Run the loop twice on one table and the real-only fit several times; return seconds, ratios and shares."""
    split = TABLES[name]()
    table = split.train
    parts, fits = compose(), []
    warm_up(table)
    for number in range(FITS):
        started = time.perf_counter()
        copy.deepcopy(parts.learner).fit(table, stream(number, "fit"))
        fits.append(time.perf_counter() - started)
    folds = split.folds(0)
    before = peak_bytes()
    run = run_loop(parts, table, folds, stream(0, "loop"))
    grown = peak_bytes() - before
    started = time.perf_counter()
    list(arms(run, folds, stream(0, "arms"), cheap=False, tuning=False, control=False))
    plain = time.perf_counter() - started
    stages = stages_of(run_loop(compose(settings=Settings(jobs=1)), table, folds, stream(0, "loop")))
    working = sum(stages[stage] for stage in WORK)
    return {
        "rows": len(table),
        "seconds_real_only": float(np.median(fits)),
        "seconds_loop": run.seconds,
        "cost_ratio": run.seconds / float(np.median(fits)),
        "seconds_plain": plain,
        "plain_ratio": plain / float(np.median(fits)),
        "bookkeeping_share": 1 - working / sum(stages.values()),
        "peak_memory_ratio": grown / table.X.nbytes,
        **{f"seconds/{stage}": spent for stage, spent in stages.items()},
    }


def stages_of(run: LoopRun) -> dict[str, float]:
    """Add up the seconds of each stage over the whole loop."""
    stages: dict[str, float] = {}
    for seconds in (run.prepared.seconds, *(each.seconds for each in run.history), run.outcome.seconds):
        for stage, spent in seconds.items():
            stages[stage] = stages.get(stage, 0.0) + spent
    return stages


def warm_up(table: Table) -> None:
    """Fit every kind of committee member once, so that the loading of libraries is no cost of the loop."""
    few = np.concatenate([np.flatnonzero(table.y == code)[:100] for code in range(table.n_classes)])
    Committee().fit(table.take(few), stream(0, "warm up"))


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Print cost, memory and bookkeeping of the loop and, last, one line of JSON."""
    terminal = console()
    there = (data_folder() / "fraud_handbook.parquet").is_file()
    names = [name for name in TABLES if name != "fraud_week" or there]
    results = {}
    for name in names:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results[name] = pool.apply(measure, (name,))
    printed = RichTable("", *names)
    for key in sorted({key for result in results.values() for key in result}):
        printed.add_row(key, *(f"{results[name].get(key, 0):.3f}" for name in names))
    terminal.print(printed)
    if not there:
        terminal.print(f"card fraud left out: no fraud_handbook.parquet in {os.fspath(data_folder())}")
    print(
        json.dumps(
            {
                "cost_ratio_mammography": round(results["mammography"]["cost_ratio"], 1),
                "cost_ratio_fraud_week": round(results["fraud_week"]["cost_ratio"], 1) if there else None,
                "plain_ratio_mammography": round(results["mammography"]["plain_ratio"], 1),
                "plain_ratio_fraud_week": round(results["fraud_week"]["plain_ratio"], 1) if there else None,
                "bookkeeping_share": round(max(each["bookkeeping_share"] for each in results.values()), 4),
                "peak_memory_ratio": round(max(each["peak_memory_ratio"] for each in results.values()), 1),
            }
        )
    )
