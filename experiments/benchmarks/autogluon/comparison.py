"""AutoGluon beside the best plain and the delivered model, on the splits of the rare-class suite.

Run as ``python -m experiments.benchmarks.autogluon --python agenv/bin/python``. AutoGluon is no dependency of this
project; its interpreter belongs to an environment of its own, made in two lines::

    python3.11 -m venv agenv
    agenv/bin/pip install 'autogluon.tabular[all]'

Its preset, limit of seconds and cores are options; its metric is average precision, as ours. It gets the training rows
as the user has them, and the test rows without the target. The other models are those of
``python -m experiments.benchmarks.rare_suite``, read from where it left its cells; nothing else is run for them. Each
split is kept as soon as it is done, so the same command goes on after an interruption. The last line is JSON: mean
differences in average precision over tables, with 95 % intervals.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table as RichTable

from experiments.arms import statistics
from experiments.arms.names import BEST_PLAIN, DELIVERED, REAL_ONLY
from experiments.arms.scoring import SCORE
from experiments.benchmarks.autogluon.cells import AUTOGLUON, Request, cell
from experiments.benchmarks.autogluon.environment import Environment
from experiments.benchmarks.options import console
from experiments.benchmarks.rare_suite import TEST_PER_TRAIN, protocol, table_name
from experiments.compare.cells import cell_file
from experiments.config.run_config import RunConfig
from experiments.storage.result_cache import Records, digest_of, each_cell, found
from loop.seeds import stream

OURS = {"delivered": DELIVERED, "best_plain": BEST_PLAIN, "xgboost": REAL_ONLY}  # by the word of the last line
FIGURES = (SCORE, "seconds_fit", "seconds_per_million")


def main(
    python: Annotated[Path, typer.Option(help="Interpreter of an environment with AutoGluon.")],
    splits: Annotated[int | None, typer.Option(min=1, help="Splits of each table; default: all of suite.yaml.")] = None,
    tables: Annotated[str | None, typer.Option(help="Names of tables, separated by commas; default: all.")] = None,
    seconds: Annotated[int, typer.Option(min=1, help="Limit of each of AutoGluon's fits.")] = 120,
    preset: Annotated[str, typer.Option(help="Preset of AutoGluon.")] = "best_quality",
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of AutoGluon's fits; default: all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of cells, of the suite's too.")] = Path("runs"),
) -> None:
    """Compare AutoGluon with the models of the suite; print a table and, last, one line of JSON."""
    config, terminal = protocol(splits, tables, out), console()
    environment, request = Environment.of(python), Request(preset, seconds, cpus)
    terminal.print(environment.sentence, highlight=False, soft_wrap=True)
    runs = [config.run_of(source, config.strategies[0], seed) for source in config.sources for seed in config.seeds]

    def path_of(run: RunConfig) -> Path:
        work = (run.data, sorted(environment.versions.items()), request)
        folder = out / "autogluon" / digest_of(work, run.data.source)
        return folder / f"{table_name(run.data.source)}-{run.loop.seed}.json"

    def work(run: RunConfig) -> Records:
        return cell(run, environment, request)

    made = [row for rows in each_cell(runs, work, path_of, jobs=1, console=terminal) for row in rows]
    ours = suite_rows(runs, out)
    terminal.print(sentence_of(len(ours) // len(OURS), len(runs), out), highlight=False, soft_wrap=True)
    results = pd.DataFrame(made + ours)
    terminal.print(table(results))
    print(json.dumps(headline(results) | {"preset": preset, "seconds": seconds}))


def suite_rows(runs: Sequence[RunConfig], out: Path) -> Records:
    """Return the figures of the suite's models on each split that it has finished under ``out``."""
    rows = Records()
    for run in runs:
        where = {"source": run.data.source, "seed": run.loop.seed}
        by_arm = {row["arm"]: row for row in found(cell_file(out, run)) or ()}
        if set(OURS.values()) <= set(by_arm):
            rows += [
                where | {"arm": arm} | {name: float(by_arm[arm][name]) for name in FIGURES} for arm in OURS.values()
            ]
    return rows


def sentence_of(compared: int, asked: int, out: Path) -> str:
    """Say on how many splits there is something to compare with."""
    if compared == asked:
        return f"Beside the rare-class suite's models on all {asked} splits; their seconds are those of one core."
    run_it = f"run python -m experiments.benchmarks.rare_suite --out {out} first"
    if not compared:
        return f"AutoGluon stands alone, as the rare-class suite has finished none of these splits in {out}: {run_it}."
    return f"The rare-class suite has finished {compared} of {asked} splits in {out}, and only these count: {run_it}."


def paired(results: pd.DataFrame) -> pd.DataFrame:
    """Leave out the splits that the suite has not finished, on tables of which it has finished others."""
    arms = results.groupby(["source", "seed"])["arm"].transform("nunique")
    return results[arms == arms.groupby(results["source"]).transform("max")]


def table(results: pd.DataFrame) -> RichTable:
    """Return the table to print: means over the splits of each table, and how many models AutoGluon had time for."""
    printed = RichTable("table", "splits", "model", "average precision", "s to fit", "s per million rows")
    for source, rows in paired(results).groupby("source", sort=False):
        models = f"{AUTOGLUON}, {rows['models'].str.len().mean():.0f} models"
        where, told = (table_name(str(source)), str(rows["seed"].nunique())), {AUTOGLUON: models, REAL_ONLY: "XGBoost"}
        for arm, means in rows.groupby("arm", sort=False)[list(FIGURES)].mean().iterrows():
            figures = (f"{means[name]:{form}}" for name, form in zip(FIGURES, (".4f", ".1f", ".1f"), strict=True))
            printed.add_row(*where, told.get(str(arm), str(arm)), *figures)
            where = ("", "")
        printed.add_section()
    return printed


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line; None where the suite has finished no split, or an interval has no bounds.

    Parameters
    ----------
    results : DataFrame
        One row for each arm, source and seed.
    """
    scores, told = results.rename(columns={SCORE: "score"}), dict[str, object]()
    for word, arm in OURS.items():
        name, estimate, bounds = f"autogluon_minus_{word}", None, None
        if (scores["arm"] == arm).any():
            difference = statistics.differences(scores, AUTOGLUON, arm)
            interval = statistics.mean_interval(difference, stream(0, name), test_per_train=TEST_PER_TRAIN)
            estimate = round(interval.estimate, 4)
            if math.isfinite(interval.low):
                bounds = [round(interval.low, 4), round(interval.high, 4)]
        told |= {name: estimate, f"{name}_interval": bounds}
    own = scores[scores["arm"] == AUTOGLUON]
    return told | {
        "autogluon": round(float(own.groupby("source")["score"].mean().mean()), 4),
        "models": round(float(own["models"].str.len().mean()), 1),
        "compared": int((scores["arm"] == DELIVERED).sum()),
        "tables": int(own["source"].nunique()),
        "splits": int(own["seed"].nunique()),
    }
