"""False claims and harm of the loop on tables where nothing can be learnt.

Run as ``python -m experiments.benchmarks.no_signal``: pure noise, and real features with permuted labels. The last line
is JSON.
"""

import copy
import json
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from joblib import Parallel, delayed
from rich.progress import Progress
from scipy import stats

from experiments.benchmarks.options import console
from experiments.config.strategies import compose
from experiments.data.protocols import noise_table, permuted
from experiments.data.sources import Dataset, load
from experiments.data.split import Split
from loop.cycle.driver import run_loop
from loop.cycle.parts import Settings
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream

SOURCES = ("sklearn:breast_cancer", "simulation:customers=60,days=30")  # tables whose labels are permuted, by turns


def table_of(kind: str, seed: int) -> Dataset:
    """Make one table without anything to learn; size, columns and class shares depend on the seed."""
    if kind == "noise":
        rng = stream(seed, "shape")
        return noise_table(int(rng.integers(400, 1500)), int(rng.integers(4, 20)), seed, float(rng.uniform(0.05, 0.15)))
    source = load(SOURCES[seed % len(SOURCES)])
    target = str(source.target)
    return Dataset(f"permuted {source.name}", permuted(source.frame, target, seed), target, source.positive)


def split_of(kind: str, seed: int) -> Split:
    """Split one such table at random; its time and group columns are ignored, since its labels are random."""
    return Split.of(table_of(kind, seed).without_clock(), seed)


def judge(kind: str, seed: int) -> dict[str, object]:
    """Run the loop on one such table and compare it with real rows alone on the test rows."""
    split = split_of(kind, seed)
    train, test = split.train, split.test
    run = run_loop(compose(settings=Settings(jobs=1)), train, split.folds(seed), stream(seed, "loop"))
    real_only = copy.deepcopy(run.prepared.parts.learner).fit(train, run.prepared.final_stream(kept=False))
    before, after = (
        score("average_precision", JudgeRows.of(test), learner.predict_proba(test.rows))
        for learner in (real_only, run.outcome.learner)
    )
    verdict = run.outcome.verdict
    found = sum(len(generation.regions) for generation in run.history)
    return {"kind": kind, "seed": seed, "delta_ap": after - before, "proven": verdict.proven, "regions": found}


def main(
    tables: Annotated[int, typer.Option(min=1, help="Tables of each kind.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Tables side by side.")] = 2,
) -> None:
    """Count the false claims of the loop and measure the loss on test rows; print one line of JSON last."""
    terminal = console()
    wanted = [(kind, seed) for kind in ("noise", "permuted") for seed in range(tables)]
    rows = []
    with Progress(console=terminal) as progress:
        task = progress.add_task("tables", total=len(wanted))
        for row in Parallel(n_jobs=jobs, return_as="generator")(delayed(judge)(*each) for each in wanted):
            progress.advance(task)
            rows.append(row)
    results = pd.DataFrame(rows)
    terminal.print(results.groupby("kind").agg({"delta_ap": ["mean", "sem"], "proven": "sum", "regions": "sum"}))
    delta = results["delta_ap"].to_numpy()
    half = stats.t.ppf(0.975, len(delta) - 1) * stats.sem(delta) if len(delta) > 1 else np.nan
    print(
        json.dumps(
            {
                "tables": len(results),
                "proven": int(results["proven"].sum()),
                "mean_delta_ap": round(float(delta.mean()), 4),
                "mean_delta_ap_half_width": round(float(half), 4),
            }
        )
    )


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
