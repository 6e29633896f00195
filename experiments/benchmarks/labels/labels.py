"""How few labels are enough if a model says which rows to have labelled.

Run as ``python -m experiments.benchmarks.labels``. On each split of each table of the rare-class suite, labels begin
with random rows that hold five of the class to catch, and are bought in batches, each a fifth of what is known. A tenth
of each batch is an audit drawn at random, which costs as much as other labels. Scored on the sealed test rows: the
learner that asks, and the same learner on as many rows drawn at random. The last line is JSON.
"""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from experiments.benchmarks.curves.curves import suite_sides
from experiments.benchmarks.labels.cells import ASKINGS, LEARNERS, RANDOM, Bought
from experiments.benchmarks.labels.picture import picture
from experiments.benchmarks.labels.readings import DEFAULT, headline, tables_of
from experiments.benchmarks.options import among, console
from experiments.data.sources import rare_suite
from experiments.report import figure_style
from experiments.storage.result_cache import Records, digest_of, each_cell


def main(  # Wide: each parameter is an option of the command
    tables: Annotated[str, typer.Option(help="Tables of the suite.")] = ",".join(rare_suite()),
    seeds: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 10,
    learners: Annotated[
        str, typer.Option(help="Learners that ask; the first is that of the last line.")
    ] = "extra trees",
    askings: Annotated[str, typer.Option(help="Ways of asking.")] = ",".join(ASKINGS),
    out: Annotated[Path, typer.Option(help="Folder of finished cells and of labels.png.")] = Path("runs/labels"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Buy labels on the rare-class suite; print the tables and, last, one line of JSON."""
    suite, ways = among("--tables", tables, rare_suite()), [RANDOM, *among("--askings", askings, ASKINGS)]
    who = among("--learners", learners, LEARNERS)
    wanted = [
        (table, seed, learner, way) for seed in range(seeds) for table in suite for learner in who for way in ways
    ]

    def work(key: tuple[str, int, str, str]) -> Records:
        table, seed, learner, way = key
        told = {"table": table, "split": seed, "learner": learner}
        return [told | row for row in Bought(learner, way).rows(suite_sides(table, str(seed)))]

    def path_of(key: tuple[str, int, str, str]) -> Path:
        table, seed, learner, way = key
        settings = (Bought(learner, way), LEARNERS[learner], ASKINGS.get(way))
        return out / digest_of(settings, f"suite:{table}") / f"{table}-{seed}.json"

    finished = each_cell(wanted, work, path_of, jobs=jobs, console=console())
    results = pd.DataFrame([row for rows in finished for row in rows])
    for table in tables_of(results):
        console().print(table)
    figure_style.save(picture(results, who[0]), out / "labels.png")
    print(json.dumps(headline(results, who[0], DEFAULT if DEFAULT in ways else ways[-1])))
