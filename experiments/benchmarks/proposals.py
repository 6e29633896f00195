"""The loop with each generator as the source of proposals, on the rare-class suite.

Run as ``python -m experiments.benchmarks.proposals``; the last line is JSON. Each generator runs in the
strategies targeted and untargeted; diffusion also in ``guided``, where the uncertainty of the learner steers the
sampling. The cells are those of ``weakspot compare``: all have the same splits, budgets, teacher and learner.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table as RichTable
from scipy import stats

from experiments.arms.names import LOOP, REAL_ONLY
from experiments.arms.scoring import SCORE
from experiments.benchmarks.options import among, console
from experiments.benchmarks.rare_suite import PROTOCOL
from experiments.compare.compare import cells_of
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.data.sources import rare_suite
from generators import GENERATORS

COMPARED = ("neighbourhood", "resample", "copula", "tree_chain", "forest_flow", "vae", "gan", "diffusion", "guided")
LABELS = {"guided": "diffusion, guided"}
STRATEGIES = ("targeted", "untargeted")


def main(
    splits: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 3,
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(rare_suite()),
    generators: Annotated[str, typer.Option(help="Generators, separated by commas.")] = ",".join(COMPARED),
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Run the loop with each generator and print gains over real rows alone and, last, one line of JSON."""
    names = among("tables", tables, rare_suite())
    chosen = among("generators", generators, (*GENERATORS.names(), "guided"))
    terminal = console()
    runs = {name: list(runs_of(name, names, splits, out)) for name in chosen}
    cells = cells_of([run for own in runs.values() for run in own], out, jobs)
    results = {}
    for name in track(chosen, console=terminal, transient=True, disable=not terminal.is_terminal):
        rows = [row | {"table": run.data.source, "seed": run.loop.seed} for run in runs[name] for row in next(cells)]
        results[LABELS.get(name, name)] = pd.DataFrame(rows)
    show(results, terminal)
    print(json.dumps({label: round(float(gains(own).iloc[:, 0].mean()), 4) for label, own in results.items()}))


def runs_of(generator: str, tables: list[str], splits: int, out: Path) -> Iterator[RunConfig]:
    """Yield the runs of one generator: each strategy on each split of each table, without the other arms."""
    own = {"generator.name": generator} if generator != "guided" else {}
    sources = [f"suite:{table}" for table in tables]
    config = load_config(CompareConfig, PROTOCOL, {"out": str(out), "arms.run": False, **own})
    for source in (each for each in config.sources if each.source in sources):
        for seed in range(splits):
            for strategy in ("guided",) if generator == "guided" else STRATEGIES:
                yield config.run_of(source, strategy, seed)


def gains(results: pd.DataFrame) -> pd.DataFrame:
    """Return the mean gain in average precision over real rows alone, tables by strategies."""
    wide = results.pivot_table(index=["table", "seed"], columns="arm", values=SCORE, sort=False)
    loops = [arm for arm in wide if str(arm).startswith(LOOP)]
    return wide[loops].sub(wide[REAL_ONLY], axis=0).groupby("table", sort=False).mean()


def show(results: dict[str, pd.DataFrame], console: Console) -> None:
    """Print, for each generator, the gain of aimed and untargeted rows with its interval over tables, and the cost."""
    printed = RichTable(
        "proposals by", *(f"Δ average precision, {each}" for each in STRATEGIES), "s of a loop (median)"
    )
    for label, own in results.items():
        told = [interval(gain) for _, gain in gains(own).items()]
        told += [""] * (len(STRATEGIES) - len(told))
        seconds = own[own["arm"].str.startswith(LOOP)]["seconds_fit"].median()
        printed.add_row(label, *told, f"{seconds:.1f}")
    console.print(printed)


def interval(gain: pd.Series) -> str:
    """Write the mean over tables with its 95 % interval, which covers other tables."""
    half = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain) if len(gain) > 1 else float("nan")
    return f"{gain.mean():+.4f} ± {half:.4f}"


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
