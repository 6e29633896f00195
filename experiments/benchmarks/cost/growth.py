"""Time and memory of the loop as rows grow: card fraud, the days before a fixed one train and later ones test.

Run as ``python -m experiments.benchmarks.cost.growth --days 3,12,40,150``; the last line is JSON. The last 26 days
test, after seven days of delay. Each size is measured in its own process: one fit of the learner on one thread, the
loop with its default settings (two lanes or members side by side), and with ``--plain`` all plain kinds. Memory is the
peak of the process above what it has when all libraries are loaded. Seconds vary between machines; compare the ratios.
"""

import copy
import json
import multiprocessing
import time
from typing import Annotated

import numpy as np
import typer
from rich.table import Table as RichTable

from experiments.arms.arms import arms
from experiments.arms.delivery import decide_for
from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY, TARGETED
from experiments.arms.scoring import score_arms
from experiments.benchmarks.cost.cost import mammography, peak_bytes, stages_of, warm_up
from experiments.benchmarks.options import console, listed
from experiments.config.strategies import compose
from experiments.data.card_fraud import DELAY_DAYS, FEATURES, TARGET, transactions
from experiments.data.sources import Dataset, data_folder
from experiments.data.split import Split
from experiments.run.inputs import usual_lanes
from loop.cycle.driver import LoopRun, run_loop
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.support.memory import give_back

LAST = 150  # day on which training ends
METRIC = "average_precision"
FITS = 3  # their median counts
MB = 1e6


def split_of(days: int) -> Split:
    """Return the payments of so many days before `LAST` and those after the delay, encoded.

    The payments of a customer are one unit of evidence and stay in one lane.

    Raises
    ------
    ConfigError
        If the table has fewer days before `LAST`.
    """
    if not 1 <= days <= LAST:
        raise ConfigError(f"--days must be from 1 to {LAST}, got {days}: choose fewer, or more.")
    payments = transactions(data_folder())
    day = payments["TX_TIME_DAYS"].to_numpy()
    train, test = np.flatnonzero((day >= LAST - days) & (day < LAST)), np.flatnonzero(day >= LAST + DELAY_DAYS)
    frame = payments[["CUSTOMER_ID", *FEATURES, TARGET]]
    return Split.at(Dataset("card fraud", frame, TARGET, 1, group="CUSTOMER_ID"), train, test)


def measure(days: int, plain: bool) -> dict[str, float]:
    """Fit, run the loop and score it on the test rows; return seconds, ratios, megabytes and average precision."""
    warm_up(mammography().train)
    libraries = peak_bytes()
    split, parts = split_of(days), compose()
    table, found = split.train, {"rows": float(len(split.train))}
    folds = split.folds(0, lanes=usual_lanes(len(table)))
    give_back()
    fits = []
    for number in range(FITS):
        started, worked = time.perf_counter(), time.process_time()
        learner = copy.deepcopy(parts.learner).fit(table, stream(number, "fit"))
        fits.append((time.perf_counter() - started, time.process_time() - worked))
    wall, cpu = np.median(fits, axis=0)
    worked = time.process_time()
    run = run_loop(parts, table, folds, stream(0, "loop"))
    found |= {
        "seconds_fit": wall,
        "seconds_loop": run.seconds,
        "ratio": run.seconds / wall,
        "cpu_ratio": (time.process_time() - worked) / cpu,
        "mb_above_libraries": (peak_bytes() - libraries) / MB,
        "table_mb": table.X.nbytes / MB,
        **{f"seconds {stage}": spent for stage, spent in stages_of(run).items()},
    }
    test = JudgeRows.of(split.test)
    found[REAL_ONLY] = score(METRIC, test, learner.predict_proba(split.test.rows))
    found[TARGETED] = score(METRIC, test, run.outcome.learner.predict_proba(split.test.rows))
    return found | (_plain(run, split, folds) if plain else {})


def _plain(run: LoopRun, split: Split, folds: np.ndarray) -> dict[str, float]:
    """Fit all plain kinds, choose among them and score what is delivered."""
    started = time.perf_counter()
    contestants = list(arms(run, folds, stream(0, "arms"), cheap=False, tuning=False, control=False))
    seconds = time.perf_counter() - started
    decided = decide_for(run, contestants, 0)
    scored = {
        each.arm.name: each.metrics[METRIC] for each in score_arms(decided.arms, decided.costs, split.test, [METRIC])
    }
    best, delivered = decided.delivery.best_plain, decided.delivery.name
    return {"seconds_plain": seconds, BEST_PLAIN: scored[best], DELIVERED: scored[delivered]}


def main(
    days: Annotated[str, typer.Option(help="Days of training, by commas.")] = f"3,12,40,{LAST}",
    plain: Annotated[bool, typer.Option(help="Fit all plain kinds as well.")] = False,
) -> None:
    """Print time, memory and scores by rows and, last, one line of JSON."""
    terminal, results = console(), []
    for each in listed(days):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results.append(pool.apply(measure, (int(each), plain)))
    printed = RichTable("", *(f"{found['rows']:,.0f} rows" for found in results))
    for key in dict.fromkeys(key for found in results for key in found if key != "rows"):
        printed.add_row(key, *(f"{found.get(key, 0):,.3f}" for found in results))
    terminal.print(printed)
    keys = ("rows", "seconds_fit", "seconds_loop", "ratio", "mb_above_libraries", "seconds_plain")
    print(json.dumps({key: [round(found[key], 1) for found in results] for key in keys if key in results[0]}))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
