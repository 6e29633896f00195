"""How few labels are enough if a model says which rows to have labelled.

Run as ``python -m experiments.benchmarks.labels``. On each split of each table of the rare-class suite, labels begin
with random rows that hold five of the class to catch, and are bought in batches, each a fifth of what is known. A tenth
of each batch is an audit drawn at random, which costs as much as other labels. Scored on the sealed test rows: the
learner that asks, and the same learner on as many rows drawn at random. With ``--taught``: XGBoost on labels bought by
doubt, alone, with rows that the loop makes and teaches, and with rows of the rest of the table that the loop teaches.
The last line is JSON.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from experiments.benchmarks.curves.curves import suite_sides
from experiments.benchmarks.labels.cells import ASKINGS, LEARNERS, RANDOM, Bought
from experiments.benchmarks.labels.picture import picture
from experiments.benchmarks.labels.readings import DEFAULT, headline, tables_of
from experiments.benchmarks.labels.stream import ASKED, DELAYS, POLICIES, TOP, Stream
from experiments.benchmarks.labels.stream_picture import picture as stream_picture
from experiments.benchmarks.labels.stream_picture import table_of
from experiments.benchmarks.labels.taught import Taught
from experiments.benchmarks.labels.taught_table import figures
from experiments.benchmarks.labels.taught_table import table_of as taught_table
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
    stream: Annotated[str | None, typer.Option(help="Instead: card fraud from this day, 100 checks a day.")] = None,
    taught: Annotated[bool, typer.Option("--taught", help="Instead: a student that is taught, too.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of finished cells and of labels.png.")] = Path("runs/labels"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Buy labels on the rare-class suite; print the tables and, last, one line of JSON."""
    if stream is not None:
        print(json.dumps(checked_cards(stream, out, jobs)))
        return
    suite, ways = among("--tables", tables, rare_suite()), [RANDOM, *among("--askings", askings, ASKINGS)]
    if taught:
        print(json.dumps(taught_students(suite, seeds, out, jobs)))
        return
    who = among("--learners", learners, LEARNERS)
    wanted = [
        (table, seed, learner, way) for seed in range(seeds) for table in suite for learner in who for way in ways
    ]
    finished = each_cell(wanted, cell, lambda key: cell_file(out, key), jobs=jobs, console=console())
    results = pd.DataFrame([row for rows in finished for row in rows])
    for table in tables_of(results):
        console().print(table)
    figure_style.save(picture(results, who[0]), out / "labels.png")
    print(json.dumps(headline(results, who[0], DEFAULT if DEFAULT in ways else ways[-1])))


def taught_students(suite: Sequence[str], seeds: int, out: Path, jobs: int) -> dict[str, object]:
    """Teach students on each split of each table; print the table, and return the figures of the last line."""
    wanted, cell = [(table, seed) for seed in range(seeds) for table in suite], Taught()

    def work(key: tuple[str, int]) -> Records:
        table, seed = key
        return [{"table": table, "split": seed} | row for row in cell.rows(suite_sides(table, str(seed)))]

    def path_of(key: tuple[str, int]) -> Path:
        return out / digest_of(cell, f"suite:{key[0]}") / f"{key[0]}-{key[1]}.json"

    results = pd.DataFrame(
        [row for rows in each_cell(wanted, work, path_of, jobs=jobs, console=console()) for row in rows]
    )
    console().print(taught_table(results))
    return dict(figures(results))


def cell(key: tuple[str, int, str, str]) -> Records:
    """Return the points of a table, a split, a learner and a way of asking."""
    table, seed, learner, way = key
    told = {"table": table, "split": seed, "learner": learner}
    return [told | row for row in Bought(learner, way).rows(suite_sides(table, str(seed)))]


def cell_file(out: Path, key: tuple[str, int, str, str]) -> Path:
    """Name the file in which these points are kept."""
    table, seed, learner, way = key
    settings = (Bought(learner, way), LEARNERS[learner], ASKINGS.get(way))
    return out / digest_of(settings, f"suite:{table}") / f"{table}-{seed}.json"


def checked_cards(start: str, out: Path, jobs: int) -> dict[str, object]:
    """Run all policies on the stream from a first day; print the table, and return the figures of the last line."""
    wanted = [(policy, late) for late in DELAYS for policy in POLICIES]

    def work(key: tuple[str, str]) -> Records:
        policy, late = key
        return [{"policy": policy, "labels": late} | row for row in Stream(POLICIES[policy], DELAYS[late]).rows(start)]

    def path_of(key: tuple[str, str]) -> Path:
        cell = Stream(POLICIES[key[0]], DELAYS[key[1]])
        return out / digest_of(cell, "suite:fraud_handbook") / f"{start}-{key[1]}.json"

    results = pd.DataFrame(
        [row for rows in each_cell(wanted, work, path_of, jobs=jobs, console=console()) for row in rows]
    )
    console().print(table_of(results))
    figure_style.save(stream_picture(results, start), out / f"stream-{start}.png")
    never = results[results["labels"] == "never"]
    last = never.sort_values("day", kind="stable").groupby("policy")[["found", "average_precision"]].last()
    found, ap = last["found"].to_dict(), last["average_precision"].to_dict()
    return {
        "frauds_asked": int(found[ASKED]),
        "frauds_top": int(found[TOP]),
        "ap_asked": round(float(ap[ASKED]), 4),
        "ap_top": round(float(ap[TOP]), 4),
        "start": start,
    }
