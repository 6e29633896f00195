"""Which proposals serve the teacher best: the loop with every generator, on the rare-class suite.

Run as ``python -m experiments.proposals``; the last line is JSON. Each generator makes the proposals of the targeted
strategy, and as many untargeted rows; diffusion is also led by the gap between teacher and learner while it makes
rows (the strategy ``guided``). Same splits, budgets, teacher and learner for all.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable
from scipy import stats

from experiments.arms import REAL_ONLY, TARGETED, UNTARGETED
from experiments.compose import compose
from experiments.datasets import rare_suite
from experiments.suite import cells, differences
from generators import GENERATORS
from loop.errors import WeakspotError
from loop.parts import Settings

COMPARED = ("neighbourhood", "resample", "copula", "tree_chain", "forest_flow", "vae", "gan", "diffusion")
GUIDED = "diffusion, guided"
ARMS = (TARGETED, UNTARGETED)


def main(
    splits: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 3,
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(rare_suite()),
    generators: Annotated[str, typer.Option(help="Generators, separated by commas.")] = ",".join((*COMPARED, "guided")),
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/suite"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Run the loop with each generator and print gains over real rows alone and, last, one line of JSON."""
    names = [name for name in tables.split(",") if name]
    if unknown := sorted(set(names) - set(rare_suite())):
        raise WeakspotError(
            f"tables must be among {', '.join(rare_suite())}, got {', '.join(unknown)}: choose from these"
        )
    console = Console(width=None if sys.stdout.isatty() else 160)
    wanted = [(name, split) for split in range(splits) for name in names]
    settings, results = Settings(jobs=1 if jobs > 1 else 2), {}
    for name in (each for each in generators.split(",") if each):
        if name == "guided":
            label, parts = GUIDED, compose("guided", settings=settings)
        else:
            label, parts = name, compose(generator=GENERATORS.make(name), settings=settings)
        rows = [row for result in cells(wanted, parts, False, out, jobs, console) for row in result]
        results[label] = pd.DataFrame(rows)
    show(results, console)
    print(json.dumps({label: round(_gain(own, TARGETED).mean(), 4) for label, own in results.items()}))


def show(results: dict[str, pd.DataFrame], console: Console) -> None:
    """Print, for each generator, the gain of aimed and unaimed rows with its interval over tables, and the cost."""
    printed = RichTable("proposals by", *(f"Δ average precision, {arm}" for arm in ARMS), "s of the loop (median)")
    for label, own in results.items():
        seconds = own[own["arm"] == TARGETED]["seconds_fit"].median()
        printed.add_row(label, *(_interval(_gain(own, arm)) for arm in ARMS), f"{seconds:.1f}")
    console.print(printed)


def _gain(results: pd.DataFrame, arm: str) -> pd.Series:
    """Mean gain over splits, table by table: what varies is which table one has."""
    return differences(results, arm, REAL_ONLY).mean()


def _interval(gain: pd.Series) -> str:
    half = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain) if len(gain) > 1 else float("nan")
    return f"{gain.mean():+.4f} ± {half:.4f}"


if __name__ == "__main__":
    from experiments.cli import run_command

    run_command(main)
