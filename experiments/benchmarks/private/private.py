"""Differentially private rows on three public tables: what they are worth at a stated epsilon, and to whom.

Run as ``python -m experiments.benchmarks.private``; the last line is JSON: the mean ROC AUC, over draws, of XGBoost
trained on as many private rows as there are real ones, on real test rows, for each table and epsilon; how far an audit
is above the epsilon stated (0 = nowhere); and the longest fit. Each draw is a fit of its own, and cannot be repeated
exactly. Finished cells are cached in ``--out``.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.table import Table as RichTable
from sklearn.metrics import roc_auc_score

from experiments.benchmarks.fidelity.fidelity import TABLES, split_of
from experiments.benchmarks.options import among, console
from experiments.benchmarks.private.auditing import audit
from experiments.storage.result_cache import digest, each_cell
from generators import PrivateTree
from learners import XGBoost
from loop.seeds import stream
from loop.types import Region, Request, Table

BUDGETS, DELTA = ("1", "3", "10"), 1e-6
NO_NOISE = "1000"  # next to none: what the tree itself loses; protects nobody, so there is nothing to audit
REAL = "real"
AUDITED = "audit"
# Round numbers that a user could state from the description of a table. Kinds and categories are those of its codebook.
RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "adult": {
        "age": (0, 120),
        "fnlwgt": (0, 2_000_000),
        "education_num": (1, 16),
        "capital_gain": (0, 100_000),
        "capital_loss": (0, 5_000),
        "hours_per_week": (0, 100),
    },
    "magic": {
        "fLength": (0, 500),
        "fWidth": (0, 300),
        "fSize": (0, 10),
        "fConc": (0, 1),
        "fConc1": (0, 1),
        "fAsym": (-600, 600),
        "fM3Long": (-400, 400),
        "fM3Trans": (-400, 400),
        "fAlpha": (0, 90),
        "fDist": (0, 500),
    },
    "shoppers": {
        "Administrative": (0, 50),
        "Administrative_Duration": (0, 5_000),
        "Informational": (0, 50),
        "Informational_Duration": (0, 5_000),
        "ProductRelated": (0, 1_000),
        "ProductRelated_Duration": (0, 100_000),
        "BounceRates": (0, 1),
        "ExitRates": (0, 1),
        "PageValues": (0, 1_000),
        "SpecialDay": (0, 1),
    },
}
GROUPS = {"adult": "race", "shoppers": "Month"}  # a column whose categories are groups
FEWEST = 20  # test rows of each class for a group to be scored


def stated(name: str, table: Table) -> Table:
    """Return the rows with the ranges that are stated, not those that were seen."""
    ranges = RANGES[name]
    columns = (
        replace(each, low=float(ranges[each.name][0]), high=float(ranges[each.name][1]))
        if each.name in ranges
        else each
        for each in table.schema.columns
    )
    return replace(table, schema=replace(table.schema, columns=tuple(columns)))


def cell(name: str, budget: str, draw: int, fits: int) -> list[dict[str, object]]:
    """Score one draw of a table at a budget, or the real rows; or audit a budget."""
    if name == AUDITED:
        found = audit(float(budget), DELTA, fits)
        return [{"table": name, "budget": budget, "found": found.found, "excess": found.found - found.epsilon}]
    sides, started = split_of(name, 0), time.perf_counter()
    train, seconds = sides.train, 0.0
    if budget != REAL:
        started = time.process_time()
        generator = PrivateTree(float(budget), DELTA).fit(stated(name, train), stream(draw, "fit"))
        seconds = time.process_time() - started
        train = generator.sample(Request(Region(), None, len(train)), stream(draw, "draw")).table
    proba = XGBoost().fit(train, stream(draw, "learner")).predict_proba(sides.test.rows)[:, sides.test.schema.positive]
    row = {"table": name, "budget": budget, "draw": draw, "seconds_fit": seconds}
    return [row | {"group": group, "rows": n, "auc": auc} for group, n, auc in by_group(name, sides.test, proba)]


def by_group(name: str, test: Table, proba: np.ndarray) -> list[tuple[str, int, float]]:
    """Return name, number and ROC AUC of all test rows, then of each group that has enough of both classes."""
    positive = test.y == test.schema.positive
    found = [("all", len(test), float(roc_auc_score(positive, proba)))]
    if name not in GROUPS:
        return found
    at = test.schema.names.index(GROUPS[name])
    for code, group in enumerate(test.schema.columns[at].categories):
        rows = test.X[:, at] == code
        if min(positive[rows].sum(), (~positive[rows]).sum()) >= FEWEST:
            found.append(
                (f"{GROUPS[name]} {group}", int(rows.sum()), float(roc_auc_score(positive[rows], proba[rows])))
            )
    return found


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return the figures of the last line."""
    made = results[(results["table"] != AUDITED) & (results["budget"] != REAL)]
    made = made[made["group"] == "all"].assign(name="auc_" + made["table"] + "_" + made["budget"])
    means = made.groupby("name", sort=False)["auc"].mean()
    excess = results[results["table"] == AUDITED].reindex(columns=["excess"])["excess"]
    return {
        **{str(name): round(float(mean), 4) for name, mean in means.items()},
        "worst_epsilon_excess": None if excess.empty else round(max(0.0, float(excess.max())), 4),
        "seconds_fit_most": round(float(made["seconds_fit"].max()), 2),
    }


def show(results: pd.DataFrame) -> None:
    """Print the scores by table and group, then the audits."""
    terminal = console()
    scored = results[results["table"] != AUDITED]
    for name, own in scored.groupby("table", sort=False):
        wide = own.pivot_table(index="group", columns="budget", values="auc", sort=False)
        printed = RichTable("test rows of", "rows", *(str(each) for each in wide.columns), title=f"{name}: ROC AUC")
        rows = own.groupby("group", sort=False)["rows"].first()
        for (group, aucs), n in zip(wide.iterrows(), rows, strict=True):
            printed.add_row(str(group), f"{n:,}", *(f"{auc:.3f}" for auc in aucs))
        terminal.print(printed)
    for each in results[results["table"] == AUDITED].to_dict("records"):
        terminal.print(f"audit: at least epsilon {each['found']:.2f} of {each['budget']} stated")


def main(
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(TABLES),
    budgets: Annotated[str, typer.Option(help="Epsilons, separated by commas; 1000: next to no noise.")] = ",".join(
        BUDGETS
    ),
    draws: Annotated[int, typer.Option(min=1, help="Fits at each budget.")] = 5,
    fits: Annotated[int, typer.Option(min=50, help="Fits of an audit, with the row and without.")] = 1000,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/private"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Measure private rows, and audit the budgets; print tables and, last, one line of JSON."""
    names = among("tables", tables, TABLES)
    epsilons = among("budgets", budgets, (*BUDGETS, NO_NOISE))
    keys = [(AUDITED, epsilon, 0) for epsilon in epsilons if epsilon != NO_NOISE] + [(name, REAL, 0) for name in names]
    keys += [(name, epsilon, draw) for draw in range(draws) for name in names for epsilon in epsilons]

    def path_of(key: tuple[str, str, int]) -> Path:
        name, budget, draw = key
        settings = [repr(PrivateTree(1.0)), DELTA, fits if name == AUDITED else 0]
        return out / f"{name}-{budget}-{draw}-{digest(settings)}.json"

    found = each_cell(keys, lambda key: cell(*key, fits), path_of, jobs=jobs, console=console())
    results = pd.DataFrame([row for rows in found for row in rows])
    show(results)
    print(json.dumps(headline(results)))
