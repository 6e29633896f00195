"""Curves of the gain of the loop against new rows, generations and seconds.

Run as ``python -m experiments.benchmarks.curves``; the last line is JSON with the headline figures. Each of
the three curves is made of cells, one for each table and split, which are cached in ``--out``:

- ``rows``: gain over real rows alone against the number of new rows, aimed and untargeted, on the rare-class suite;
- ``fraud``: the same on weeks of card fraud;
- ``cost``: gain against generations and seconds, for some settings.

The number of rows is a budget, a multiple of the real rows. Fewer are kept: gates refuse some rows, and aimed
generations may be rolled back. Each aimed row is chosen among ``Settings.pool`` proposals that teacher and learner
score.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from experiments.benchmarks.curves.cells import BUDGETS, CostCurve, Curve, RowsCurve, Sides
from experiments.benchmarks.curves.figures import picture
from experiments.benchmarks.curves.readings import headline, tables_of
from experiments.benchmarks.options import among, console
from experiments.config.strategies import compose
from experiments.data.card_fraud import STARTS
from experiments.data.protocols import fraud_split, suite_split
from experiments.data.sources import rare_suite
from experiments.report import figure_style
from experiments.storage.result_cache import Records, digest_of, each_cell
from learners import Committee, ExtraTrees, Linear, XGBoost
from loop.cycle.parts import Parts, Settings


def other_parts(settings: Settings) -> dict[str, Parts]:
    """Return the parts that are compared by cost: smaller committees, and a loop without a surrogate."""
    default, members = compose(settings=settings), Committee().members
    kinds = {"no networks in the teacher": (XGBoost, ExtraTrees, Linear), "boosted teacher": (XGBoost,)}
    smaller = {name: [member for member in members if isinstance(member, kind)] for name, kind in kinds.items()}
    teachers = {name: Committee(members=tuple(left), jobs=settings.jobs) for name, left in smaller.items()}
    return {
        **{name: replace(default, teacher=teacher) for name, teacher in teachers.items()},
        "no surrogate": replace(default, surrogate=None, augmented_surrogate=None),
    }


def suite_sides(table: str, seed: str) -> Sides:
    """Split one table of the suite as its protocol says."""
    return Sides.of(suite_split(table, int(seed)), int(seed))


def fraud_sides(_: str, start: str) -> Sides:
    """Return the weeks of card fraud for a first training day."""
    return Sides.of(fraud_split(start), 0)


def main(  # Wide: each parameter is an option of the command
    curves: Annotated[str, typer.Option(help="Curves, separated by commas.")] = "rows,fraud,cost",
    tables: Annotated[str, typer.Option(help="Tables of the suite.")] = ",".join(rare_suite()),
    splits: Annotated[int, typer.Option(min=1, help="Splits of each table, seeds 0..N-1.")] = 3,
    starts: Annotated[str, typer.Option(help="First training days of card fraud.")] = STARTS[0],
    aimed: Annotated[float, typer.Option(min=BUDGETS[0], help="Largest budget of aimed rows on the suite.")] = 2.0,
    fraud_aimed: Annotated[float, typer.Option(min=BUDGETS[0], help="The same on card fraud.")] = 0.5,
    untargeted: Annotated[float, typer.Option(min=BUDGETS[0], help="Largest budget of untargeted rows.")] = 4.0,
    most_generations: Annotated[int, typer.Option("--generations", min=1, help="Longest loop of the cost.")] = 6,
    out: Annotated[Path, typer.Option(help="Folder of finished cells and of curves.png.")] = Path("runs/curves"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
) -> None:
    """Draw the curves of rows and costs; print their tables and, last, one line of JSON."""
    settings, budgets = Settings(jobs=1 if jobs > 1 else 2), np.array(BUDGETS)
    parts, unaimed = compose(settings=settings), tuple(budgets[budgets <= untargeted].tolist())
    known: dict[str, Curve] = {
        "rows": RowsCurve(parts, tuple(budgets[budgets <= aimed].tolist()), unaimed),
        "fraud": RowsCurve(parts, tuple(budgets[budgets <= fraud_aimed].tolist()), unaimed),
        "cost": CostCurve(parts, other_parts(settings), most_generations),
    }
    suite = [(table, str(split)) for split in range(splits) for table in among("tables", tables, rare_suite())]
    weeks = [("card fraud", start) for start in among("starts", starts, STARTS)]
    chosen = among("curves", curves, tuple(known))
    wanted = [(curve, *each) for curve in chosen for each in (weeks if curve == "fraud" else suite)]

    def work(key: tuple[str, str, str]) -> Records:
        curve, table, split = key
        sides = (fraud_sides if curve == "fraud" else suite_sides)(table, split)
        return [{"curve": curve, "table": table, "split": split} | row for row in known[curve].rows(sides)]

    def path_of(key: tuple[str, str, str]) -> Path:
        source = "suite:fraud_handbook" if key[0] == "fraud" else f"suite:{key[1]}"
        return out / digest_of(known[key[0]], source) / f"{'-'.join(key).replace(' ', '_')}.json"

    finished = each_cell(wanted, work, path_of, jobs=jobs, console=console())
    results = pd.DataFrame([row for rows in finished for row in rows])
    for table in tables_of(results):
        console().print(table)
    figure_style.save(picture(results), out / "curves.png")
    print(json.dumps(headline(results)))
