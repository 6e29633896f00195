"""Savings of a warm start: a second fit from the weights of the first, compared with a fit from scratch.

Run as ``python -m experiments.benchmarks.warm_start``; the last line is JSON. The first fit sees four fifths of the
training rows, the second all of them.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table as RichTable

from experiments.benchmarks.fidelity.fidelity import TABLES, split_of
from experiments.benchmarks.options import console
from experiments.trust.audit.inputs import draw
from experiments.trust.audit.likeness import likeness
from experiments.trust.audit.utility import roc_auc
from generators import Diffusion, Gan, Vae
from loop.protocols import Generator
from loop.seeds import stream
from loop.types import Table

KINDS: Mapping[str, Callable[..., Generator]] = {"diffusion": Diffusion, "vae": Vae, "gan": Gan}
EARLIER = 0.8  # share of the training rows that the first fit sees
MEASURES = {"seconds": ".1f", "utility": ".3f", "real_or_synthetic_auc": ".2f"}


def main(table: Annotated[str, typer.Option(help=f"One of {', '.join(TABLES)}.")] = "magic") -> None:
    """Fit each kind of net on a table, warm and from scratch; print seconds and the utility of its rows."""
    split = split_of(table, 0)
    train, test = split.train, split.test
    earlier = train.take(stream(0, "earlier").random(len(train)) < EARLIER)
    rows = [row for name in KINDS for row in _both(name, earlier, train, test)]
    terminal, printed = console(), RichTable("generator", "start", *MEASURES)
    for row in rows:
        measured = (f"{row[measure]:{form}}" for measure, form in MEASURES.items())
        printed.add_row(str(row["generator"]), str(row["start"]), *measured)
    terminal.print(printed)
    results = pd.DataFrame(rows).pivot(index="generator", columns="start")
    print(json.dumps({"table": table, **_headline(results)}))


def _both(name: str, earlier: Table, train: Table, test: Table) -> list[dict[str, object]]:
    warm = KINDS[name](warm_start=True).fit(earlier, stream(0, name, "earlier"))
    rows = []
    for start, generator in (("nothing", KINDS[name]()), ("warm", warm)):
        began = time.perf_counter()
        generator.fit(train, stream(0, name, start))
        seconds = time.perf_counter() - began
        made = draw(generator, len(train), stream(0, name, start, "draw"))
        alike = likeness(train, made, stream(0, "likeness"))
        worth = {
            "utility": roc_auc(made, test, stream(0, "utility")),
            "real_or_synthetic_auc": alike.detection_auc,
        }
        rows.append({"generator": name, "start": start, "seconds": seconds, **worth})
    return rows


def _headline(results: pd.DataFrame) -> dict[str, float]:
    saved = results["seconds"]["nothing"] / results["seconds"]["warm"]
    lost = results["utility"]["nothing"] - results["utility"]["warm"]
    told = {f"{name}_times_faster": round(float(times), 2) for name, times in saved.items()}
    return told | {f"{name}_utility_lost": round(float(gap), 4) for name, gap in lost.items()}


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
