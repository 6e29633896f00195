"""Calibration of the claims: what judge rows promise and call proven, against what the test rows show.

Run as ``python -m experiments.benchmarks.claims``. The cells are those of the rare-class suite, found where
``python -m experiments.benchmarks.rare_suite`` left them, and as many tables of noise as asked for. The last line is
JSON: how many gains of the loop over real rows alone the judge rows call proven, how many of these are below zero on
the test rows, what the delivered models promised and delivered over the best plain ones, on average, and how many did
harm: the interval of the difference on the test rows is wholly below zero.
"""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table as RichTable

from experiments.arms.arms import arms
from experiments.arms.delivery import decide_for
from experiments.arms.names import BEST_PLAIN, DELIVERED, LOOP, REAL_ONLY, TARGETED
from experiments.arms.scoring import gain_over, score_arms
from experiments.benchmarks.no_signal import split_of
from experiments.benchmarks.options import console
from experiments.benchmarks.rare_suite import PROTOCOL
from experiments.compare.compare import cells_of
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig
from experiments.config.strategies import compose
from experiments.storage.result_cache import Records, digest_of, each_cell
from loop.cycle.driver import run_loop
from loop.cycle.parts import Settings
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import stream

METRIC = "average_precision"


def noise_cell(kind: str, seed: int) -> Records:
    """Run the loop, plain models and the decision on a table without anything to learn; see `no_signal`."""
    split = split_of(kind, seed)
    train, test, folds = split.train, split.test, split.folds(seed)
    run = run_loop(compose(settings=Settings(jobs=1)), train, folds, stream(seed, "loop"))
    fitted = list(arms(run, folds, stream(seed, "arms"), tuning=False, control=False, cheap=False))
    delivery = (decided := decide_for(run, fitted, seed)).delivery
    tested, scored = JudgeRows.of(test), score_arms(decided.arms, decided.costs, test, [METRIC])
    ap = {each.arm.name: each.metrics[METRIC] for each in scored}
    gain = gain_over(scored, delivery.name, delivery.best_plain, tested, stream(seed, "gain")).difference
    claim = {"judge_proven": float(run.outcome.verdict.proven), "promised": delivery.promised.expected}
    gains = {"loop_gain": ap[TARGETED] - ap[REAL_ONLY], "delivered_gain": gain.estimate, "harm": float(gain.high < 0)}
    gains["delivered_over_real_only"] = ap[delivery.name] - ap[REAL_ONLY]
    return [{"table": kind, "seed": seed, "name": delivery.name, **claim, **gains}]


def suite_rows(rows: Records, student: str) -> Records:
    """Return what one cell of the suite promised and delivered, from its rows by arm."""
    by_arm = {row["arm"]: row for row in rows}
    loop, delivered = by_arm[student], by_arm[DELIVERED]
    claim = {"judge_proven": loop["judge_proven"], "promised": delivered["promised"], "name": delivered["note"]}
    gains = {
        "loop_gain": loop[METRIC] - by_arm[REAL_ONLY][METRIC],
        "delivered_gain": delivered[METRIC] - by_arm[BEST_PLAIN][METRIC],
        "harm": float(delivered["gain_high"] < 0),
        "delivered_over_real_only": delivered[METRIC] - by_arm[REAL_ONLY][METRIC],
    }
    return [{"table": loop["source"], "seed": loop["seed"], **claim, **gains}]


def headline(cells: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line, from one row for each cell."""
    proven = cells[cells["judge_proven"] > 0]
    return {
        "cells": len(cells),
        "proven": len(proven),
        "proven_below_zero": int((proven["loop_gain"] < 0).sum()),
        "promised": round(float(cells["promised"].mean()), 4),
        "delivered": round(float(cells["delivered_gain"].mean()), 4),
        "delivered_over_real_only": round(float(cells["delivered_over_real_only"].mean()), 4),
        "harm": int(cells["harm"].sum()),
        "promised_by_loop_or_teacher": round(float(cells.loc[cells["promised"] != 0, "promised"].mean()), 4),
        "delivered_by_loop_or_teacher": round(float(cells.loc[cells["promised"] != 0, "delivered_gain"].mean()), 4),
    }


def main(
    splits: Annotated[int, typer.Option(min=1, max=10, help="Splits of each table of the suite.")] = 10,
    noise: Annotated[int, typer.Option(min=0, help="Tables of noise, and as many with permuted labels.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of cells.")] = Path("runs"),
) -> None:
    """Compare promises with test rows; print a table and, last, one line of JSON."""
    terminal, config = console(), load_config(CompareConfig, PROTOCOL, {"out": str(out)})
    strategy = config.strategies[0]
    runs = [config.run_of(source, strategy, seed) for source in config.sources for seed in range(splits)]
    made = [row for rows in cells_of(runs, out, jobs) for row in suite_rows(rows, LOOP + strategy)]
    keys = [(kind, seed) for kind in ("noise", "permuted") for seed in range(noise)]

    def path_of(key: tuple[str, int]) -> Path:
        return out / "claims" / digest_of(compose(), "simulation") / f"{key[0]}-{key[1]}.json"

    made += [
        row
        for rows in each_cell(keys, lambda key: noise_cell(*key), path_of, jobs=jobs, console=terminal)
        for row in rows
    ]
    cells = pd.DataFrame(made)
    columns = {"judge_proven": "sum", "harm": "sum"}
    columns |= dict.fromkeys(["loop_gain", "promised", "delivered_gain", "delivered_over_real_only"], "mean")
    titles = ("loop's gain", "promised", "delivered", "delivered over real only")
    printed = RichTable("table", "cells", "proven", "harm", *titles)
    for table, row in cells.groupby("table", sort=False).agg({"seed": "size"} | columns).iterrows():
        counts = (f"{row[name]:.0f}" for name in ("seed", "judge_proven", "harm"))
        printed.add_row(str(table), *counts, *(f"{value:+.4f}" for value in row[list(columns)[2:]]))
    terminal.print(printed)
    print(json.dumps(headline(cells)))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
