"""Memory of a fit on a folder of Parquet files: rows in memory, row groups in one process, and on two workers.

Run as ``python -m experiments.benchmarks.scaling.partitions``; the last line is JSON. Every place is a process of its
own; its peak is the largest resident memory that the system has noted of it (Linux).
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.table import Table as RichTable

from experiments.benchmarks.options import console
from experiments.cli.app import run_command
from experiments.config.scale_config import ScaleConfig
from experiments.data.files import Reading
from experiments.data.partitions import read_sample, row_groups
from experiments.refit.held import Held
from experiments.refit.seeing import look
from experiments.refit.shards import Fit
from experiments.refit.together import fitted
from experiments.scale.cluster import on_workers
from experiments.scale.workers import Workers
from learners import XGBoost
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.data.widening import exact
from loop.rows import Rows
from loop.seeds import stream
from loop.support.parallel.side_by_side import place_of_work, side_by_side

MEMORY, PLACES = "rows in memory", {"row groups, this process": None, "row groups, two workers": 2}
FILE_ROWS, TARGET = 100_000, "fraud"
PROBED = 1000  # rows on which the models are compared


def write_folder(folder: Path, rows: int, columns: int) -> None:
    """Write normal columns, and labels that follow three of them, in files of 100,000 rows."""
    for number, first in enumerate(range(0, rows, FILE_ROWS)):
        rng = stream(0, "partition", number)
        X = rng.standard_normal((min(FILE_ROWS, rows - first), columns))
        frame = pd.DataFrame(X, columns=[f"x{column}" for column in range(columns)])
        odds = np.exp(X[:, 0] + X[:, 1] * X[:, 2] - 3)
        frame.assign(**{TARGET: rng.random(len(X)) < odds / (1 + odds)}).to_parquet(folder / f"{number:05}.parquet")


def peak() -> float:
    """Return the largest resident memory of this process so far, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def in_memory(folder: Path, learner: XGBoost) -> XGBoost:
    """Fit on all rows as one table."""
    frame = pd.read_parquet(folder)
    return learner.fit(encode(infer(frame, TARGET), frame), stream(0, "all rows", "fit"))


def in_groups(folder: Path, learner: XGBoost, sample: int) -> XGBoost:
    """Fit on row groups at the place of work, as ``weakspot refit`` does."""
    frame = read_sample(folder, Reading(rows_in_memory=sample)).frame
    known = infer(frame, TARGET)
    held = Held.nobody(known)
    groups = side_by_side(lambda group: look(group, known, held, Reading()), row_groups(folder), 1)
    schema = exact(known, [each.seen for each in groups])
    return fitted(Fit("fit", learner, encode(schema, frame), Reading(), 0), groups)


def measured(place: str, folder: Path, learner: XGBoost, sample: int) -> dict[str, Any]:
    """Fit at a place in this process; return seconds, peaks before and after, and what the model answers."""
    before, began, workers = peak(), time.perf_counter(), list[float]()
    if place == MEMORY:
        model = in_memory(folder, learner)
    else:
        with on_workers(ScaleConfig(workers=PLACES[place])):
            model = in_groups(folder, learner, sample)
            if isinstance(work := place_of_work(), Workers):
                workers = sorted(work.client.run(peak).values())
    took = time.perf_counter() - began
    probe = stream(0, "probe").standard_normal((PROBED, len(model.feature_types_)))
    answers = model.predict_proba(Rows(probe))[:, 1].tolist()
    return {"before": before, "peak": peak(), "workers": workers, "seconds": took, "answers": answers}


def headline(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up what each place took, and how far its answers are from those of rows in memory."""
    known = np.array(found[MEMORY]["answers"])
    return {
        place: {
            "peak_megabytes": round(each["peak"]),
            "libraries_megabytes": round(each["before"]),
            "workers_megabytes": [round(one) for one in each["workers"]],
            "seconds": round(each["seconds"], 1),
            "mean_difference": float(np.abs(np.array(each["answers"]) - known).mean()),
        }
        for place, each in found.items()
    }


def main(
    rows: Annotated[int, typer.Option(min=1000, help="Rows of the folder.")] = 1_000_000,
    columns: Annotated[int, typer.Option(min=3, help="Columns of numbers.")] = 20,
    sample: Annotated[int, typer.Option(min=100, help="Rows drawn, for the bins.")] = 100_000,
    trees: Annotated[int, typer.Option(min=1, help="Trees of the model.")] = 20,
    place: Annotated[str | None, typer.Option(help="Measure this place alone, in this process.")] = None,
    folder: Annotated[Path | None, typer.Option(help="With --place: the folder.")] = None,
) -> None:
    """Measure each place in a process of its own; print a table and, last, one line of JSON."""
    if place is not None and folder is not None:
        print(json.dumps(measured(place, folder, XGBoost(trees=trees), sample)))
        return
    found = {}
    with TemporaryDirectory() as made:
        write_folder(Path(made), rows, columns)
        words = [sys.executable, "-m", "experiments.benchmarks.scaling.partitions"]
        words += ["--sample", str(sample), "--trees", str(trees), "--folder", made, "--place"]
        for each in (MEMORY, *PLACES):
            done = subprocess.run([*words, each], capture_output=True, text=True, check=True)
            found[each] = json.loads(done.stdout.splitlines()[-1])
    told = headline(found)
    table = RichTable("place", "peak, MB", "workers, MB", "seconds")
    for each, figures in told.items():
        workers = ", ".join(map(str, figures["workers_megabytes"]))
        table.add_row(each, str(figures["peak_megabytes"]), workers, str(figures["seconds"]))
    console().print(table)
    print(json.dumps(told))


if __name__ == "__main__":
    run_command(main)
