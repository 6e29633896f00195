"""One comparison in threads, on one Dask worker and on two, and on paper on more.

Run as ``python -m experiments.benchmarks.scaling``; the last line is JSON. The places take turns, each time in a new
folder. The start of the workers is told apart: it is the same for a comparison of hours. On paper the cells have the
processor seconds that they take alone, which other work on the machine hardly changes, and the rest of the comparison
is serial.
"""

import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.benchmarks.options import console
from experiments.benchmarks.scaling.schedule import speedups
from experiments.compare.compare import alone, cell, compare
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.config.scale_config import ScaleConfig
from experiments.scale.cluster import on_workers

PLACES: Mapping[str, ScaleConfig] = {
    "threads": ScaleConfig(),
    "one worker": ScaleConfig(workers=1),
    "two workers": ScaleConfig(workers=2),
}
ON_PAPER = (1, 2, 4, 8)
SETTINGS: Mapping[str, Any] = {
    "sources": [{"source": "simulation:customers=60,days=40"}],
    "strategies": ["targeted", "untargeted"],
    "loop": {"generations": 2, "lanes": 2},
    "teacher": {"members": ["xgboost", "linear"]},
    "arms": {"run": False},  # tuning takes as long as it is given
    "tracking": "none",
}


def config_of(out: Path, seeds: int) -> CompareConfig:
    """Return the comparison, of two strategies on so many seeds."""
    return load_config(CompareConfig, None, {**SETTINGS, "seeds": list(range(seeds)), "out": str(out)})


def measured(place: ScaleConfig, seeds: int) -> dict[str, float]:
    """Run the comparison at a place; return the seconds of its start and of the rest, and what the rest is serial."""
    with TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with on_workers(place):
            up = time.perf_counter()
            with redirect_stdout(StringIO()) as printed:
                compare(config_of(Path(folder), seeds), Console(file=StringIO()))
            took = time.perf_counter() - up
    last = json.loads(printed.getvalue().splitlines()[-1])
    return {"start": up - begun, "seconds": took, "serial": float(last["bookkeeping_seconds"])}


def cells_alone(seeds: int) -> list[float]:
    """Return the processor seconds of each cell, one after the other on one thread."""
    runs = [alone(each) for each in config_of(Path("unused"), seeds).runs()]
    cell(runs[0])  # loads the libraries
    return [_processor_seconds(run) for run in runs]


def _processor_seconds(run: RunConfig) -> float:
    started = time.process_time()
    cell(run)
    return time.process_time() - started


def headline(repeats: Mapping[str, Sequence[Mapping[str, float]]], cells: Sequence[float]) -> dict[str, Any]:
    """Sum up medians, the ratio of two workers to one, and what more would bring on paper."""
    medians = {
        place: {key: statistics.median(each[key] for each in found) for key in found[0]}
        for place, found in repeats.items()
    }
    seconds = {place: each["seconds"] for place, each in medians.items()}
    serial = medians["one worker"]["serial"]
    return {
        "cells": len(cells),
        "seconds": {place: round(each, 2) for place, each in seconds.items()},
        "start_seconds": {place: round(each["start"], 2) for place, each in medians.items() if place != "threads"},
        "two_over_one": round(seconds["one worker"] / seconds["two workers"], 2),
        "two_over_threads": round(seconds["threads"] / seconds["two workers"], 2),
        "cell_cpu_seconds": [round(each, 2) for each in cells],
        "serial_seconds": round(serial, 2),
        "on_paper": {str(n): round(ratio, 2) for n, ratio in speedups(cells, serial, ON_PAPER).items()},
    }


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Seeds; each has two cells.")] = 3,
    repeats: Annotated[int, typer.Option(min=1, help="Times that each place takes its turn.")] = 3,
) -> None:
    """Measure the comparison at every place; print seconds and, last, one line of JSON."""
    cells = cells_alone(seeds)
    found: dict[str, list[dict[str, float]]] = {place: [] for place in PLACES}
    for _ in range(repeats):
        for place, scale in PLACES.items():
            found[place].append(measured(scale, seeds))
    printed = RichTable("place", *(f"seconds, turn {number + 1}" for number in range(repeats)))
    for place, turns in found.items():
        printed.add_row(place, *(f"{each['seconds']:.1f}" for each in turns))
    console().print(printed)
    machine = {"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}
    print(json.dumps({**headline(found, cells), **machine}))
