"""Images of digits, two of them rare: the loop against what others do about rare classes.

Run as ``python -m experiments.benchmarks.images``. All arms see the same splits: real rows alone, classes equally often
in batches, the same with classical augmentation, mixup or CutMix, logit adjustment, and three loops. All loops, and so
their learners, have class-balanced batches and classical augmentation, too. Finished cells are kept on disk. The last
line is JSON.
"""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from experiments.benchmarks.images.cells import Plan
from experiments.benchmarks.images.readings import headline, tables_of
from experiments.benchmarks.images.tasks import LARGE, SMALL, TASKS
from experiments.benchmarks.options import among, console
from experiments.storage.result_cache import Records, digest_of, each_cell


def main(
    data: Annotated[str, typer.Option(help="Data sets, separated by commas.")] = f"{SMALL},{LARGE}",
    splits: Annotated[int, typer.Option(min=1, help="Splits of each data set, seeds 0..N-1.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder of finished cells, and of what is fetched.")] = Path("runs/images"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 1,
) -> None:
    """Compare all arms; print their tables and, last, one line of JSON."""
    names, plan, terminal = among("--data", data, TASKS), Plan(), console()
    wanted = [(name, seed) for seed in range(splits) for name in names]

    def work(key: tuple[str, int]) -> Records:
        name, seed = key
        rows = plan.rows(TASKS[name].split(seed, out / "fetched"), seed)
        return [{"data": name, "seed": seed} | row for row in rows]

    def path_of(key: tuple[str, int]) -> Path:
        task = TASKS[key[0]]
        return out / digest_of((plan, task.rare, task.common), key[0]) / f"{key[0]}-{key[1]}.json"

    found: Records = []
    for number, rows in enumerate(each_cell(wanted, work, path_of, jobs=jobs, console=terminal), 1):
        found += rows
        terminal.print(f"{number} of {len(wanted)} cells: {rows[0]['data']}, split {rows[0]['seed']}")
    results = pd.DataFrame(found)
    for table in tables_of(results):
        terminal.print(table)
    print(json.dumps(headline(results)))
