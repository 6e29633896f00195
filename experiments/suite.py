"""The rare-class suite: every arm on the same splits of nine public tables.

Run as ``python -m experiments.suite``; the last line is JSON with the headline figures. Finished cells are kept in
``--out`` and found again, so an interrupted suite goes on where it stopped.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable
from scipy import stats

from experiments.arms import REAL_ONLY, TARGETED, TEACHER, arms, run_loop, seconds_per_million
from experiments.cells import digest_of, each_cell
from experiments.compose import STRATEGIES, compose
from experiments.datasets import load, rare_suite
from generators import GENERATORS
from loop.codec import encode
from loop.errors import WeakspotError
from loop.lanes import deal
from loop.metrics import evaluate
from loop.parts import Parts, Settings
from loop.schema import infer
from loop.seeds import stream
from loop.split import train_test
from loop.types import Table

METRICS = ("average_precision", "recall_at_fpr_01", "recall_at_fpr_05", "brier")
SCORE = METRICS[0]


def halves(name: str, split: int) -> tuple[Table, Table]:
    """Return training and test part of one split of one table."""
    data = load(f"suite:{name}", "target")
    table = encode(infer(data.frame, "target", positive=1), data.frame)
    train_rows, test_rows = train_test(table, stream(split, "split"), test_size=0.4)
    train = table.take(train_rows)
    return Table.real(train.X, train.y, train.schema), table.take(test_rows)


def cell(name: str, split: int, parts: Parts, tuning: bool) -> list[dict[str, object]]:
    """Run every arm on one split of one table; one row an arm."""
    train, test = halves(name, split)
    ids = deal(train, stream(split, "folds"))
    run = run_loop(parts, train, ids, stream(split, "loop"))
    rows = []
    for arm in arms(run, ids, stream(split, "arms"), tuning=tuning):
        scores = evaluate(METRICS, test.y, arm.predictor.predict_proba(test.X), test.schema.positive)
        rows.append(
            {"table": name, "split": split, "arm": arm.name, **scores, "seconds_fit": arm.seconds_fit}
            | {"seconds_per_million": seconds_per_million(arm.predictor, test.X), "note": arm.note}
        )
    verdict = run.outcome.verdict
    return [row | {"proven": verdict.proven, "judged_gain": verdict.gain, "kept": verdict.kept} for row in rows]


def differences(results: pd.DataFrame, arm: str, against: str = REAL_ONLY) -> pd.DataFrame:
    """Paired differences in average precision, splits down and tables across."""
    wide = results.pivot(index="split", columns=["table", "arm"], values=SCORE)
    tables = results["table"].unique()
    return pd.DataFrame({table: wide[table][arm] - wide[table][against] for table in tables})


def headline(results: pd.DataFrame, cheap: Sequence[str]) -> dict[str, object]:
    """Sum up: mean gain over real only, wins and losses by table, and the best of the cheap arms beside it."""
    gain = differences(results, TARGETED)
    means = gain.mean()
    best = {arm: differences(results, arm).mean().mean() for arm in cheap if arm in set(results["arm"])}
    best_arm = max(best, key=lambda arm: best[arm])
    return {
        "mean_delta_ap": round(float(means.mean()), 4),
        "wins": int((means > 0).sum()),
        "losses": int((means < 0).sum()),
        "significant_losses": int(sum(significant_loss(gain[table]) for table in gain)),
        "best_cheap_arm_delta_ap": round(float(best[best_arm]), 4),
        "best_cheap_arm": best_arm,
        "tables": gain.shape[1],
        "splits": gain.shape[0],
    }


def significant_loss(gain: pd.Series) -> bool:
    """Tell whether the mean over splits is below zero at 95 % (one t-test a table, two-sided)."""
    if len(gain) < 2 or gain.std() == 0:
        return bool(gain.mean() < 0) and len(gain) > 1
    return bool(gain.mean() < 0 and stats.ttest_1samp(gain, 0).pvalue < 0.05)


def show(results: pd.DataFrame, console: Console) -> None:
    """Print gain by table and arm, then the means of all metrics by arm."""
    names = list(dict.fromkeys(results["arm"]))
    by_table = RichTable("table", "real only", *(f"Δ {arm}" for arm in names if arm != REAL_ONLY))
    base = results[results["arm"] == REAL_ONLY].groupby("table")[SCORE].mean()
    deltas = {arm: differences(results, arm).mean() for arm in names if arm != REAL_ONLY}
    for table in base.index:
        by_table.add_row(table, f"{base[table]:.3f}", *(f"{deltas[arm][table]:+.3f}" for arm in deltas))
    by_table.add_row("mean", f"{base.mean():.3f}", *(f"{deltas[arm].mean():+.4f}" for arm in deltas), style="bold")
    console.print(by_table)
    by_arm = RichTable("arm", *METRICS, "mean Δ with 95 % interval over splits", "s to fit", "s per million rows")
    for arm in names:
        own = results[results["arm"] == arm]
        over_splits = differences(results, arm).mean(axis=1)
        half = stats.t.ppf(0.975, len(over_splits) - 1) * stats.sem(over_splits) if len(over_splits) > 1 else np.nan
        interval = f"{over_splits.mean():+.4f} ± {half:.4f}"
        costs = (f"{own['seconds_fit'].median():.2f}", f"{own['seconds_per_million'].median():.1f}")
        by_arm.add_row(arm, *(f"{own[metric].mean():.4f}" for metric in METRICS), interval, *costs)
    console.print(by_arm)


def main(
    splits: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 10,
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(rare_suite()),
    strategy: Annotated[str, typer.Option(help="Name of a strategy.")] = "targeted",
    generator: Annotated[str, typer.Option(help="Name of a generator instead of the strategy's.")] = "",
    tuning: Annotated[bool, typer.Option(help="Run the tuned arm, as long as the loop took.")] = True,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/suite"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Run the rare-class suite and print its tables and, last, one line of JSON."""
    names = [name for name in tables.split(",") if name]
    unknown = sorted(set(names) - set(rare_suite()))
    if unknown or strategy not in STRATEGIES:
        raise WeakspotError(
            f"tables must be among {', '.join(rare_suite())} and strategy among {', '.join(STRATEGIES)}, "
            f"got {', '.join([*unknown, strategy])}: choose from these"
        )
    chosen = GENERATORS.make(generator) if generator else None
    parts = compose(strategy, generator=chosen, settings=Settings(jobs=1 if jobs > 1 else 2))
    wanted = [(name, split) for split in range(splits) for name in names]
    console = Console(width=None if sys.stdout.isatty() else 200)
    rows = [row for result in cells(wanted, parts, tuning, out, jobs, console) for row in result]
    results = pd.DataFrame(rows)
    show(results, console)
    arms_there = [arm for arm in dict.fromkeys(results["arm"]) if arm not in (TARGETED, TEACHER)]
    print(json.dumps(headline(results, arms_there)))


def cells(
    wanted: list[tuple[str, int]],
    parts: Parts,
    tuning: bool,
    out: Path,
    jobs: int,
    console: Console,
) -> Iterator[list[dict[str, object]]]:
    """Yield each cell's rows, from its file if it was finished before with the same parts."""
    return each_cell(
        wanted,
        lambda key: cell(*key, parts, tuning),
        lambda key: out / digest_of((parts, tuning), f"suite:{key[0]}") / f"{key[0]}-{key[1]}.json",
        jobs=jobs,
        console=console,
    )


if __name__ == "__main__":
    from experiments.cli import run_command

    run_command(main)
