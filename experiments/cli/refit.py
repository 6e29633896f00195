"""The command ``weakspot refit``: the learner of a run on a sample, fitted on all rows of its folder."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.output import console, print_json, say
from experiments.cli.result import Json
from experiments.cli.scale import Scale, scale_of


def refit(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run on a folder of Parquet files.", metavar="RUN_DIR")],
    scale: Scale = None,
    as_json: Json = False,
) -> None:
    """Fit the learner of a run on all rows of its folder, of which the run had a sample."""
    where = scale_of(scale)
    from experiments.refit import output  # after the checks: it loads every library
    from experiments.refit.refit import refit as fit_all
    from experiments.scale.cluster import on_workers
    from experiments.storage import run_folder

    told = console(silent=as_json)
    run_folder.fingerprint_of(run_dir)
    with run_folder.held(run_dir), on_workers(where):
        found = fit_all(run_dir, told)
        folder = output.write(found, run_dir)
    if as_json:
        print_json({"folder": str(folder), **output.record(found)})
        return
    output.show(found, told)
    say(f"{folder}: the model, for predict and export")
