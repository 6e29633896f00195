"""One process that works for a long time: memory, handles, threads and temporary files.

Run as ``python -m experiments.benchmarks.cost.soak --generations 300 --comparisons 20``; the last line is JSON. The
generations are those of loops that follow one another, each with its own seed, as a loop ends where it gains nothing.
A first part of each kind of work warms up: libraries load, and pools reach their size. Of the rest the median of the
last third is compared with that of the first.
"""

import gc
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
import yaml
from rich.console import Console
from rich.table import Table as RichTable

from experiments.benchmarks.options import console
from experiments.compare.compare import compare
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig
from experiments.config.strategies import compose
from experiments.data.sources import load
from experiments.data.split import Split
from learners import Committee, Linear, XGBoost
from loop.cycle.controller import generations, prepare
from loop.cycle.parts import Settings
from loop.errors import ConfigError
from loop.seeds import stream
from loop.support.memory import give_back

WARM = 0.2  # share of the work that warms up
SOURCE = "simulation:customers=60,days=40"


def usage() -> dict[str, float]:
    """Return what the process holds now: megabytes, open handles, threads and files in the temporary folder."""
    gc.collect()
    give_back()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "mb": resident / 1e6,
        "handles": float(len(os.listdir("/proc/self/fd"))),
        "threads": float(threading.active_count()),
        "temporary_files": float(len(os.listdir(tempfile.gettempdir()))),
    }


def turns(number: int) -> Iterator[None]:
    """Run so many generations, of loops that follow one another; yield after each."""
    split = Split.of(load(SOURCE).without_clock(), 0)
    teacher = Committee(members=(XGBoost(trees=20, depth=3), Linear()), folds=2)
    parts = compose(learner=XGBoost(trees=20, depth=3), teacher=teacher, settings=Settings(most_rows=50))
    done = 0
    for seed in count():
        prepared = prepare(parts, split.train, split.folds(seed, lanes=2), stream(seed, "loop"))
        for _ in generations(prepared):
            yield
            if (done := done + 1) == number:
                return


def comparisons(number: int) -> Iterator[None]:
    """Run so many comparisons, each tracked in MLflow; yield after each."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tracking = {"tracking_uri": f"sqlite:///{place / 'mlflow.db'}", "artifact_root": str(place / "artifacts")}
        (place / "mlflow.yaml").write_text(yaml.safe_dump(tracking))
        for seed in range(number):
            with redirect_stdout(StringIO()):
                compare(_config(place, seed), Console(file=StringIO()))
            yield


def _config(place: Path, seed: int) -> CompareConfig:
    settings: Mapping[str, Any] = {
        "sources": [{"source": SOURCE}],
        "strategies": ["targeted", "untargeted"],
        "seeds": [seed],
        "loop": {"generations": 1, "lanes": 2},
        "teacher": {"members": ["xgboost", "linear"]},
        "arms": {"run": False},
        "tracking": str(place / "mlflow.yaml"),
        "out": str(place / "out"),
    }
    return load_config(CompareConfig, None, settings)


def watched(work: Callable[[int], Iterator[None]], number: int) -> pd.DataFrame:
    """Do the work and return what the process held after each turn of it."""
    with tempfile.TemporaryDirectory() as own:  # others fill the common one
        before, tempfile.tempdir = tempfile.tempdir, own
        try:
            return pd.DataFrame([usage() for _ in work(number)])
        finally:
            tempfile.tempdir = before


def growth(seen: pd.DataFrame) -> dict[str, float]:
    """Return the growth of each figure from the first to the last third, after what warms up."""
    steady = seen.iloc[int(WARM * len(seen)) :]
    third = max(1, len(steady) // 3)
    grown = steady.iloc[-third:].median() - steady.iloc[:third].median()
    return {str(name): float(np.round(value, 2)) for name, value in grown.items()}


def main(
    generations_: Annotated[int, typer.Option("--generations", min=1, help="Generations of several loops.")] = 300,
    comparisons_: Annotated[int, typer.Option("--comparisons", min=1, help="Comparisons one after the other.")] = 20,
) -> None:
    """Print what the process held and, last, one line of JSON: by how much it grew."""
    if sys.platform != "linux":
        raise ConfigError(
            f"a process is watched through /proc, which only Linux has, got {sys.platform}: run it there."
        )
    grown = {}
    for name, work, number in (("generations", turns, generations_), ("comparisons", comparisons, comparisons_)):
        seen = watched(work, number)
        printed = RichTable(name, *seen.columns)
        for at in sorted({0, int(WARM * len(seen)), len(seen) // 2, len(seen) - 1}):
            printed.add_row(str(at + 1), *(f"{value:,.1f}" for value in seen.iloc[at]))
        console().print(printed)
        grown[name] = growth(seen)
    print(json.dumps(grown))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
