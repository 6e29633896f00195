"""The rare-class suite: the loop compared with the other arms on nine public tables, ten splits each.

Run as ``python -m experiments.benchmarks.rare_suite``: it is ``weakspot compare experiments/configs/suite.yaml``.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from experiments.benchmarks.options import console
from experiments.compare.compare import compare
from experiments.config.reader import load_config
from experiments.config.run_config import CompareConfig

PROTOCOL = Path(str(files("experiments"))) / "configs" / "suite.yaml"


def main(
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of cells and results.")] = Path("runs"),
) -> None:
    """Compare all arms on the rare-class suite; print the tables and, last, one line of JSON."""
    config = load_config(CompareConfig, PROTOCOL, {"out": str(out)})
    compare(config, console(200), jobs)


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
