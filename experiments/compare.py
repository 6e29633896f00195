"""Strategies against each other and against the cheap arms, on equal splits of every source."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from scipy import stats

from experiments import storage
from experiments.arms import REAL_ONLY, TARGETED, run_loop
from experiments.cells import Rows, digest, each_cell
from experiments.config import CompareConfig, RunConfig
from experiments.material import gather, parts_of
from experiments.scoring import METRICS, SCORE, contestants_of, score_arms
from experiments.track import flat, open_tracker, settings_of
from experiments.yaml_config import dump
from loop.protocols import Tracker
from loop.seeds import stream
from loop.tracking.records import Record, plain

LOOP = "loop: "  # before the name of the strategy
TEXT = ("source", "arm", "note", "cheap", "seed")  # keys of a row that are no metrics


def compare(config: CompareConfig, console: Console, jobs: int = 1) -> pd.DataFrame:
    """Work all cells, print the table and, last, one line of JSON; return one row for each arm, source and seed.

    Finished cells are kept in ``out/cells`` and found again, so an interrupted comparison goes on where it stopped.
    """
    tracking = settings_of(config.tracking)
    runs = [
        config.run_of(source, strategy, seed)
        for source in config.sources
        for seed in config.seeds
        for strategy in config.strategies
    ]
    folder = config.out / f"compare-{digest([_identity(run) for run in runs])}"
    folder.mkdir(parents=True, exist_ok=True)
    storage.write_text(folder / storage.CONFIG, dump(config))
    tracker, status, rows = open_tracker(tracking, folder), "failed", Rows()
    params = dict(flat(config.model_dump(mode="json", exclude={"sources"})))
    tracker.start({"name": folder.name, "params": params, "tags": {"weakspot": version("weakspot")}})
    try:
        cells = each_cell(runs, cell, lambda run: _path(config.out, run), jobs=jobs, console=console)
        for run, made in zip(runs, cells, strict=True):
            for row in made if run.loop.strategy == config.strategies[0] else _own(made):
                rows.append(row)
                _record(tracker, row)
            console.print(f"done: {run.data.source}, seed {run.loop.seed}, {run.loop.strategy}", highlight=False)
        results = pd.DataFrame(rows)
        results.to_csv(folder / "results.csv", index=False)
        tracker.attach(folder / "results.csv")
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        tracker.finish(None, status)
    summary = summarise(results)
    console.print(_table(summary, results))
    storage.write_json(folder / storage.MARKER, {"status": status})
    console.print(f"{folder}: results.csv, one row for each arm, source and seed", highlight=False, soft_wrap=True)
    failure = getattr(tracker, "failure", None)
    if failure is not None:
        console.print(failure, style="yellow", highlight=False, markup=False, soft_wrap=True)
    print(json.dumps(plain(_headline(summary))))
    return results


def cell(config: RunConfig) -> Rows:
    """Run one strategy and its arms on one split of one source; one row an arm."""
    material, seed = gather(config.data, config.loop), config.loop.seed
    looped = run_loop(parts_of(config), material.train, material.folds, stream(seed, "loop"))
    contestants = list(contestants_of(looped, material.folds, config.arms, stream(seed, "arms")))
    scored = score_arms(contestants, material.test, (*METRICS, config.metrics.recall_at_precision))
    rows = [plain(each.row()) | {"source": config.data.source, "seed": seed} for each in scored]
    return [row | {"arm": LOOP + config.loop.strategy} if row["arm"] == TARGETED else row for row in rows]


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Sum up by arm: mean scores, the mean paired difference from real rows alone, its interval, wins and losses.

    Pairs are source and seed; the interval is Student's at 95 % over the seeds' means, since sources are no sample.
    """
    wide = results.pivot(index=["source", "seed"], columns="arm", values=SCORE)
    summaries = []
    for arm in dict.fromkeys(results["arm"]):
        difference = (wide[arm] - wide[REAL_ONLY]).dropna()
        over_seeds = difference.groupby("seed").mean()
        n = len(over_seeds)
        half = stats.t.ppf(0.975, n - 1) * stats.sem(over_seeds) if n > 1 else np.nan
        own = results[results["arm"] == arm]
        summaries.append(
            {"arm": arm, SCORE: own[SCORE].mean(), "difference": difference.mean(), "half_width": half}
            | {"wins": int((difference > 0).sum()), "losses": int((difference < 0).sum())}
            | {name: own[name].mean() for name in _other_metrics(results)}
            | {name: own[name].median() for name in ("seconds_fit", "seconds_per_million")}
        )
    return pd.DataFrame(summaries).set_index("arm")


def _own(rows: Rows) -> Rows:
    """Return the loop's rows of a strategy that is not the first: its real-only arm is that of the first."""
    return [row for row in rows if row["arm"].startswith(LOOP)]


def _record(tracker: Tracker, row: Record) -> None:
    """Keep one arm of one source and seed as a child run."""
    tags = {"source": row["source"], "arm": row["arm"], "seed": str(row["seed"])}
    metrics = {name: float(value) for name, value in row.items() if name not in TEXT}
    tracker.child(f"{row['arm']} | {row['source']} | seed {row['seed']}", {}, metrics, tags)


def _identity(config: RunConfig) -> Record:
    """Return whatever makes a difference to the rows of a cell."""
    content: Record = config.model_dump(mode="json", exclude={"tracking", "out"})
    source = Path(config.data.source)
    stat = source.stat() if source.is_file() else None
    return content | {"version": version("weakspot"), "file": stat and [stat.st_size, stat.st_mtime_ns]}


def _path(out: Path, config: RunConfig) -> Path:
    return out / "cells" / f"{digest(_identity(config))}.json"


def _other_metrics(results: pd.DataFrame) -> list[str]:
    known = (*TEXT, SCORE, "seconds_fit", "seconds_per_million")
    return [str(name) for name in results.columns if name not in known]


def _table(summary: pd.DataFrame, results: pd.DataFrame) -> Table:
    sources, seeds = results["source"].nunique(), results["seed"].nunique()
    title = f"Means over {sources} sources and {seeds} seeds; differences are paired with {REAL_ONLY!r}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    recall = next(name for name in results.columns if name.startswith("recall_at_precision"))
    metrics = {"recall_at_fpr_01": "recall at 1 % FPR", recall: recall.replace("_", " ") + " %", "brier": "Brier"}
    table.add_column("arm", no_wrap=True)
    for column in (
        "AP",
        "difference, 95 % over seeds",
        "wins : losses",
        *metrics.values(),
        "s to fit",
        "s per million",
    ):
        table.add_column(column, justify="right")
    for arm, row in summary.iterrows():
        difference = f"{row['difference']:+.4f} ± {row['half_width']:.4f}"
        scores = [f"{row[name]:.4f}" for name in metrics]
        seconds = [f"{row[name]:.2f}" for name in ("seconds_fit", "seconds_per_million")]
        count = f"{row['wins']:.0f} : {row['losses']:.0f}"
        table.add_row(escape(str(arm)), f"{row[SCORE]:.4f}", difference, count, *scores, *seconds)
    return table


def _headline(summary: pd.DataFrame) -> Record:
    """Return mean paired differences in average precision by arm."""
    return {f"delta_ap {arm}": round(float(value), 4) for arm, value in summary["difference"].items()}
