"""Figures of synthetic rows: two columns beside the real ones, and where the rows of a request lie.

Run as
``python -m experiments.benchmarks.fidelity.gallery --table magic --columns fAlpha,fLength --where "fAlpha > 60"``.
"""

from pathlib import Path
from typing import Annotated

import typer

from experiments.benchmarks.fidelity.fidelity import TABLES, split_of
from experiments.benchmarks.fidelity.figures import beside, landed
from experiments.benchmarks.options import listed
from experiments.report.figure_style import save
from generators import GENERATORS
from loop.errors import WeakspotError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.seeds import stream
from loop.types import Region, Request


def main(
    table: Annotated[str, typer.Option(help=f"One of {', '.join(TABLES)}.")],
    columns: Annotated[str, typer.Option(help="Two columns, separated by a comma.")],
    where: Annotated[str, typer.Option(help="Region of the request, in words of the table.")],
    generators: Annotated[str, typer.Option(help="Generators, separated by commas.")] = "tree_chain,copula,vae",
    n: Annotated[int, typer.Option(min=1, help="Rows of the request.")] = 500,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("runs/gallery"),
) -> None:
    """Fit generators on a benchmark table and write two pictures."""
    if table not in TABLES:
        raise WeakspotError(f"--table must be one of {', '.join(TABLES)}, got {table!r}: choose one of these.")
    real = split_of(table, 0).train
    names = real.schema.names
    chosen = listed(columns)
    if len(chosen) != 2 or not set(chosen) <= set(names):
        raise WeakspotError(f"--columns must be two of {', '.join(names)}, got {columns!r}: choose from these.")
    region = as_region(parse(where), real.schema)
    anywhere, inside = {}, {}
    for name in listed(generators):
        fitted = GENERATORS.make(name).fit(real, stream(0, name))
        anywhere[name] = fitted.sample(Request(Region(), None, len(real)), stream(0, "anywhere")).table
        inside[name] = fitted.sample(Request(region, None, n), stream(0, "inside")).table
    pair = names.index(chosen[0]), names.index(chosen[1])
    save(beside(real, anywhere, pair), out / f"{table}-beside.png")
    save(landed(real, inside, region, pair), out / f"{table}-landed.png")
    typer.echo(f"pictures: {out / f'{table}-beside.png'}, {out / f'{table}-landed.png'}")


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
