"""Synthetic tables compared: utility, likeness and privacy of every generator on three public tables.

Run as ``python -m experiments.benchmarks.fidelity``; the last line is JSON with the headline figures. Every
generator is fitted on the training rows and makes as many. Resampled real rows are the upper reference, independently
drawn columns the lower one. Finished cells are cached in ``--out``.
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

from experiments.benchmarks.fidelity.measures import attack_advantage, closeness, halves, likeness, utility
from experiments.benchmarks.options import among, console
from experiments.data.files import write_table
from experiments.data.sources import load
from experiments.data.split import Split
from experiments.storage.result_cache import digest, each_cell
from generators import Copula, Diffusion, ForestFlow, Gan, ImblearnAdapter, Neighbourhood, Resample, TreeChain, Vae
from loop.protocols import Generator
from loop.seeds import stream
from loop.support import atomic
from loop.types import Region, Request, Samples, Table

TABLES = ("adult", "magic", "shoppers")
REAL, FLOOR = "real rows again", "independent columns"
PRIVATE_ADVANTAGE = 0.02  # of the membership attack, at most
MEASURES = ("utility", "shapes", "pairs", "real_or_synthetic_auc", "closeness", "attack_advantage")


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


def draw(generator: Generator, n: int, like: Table, rng: np.random.Generator) -> Table:
    """Draw n rows; if the generator needs a label, class by class in the shares of the real rows."""
    if isinstance(generator, ImblearnAdapter):
        counts = np.round(np.bincount(like.y, minlength=like.n_classes) / len(like) * n).astype(int)
        return Table.concat([generator.sample(Request(Region(), c, int(k)), rng).table for c, k in enumerate(counts)])
    return generator.sample(Request(Region(), None, n), rng).table


def cell(name: str, contestant: str, split: int) -> list[dict[str, object]]:
    """Measure one generator on one table."""
    sides = split_of(name, split)
    train, test = sides.train, sides.test
    seed = f"{name} {contestant}"
    started = time.perf_counter()
    generator = CONTESTANTS[contestant]().fit(train, stream(split, seed, "fit"))
    fitted = time.perf_counter()
    made = draw(generator, len(train), train, stream(split, seed, "draw"))
    drawn = time.perf_counter()
    members, others = halves(train, stream(split, "halves"))
    attacked = CONTESTANTS[contestant]().fit(members, stream(split, seed, "attacked"))
    given = draw(attacked, len(members), members, stream(split, seed, "given"))
    some = made.take(stream(split, "some").permutation(len(made))[:5000])
    row: dict[str, object] = {
        "table": name,
        "generator": contestant,
        "split": split,
        "utility": utility(made, test, stream(split, "utility")),
        "real": utility(train, test, stream(split, "utility")),
        **likeness(train, made, stream(split, "likeness")),
        "closeness": closeness(train, test, some, stream(split, "closeness")),
        "attack_advantage": attack_advantage(members, others, given),
        "seconds_fit": fitted - started,
        "seconds_draw": drawn - fitted,
        "rows": len(made),
    }
    return [row]


def headline(results: pd.DataFrame) -> dict[str, object]:
    """Return gaps in utility to the real rows: of the best generator on each table, and of the best private one on all.

    A generator is private if the membership attack has an advantage of at most `PRIVATE_ADVANTAGE` on every table; if
    none is, the one with the least advantage. The best of several has the smallest gap on its worst table.
    """
    made = results[~results["generator"].isin((REAL, FLOOR))]
    made = made.assign(gap=made["real"] - made["utility"])
    gaps = made.pivot_table(index="generator", columns="table", values="gap", sort=False)
    advantage = made.pivot_table(index="generator", columns="table", values="attack_advantage", sort=False).max(axis=1)
    allowed = max(PRIVATE_ADVANTAGE, float(advantage.min()))
    worst = gaps[advantage <= allowed].max(axis=1)
    private = str(worst.idxmin())
    return {
        **{f"{table}_gap_to_real": round(float(gap), 4) for table, gap in gaps.min().items()},
        "private_attack_advantage": round(float(advantage[private]), 4),
        "private_gap_to_real": round(float(worst[private]), 4),
        "private": private,
        **{f"private_{table}_gap": round(float(gap[private]), 4) for table, gap in gaps.items()},
    }


def show(results: pd.DataFrame, console: Console) -> None:
    """Print a table of all measures for each of the real tables."""
    for name, own in results.groupby("table", sort=False):
        printed = RichTable(
            "generator", *MEASURES, "s to fit", "s to draw", title=f"{name}: real {own['real'].mean():.3f}"
        )
        for generator, rows in own.groupby("generator", sort=False):
            mean = rows.mean(numeric_only=True)
            costs = (f"{mean['seconds_fit']:.1f}", f"{mean['seconds_draw']:.1f}")
            printed.add_row(str(generator), *(f"{mean[measure]:.3f}" for measure in MEASURES), *costs)
        console.print(printed)


def main(
    tables: Annotated[str, typer.Option(help="Tables, separated by commas.")] = ",".join(TABLES),
    generators: Annotated[str, typer.Option(help="Generators, separated by commas.")] = ",".join(CONTESTANTS),
    splits: Annotated[int, typer.Option(min=1, help="Repeats, each with its own split and seeds.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of finished cells, the table and the picture.")] = Path(
        "runs/fidelity"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Measure every generator on every table; print the tables and, last, one line of JSON."""
    names, contestants = among("tables", tables, TABLES), among("generators", generators, CONTESTANTS)
    terminal = console()
    keys = [(name, contestant, split) for split in range(splits) for name in names for contestant in contestants]

    def path_of(key: tuple[str, str, int]) -> Path:
        name, contestant, split = key
        return out / f"{name}-{contestant.replace(' ', '_')}-{split}-{digest(repr(CONTESTANTS[contestant]()))}.json"

    found = each_cell(keys, lambda key: cell(*key), path_of, jobs=jobs, console=terminal)
    results = pd.DataFrame([row for rows in found for row in rows])
    show(results, terminal)
    from experiments.benchmarks.fidelity.figures import frontier

    figure = frontier(results)
    atomic.write_file(out / "frontier.png", partial(figure.savefig, dpi=120, format="png"))
    write_table(results, out / "fidelity.csv")
    terminal.print(f"picture: {out / 'frontier.png'}; figures: {out / 'fidelity.csv'}")
    print(json.dumps(headline(results)))
