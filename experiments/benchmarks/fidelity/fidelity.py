"""Synthetic tables compared: utility, likeness and privacy of every generator on three public tables.

Run as ``python -m experiments.benchmarks.fidelity``; the last line is JSON with the headline figures. Every
generator is fitted on one half of the training rows and makes as many; its rows are audited as `weakspot audit` does.
Resampled real rows are the upper reference, independently drawn columns the lower one. Finished cells are cached in
``--out``.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.benchmarks.options import among, console
from experiments.data.files import write_table
from experiments.data.sources import load
from experiments.data.split import Split
from experiments.storage.result_cache import digest, each_cell
from experiments.trust.audit.audit import audit
from experiments.trust.audit.evidence import refitted, thinned
from experiments.trust.audit.inputs import draw
from experiments.trust.audit.output import headline as headline_of
from experiments.trust.audit.states import LEAKS
from experiments.trust.audit.verdict import state_of
from generators import (
    GENERATORS,
    Copula,
    Diffusion,
    ForestFlow,
    Gan,
    ImblearnAdapter,
    Neighbourhood,
    Resample,
    TreeChain,
    Vae,
)
from loop.protocols import Generator
from loop.seeds import stream
from loop.support import atomic
from loop.types import Request, Samples, Table

TABLES = ("adult", "magic", "shoppers")
REAL, FLOOR = "real rows again", "independent columns"
PRIVATE = "private_tree"  # differentially private; a contestant where it is installed
MEASURES = ("utility", "shapes", "pairs", "real_or_synthetic_auc", "attack_auc", "found_at_1", "found_at_01", "epsilon")


@dataclass(eq=False)
class Independent:
    """The lower reference: every column, and the label, is drawn independently from the real values."""

    table_: Table = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the real rows."""
        self.table_ = table.take(table.is_real)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw each column by itself; region and label of the request are ignored."""
        n = len(self.table_)
        X = np.column_stack([column[rng.integers(n, size=request.n)] for column in self.table_.X.T])
        return Samples(
            Table.real(X, self.table_.y[rng.integers(n, size=request.n)], self.table_.schema), request, request.n
        )


CONTESTANTS: Mapping[str, Callable[[], Generator]] = {
    REAL: Resample,
    "tree chain": TreeChain,
    "tree chain (large leaves)": lambda: TreeChain(min_leaf=100),
    "copula": Copula,
    "forest flow": ForestFlow,
    "diffusion": Diffusion,
    "vae": Vae,
    "gan": Gan,
    "neighbourhood": Neighbourhood,
    "SMOTE": ImblearnAdapter,
    **({"private tree": partial(GENERATORS.make, PRIVATE)} if PRIVATE in GENERATORS.names() else {}),
    FLOOR: Independent,
}


def split_of(name: str, seed: int) -> Split:
    """Split a table: adult by its published split, the others 90/10 at random, stratified by class."""
    data = load(f"suite:{name}", "target")
    if "split" not in data.frame:
        return Split.of(data, seed, test_size=0.1)
    is_train = (data.frame["split"] == "train").to_numpy()
    data = replace(data, frame=data.frame.drop(columns="split"))
    return Split.at(data, np.flatnonzero(is_train), np.flatnonzero(~is_train))


def cell(name: str, contestant: str, split: int, most: int) -> list[dict[str, object]]:
    """Audit one generator on one table: fitted on one half of the training rows, while the other was not used."""
    sides = split_of(name, split)
    seconds: dict[str, float] = {}

    def make(members: Table) -> Table:
        seed, started = f"{name} {contestant}", time.perf_counter()
        generator = CONTESTANTS[contestant]().fit(members, stream(split, seed, "fit"))
        seconds["fit"] = time.perf_counter() - started
        made = draw(generator, len(members), stream(split, seed, "draw"))
        seconds["draw"] = time.perf_counter() - started - seconds["fit"]
        return made

    train = thinned(sides.train, most, stream(split, "thinned"))
    evidence = replace(refitted(train, make, stream(split, "halves")), held_out=sides.test)
    found = audit(evidence, stream(split, "audit"))
    figures = headline_of(found)
    useful, equal = found.utility, found.copies
    row: dict[str, object] = {
        "table": name,
        "generator": contestant,
        "split": split,
        "utility": None if useful is None else useful.trained[0].auc,
        "real": None if useful is None else useful.trained[0].auc_real,
        "shapes": found.likeness.shapes,
        "pairs": found.likeness.pairs,
        "real_or_synthetic_auc": found.likeness.detection_auc,
        "state": state_of(found),
        "attack_auc": figures["worst_auc"],
        **{f"found_at_{name}": figures[f"tpr_at_{name}"] for name in ("1", "01")},
        "epsilon": figures["epsilon_lower"],
        "distance_alone": None if found.attacked is None else found.attacked.curves[-1].auc,
        "copies": equal.equal.estimate,
        "copies_usual": equal.equal_usual.estimate,
        "seconds_fit": seconds["fit"],
        "seconds_draw": seconds["draw"],
        "rows": len(evidence.synthetic),
    }
    return [row]


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return gaps in utility to the real rows: of the best generator on each table, and of the best that leaks on none.

    A generator leaks if the audits of more than half of the splits say so of any table: an audit alone is wrong now and
    then. If all leak, the one with the least attack is taken. The best of several has the smallest gap on its worst
    table.
    """
    made = results[~results["generator"].isin((REAL, FLOOR))]
    made = made.assign(gap=made["real"] - made["utility"], leaks=made["state"] == LEAKS)
    gaps = made.pivot_table(index="generator", columns="table", values="gap", sort=False)
    by_table = made.groupby(["generator", "table"], sort=False)[["leaks", "attack_auc"]].mean()
    leaking = (by_table["leaks"] > 0.5).groupby("generator", sort=False).any()
    attack = by_table["attack_auc"].groupby("generator", sort=False).max()
    safe = ~leaking if not leaking.all() else attack == attack.min()
    worst = gaps[safe.reindex(gaps.index)].max(axis=1)
    private = str(worst.idxmin())
    return {
        **{f"{table}_gap_to_real": round(float(gap), 4) for table, gap in gaps.min().items()},
        "leaking": [str(name) for name in leaking.index[leaking]],
        "private_attack_auc": round(float(attack[private]), 4),
        "private_gap_to_real": round(float(worst[private]), 4),
        "private": private,
        **{f"private_{table}_gap": round(float(gap[private]), 4) for table, gap in gaps.items()},
    }


def show(results: pd.DataFrame, console: Console) -> None:
    """Print a table of all measures for each of the real tables."""
    for name, own in results.groupby("table", sort=False):
        printed = RichTable(
            "generator", *MEASURES, "audit", "s to fit", "s to draw", title=f"{name}: real {own['real'].mean():.3f}"
        )
        for generator, rows in own.groupby("generator", sort=False):
            mean = rows.mean(numeric_only=True)
            costs = (f"{mean['seconds_fit']:.1f}", f"{mean['seconds_draw']:.1f}")
            found = int((rows["state"] == LEAKS).sum())
            told = f"leaks: {found} of {len(rows)}" if found else ""
            printed.add_row(str(generator), *(f"{mean[measure]:.3f}" for measure in MEASURES), told, *costs)
        console.print(printed)


def main(
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(TABLES),
    generators: Annotated[str, typer.Option(help="Generators, separated by commas.")] = ",".join(CONTESTANTS),
    splits: Annotated[int, typer.Option(min=1, help="Repeats, each with its own split and seeds.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of finished cells, the table and the picture.")] = Path(
        "runs/fidelity"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
    rows: Annotated[int, typer.Option(min=200, help="Training rows of each table, at most.")] = 1_000_000,
) -> None:
    """Measure every generator on every table; print the tables and, last, one line of JSON."""
    names, contestants = among("tables", tables, TABLES), among("generators", generators, CONTESTANTS)
    terminal = console()
    keys = [(name, contestant, split) for split in range(splits) for name in names for contestant in contestants]

    def path_of(key: tuple[str, str, int]) -> Path:
        name, contestant, split = key
        return (
            out / f"{name}-{contestant.replace(' ', '_')}-{split}-{digest(f'{CONTESTANTS[contestant]()} {rows}')}.json"
        )

    found = each_cell(keys, lambda key: cell(*key, rows), path_of, jobs=jobs, console=terminal)
    results = pd.DataFrame([row for cells in found for row in cells])
    results[list(MEASURES)] = results[list(MEASURES)].apply(pd.to_numeric)  # what too few rows cannot say is NaN
    show(results, terminal)
    from experiments.benchmarks.fidelity.figures import frontier

    figure = frontier(results)
    atomic.write_file(out / "frontier.png", partial(figure.savefig, dpi=120, format="png"))
    write_table(results, out / "fidelity.csv")
    terminal.print(f"picture: {out / 'frontier.png'}; figures: {out / 'fidelity.csv'}")
    print(json.dumps(headline(results)))
