"""scikit-activeml and modAL buy labels beside our asking, and cleanlab looks for planted label errors.

Run as ``python -m experiments.benchmarks.labels.peers --python peers/bin/python``. The peers are no dependencies
of this project; the interpreter belongs to an environment of its own, made in two lines::

    python3.11 -m venv peers
    peers/bin/pip install scikit-activeml modAL-python cleanlab

Peers begin with the same rows as our asking and buy the same number in each batch, with extremely randomised trees of
scikit-learn that have the settings of ours; the model that chooses is scored on the same test rows. cleanlab gets
out-of-fold probabilities of these trees; our list is made from the same ones. Cells are kept as soon as they are done,
ours beside those of ``python -m experiments.benchmarks.labels``. The last line is JSON.
"""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from experiments.benchmarks.autogluon.environment import Environment
from experiments.benchmarks.curves.curves import suite_sides
from experiments.benchmarks.label_errors import CLEAN, SHARE
from experiments.benchmarks.label_errors import TABLES as ERROR_TABLES
from experiments.benchmarks.labels import labels
from experiments.benchmarks.labels.cells import RANDOM
from experiments.benchmarks.labels.peers.cells import CLEANLAB, OURS, Check, Purchase
from experiments.benchmarks.labels.peers.exchange import PEER
from experiments.benchmarks.labels.peers.worker import WAYS
from experiments.benchmarks.labels.readings import DEFAULT, curves, full_score, mean_at, needed, tables_of
from experiments.benchmarks.options import among, console
from experiments.data.sources import rare_suite
from experiments.storage.result_cache import Records, digest_of, each_cell

LEARNER = "extra trees"
OWN = (RANDOM, DEFAULT, "doubt without audit")  # peers draw no audit
TABLES = ("oil_spill", "kc1", "us_crime", "mammography")


def main(  # Wide: each parameter is an option of the command
    python: Annotated[Path, typer.Option(help="Interpreter of an environment with the peers.")],
    tables: Annotated[str, typer.Option(help="Tables of the suite.")] = ",".join(TABLES),
    seeds: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1, and of label errors.")] = 2,
    peers: Annotated[str, typer.Option(help="Ways of the peers, separated by commas.")] = ",".join(WAYS),
    errors: Annotated[
        str, typer.Option(help="Tables with planted label errors, or without.")
    ] = f"mammography,{next(iter(CLEAN))}",
    rows: Annotated[int, typer.Option(min=100, help="Rows of larger tables with label errors.")] = 12_000,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs"),
) -> None:
    """Buy labels and look for label errors with the peers; print the tables and, last, one line of JSON."""
    suite, ways = among("--tables", tables, rare_suite()), among("--peers", peers, WAYS)
    checked = among("--errors", errors, (*ERROR_TABLES, *CLEAN))
    environment, terminal = Environment.of(python, PEER), console()
    terminal.print("Peers: " + ", ".join(" ".join(each) for each in environment.versions.items()) + ".", soft_wrap=True)
    results = purchases(suite, seeds, ways, environment, out)
    for table in tables_of(results):
        terminal.print(table)
    found = checks(checked, seeds, rows, environment, out)
    columns = ["rows", "listed", "precision", "recall", "recall_listed"]
    terminal.print(found.groupby(["table", "way"], sort=False)[columns].mean().round(3).to_string())
    print(json.dumps(headline(results) | errors_headline(found) | {"versions": environment.versions}))


def purchases(suite: list[str], seeds: int, ways: list[str], environment: Environment, out: Path) -> pd.DataFrame:
    """Return the points of our ways and of the peers' on all splits of all tables."""
    wanted = [(table, seed, LEARNER, way) for table in suite for seed in range(seeds) for way in (*OWN, *ways)]

    def work(key: tuple[str, int, str, str]) -> Records:
        table, seed, learner, way = key
        if way in OWN:
            return labels.cell(key)
        told = {"table": table, "split": seed, "learner": learner}
        return [told | row for row in Purchase(way).rows(suite_sides(table, str(seed)), environment)]

    def path_of(key: tuple[str, int, str, str]) -> Path:
        table, seed, _, way = key
        if way in OWN:
            return labels.cell_file(out / "labels", key)
        return peer_file(out, Purchase(way), environment, f"{table}-{seed}", table)

    finished = each_cell(wanted, work, path_of, jobs=1, console=console())
    return pd.DataFrame([row for rows in finished for row in rows])


def checks(names: list[str], seeds: int, rows: int, environment: Environment, out: Path) -> pd.DataFrame:
    """Return one row for each table, seed and way to list labels that look wrong."""
    check = Check(rows)

    def path_of(key: tuple[str, int]) -> Path:
        name, seed = key
        return peer_file(out, check, environment, f"{name}-{seed}", name)

    keys = [(name, seed) for name in names for seed in range(seeds)]
    finished = each_cell(keys, lambda key: check.rows(*key, environment), path_of, jobs=1, console=console())
    return pd.DataFrame([row for rows in finished for row in rows])


def peer_file(out: Path, cell: Purchase | Check, environment: Environment, name: str, table: str) -> Path:
    """Name the file of a cell of a peer; it depends on versions of the packages and on the script that runs them."""
    work = (cell, sorted(environment.versions.items()), PEER.worker.read_text(encoding="utf-8"))
    return out / "label_peers" / digest_of(work, f"suite:{table}") / f"{name}.json"


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of labels bought, by way: share of them for 95 % of our full score, and scores at 10 %."""
    shares, read = needed(results), curves(results)
    ways = list(dict.fromkeys(results["arm"]))
    return {
        "median_share_for_95": {way: round(float(shares[way].median()), 3) for way in ways},
        "ap_10": {way: round(mean_at(read, way, 0.1), 4) for way in ways},
        "ap_full": round(float(full_score(results).mean()), 4),
        "tables": int(results["table"].nunique()),
        "splits": int(results["split"].nunique()),
    }


def errors_headline(found: pd.DataFrame) -> dict[str, object]:
    """Return the figures of label errors: precision and recall of the first, and how many clean labels are listed."""
    told = dict[str, object]()
    for word, way in (("cleanlab", CLEANLAB), ("ours", OURS)):
        own = found[found["way"] == way]
        clean = own["table"].isin(CLEAN)
        hits, none = own[~clean], own[clean]
        told[f"precision_{word}"] = round(float(hits["precision"].mean()), 3) if len(hits) else None
        told[f"recall_{word}"] = round(float(hits["recall_listed"].mean()), 3) if len(hits) else None
        told[f"clean_listed_{word}"] = int(none["listed"].max()) if len(none) else None
    return told | {"first": SHARE}
