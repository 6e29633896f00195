"""The command ``weakspot``. Commands import heavy libraries themselves, so that --help is fast."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.begin import init, schema
from experiments.cli.errors import one_sentence
from experiments.cli.generating.command import generate
from experiments.cli.labels import answer, queue
from experiments.cli.output import console, tell_all
from experiments.cli.output import say as tell
from experiments.cli.predict import predict
from experiments.cli.refit import refit
from experiments.cli.result import DryRun, LastLine, print_plan
from experiments.cli.run import run
from experiments.cli.scale import Scale, scale_of
from experiments.cli.stress import stress
from experiments.cli.trust import retract, trace
from experiments.trust.audit.command import audit
from loop.errors import ConfigError, DataError

if TYPE_CHECKING:
    from loop.tracking import MlflowSettings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train a model, find where it is weak, make data exactly there, retrain, and prove whether that helped.",
)

RunFolder = Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN_DIR")]


def main() -> None:
    """Run the command line: the console entry point."""
    app()


def run_command(function: Callable[..., object]) -> None:
    """Run a function as a command; its options come from its annotations, and errors are one sentence."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(one_sentence(function))
    alone()


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        tell(f"weakspot {version('weakspot')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Hold the options that belong to no single command."""


app.command()(one_sentence(run))
app.command()(one_sentence(init))
app.command()(one_sentence(schema))


@app.command()
@one_sentence
def compare(
    config: Annotated[Path, typer.Argument(help="YAML file with sources, strategies and seeds.")],
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="Cells side by side.")] = 1,
    scale: Scale = None,
    dry_run: DryRun = False,
    alone: LastLine = False,
) -> None:
    """Compare strategies on the same splits; finished cells are not run again."""
    from experiments.config.reader import load_config
    from experiments.config.run_config import CompareConfig

    checked = load_config(CompareConfig, config, {"scale": scale_of(scale)})
    if dry_run:
        print_plan(checked, alone, jobs)
        return
    from experiments.compare.compare import compare as compare_all  # after the checks: it loads every library

    compare_all(checked, console(silent=alone), jobs)


@app.command()
@one_sentence
def tune(
    config: Annotated[Path, typer.Argument(help="YAML file with sources, the space to search, and how long.")],
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Trials side by side.")] = 1,
    scale: Scale = None,
    dry_run: DryRun = False,
    alone: LastLine = False,
) -> None:
    """Search the settings of the loop; the same command continues an earlier search."""
    from experiments.config.reader import load_config
    from experiments.tune.config import TuneConfig

    checked = load_config(TuneConfig, config, {"scale": scale_of(scale)})
    if dry_run:
        print_plan(checked, alone, workers)
        return
    from experiments.tune.tune import tune as search  # after the checks: it loads every library

    search(checked, console(silent=alone), workers)


app.command()(one_sentence(predict))


@app.command()
@one_sentence
def export(
    run_dir: RunFolder,
    to: Annotated[str, typer.Option(help="xgboost-json or onnx.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder; default: export/ and the format, in that of the run.")
    ] = None,
) -> None:
    """Write the final model of a run in a format that is served without weakspot."""
    from experiments.export.export import export as write_export
    from experiments.storage.run_folder import MODEL, load_model
    from experiments.trust.provenance import record
    from experiments.trust.provenance.leaving import home_of, note

    folder = run_dir / "export" / to if out is None else out
    write_export(load_model(run_dir / MODEL), to, folder, run_dir / MODEL / record.FILE)
    tell_all([note(home_of(run_dir), sorted(folder.iterdir()), "export")])
    tell(f"{folder}: {' and '.join(sorted(path.name for path in folder.iterdir()))}")


for command in (generate, refit, stress, queue, answer, trace, retract, audit):
    app.command()(one_sentence(command))


@app.command()
@one_sentence
def report(run_dir: RunFolder) -> None:
    """Print the report of a finished run and write its page again."""
    from experiments.report.terminal import show_again

    show_again(run_dir, console())
    from experiments.report.html import write_page  # after the checks: it loads matplotlib

    tell(f"{write_page(run_dir)}: the page, written again")


@app.command()
@one_sentence
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 5000,
    tracking: Annotated[str, typer.Option(help="Path of mlflow.yaml.")] = "auto",
) -> None:
    """Open the records of all runs: starts MLflow's page on the configured store."""
    from experiments.cli.children import run_to_end
    from loop.support.secrets import masked
    from loop.tracking import runs_page
    from loop.tracking.postgres import reachable

    store = _store(tracking)
    uri = store.tracking_uri
    if uri.startswith("http"):
        tell(f"The records are on a server: open {runs_page(store, masked(uri).rstrip('/'))}")
        return
    address = reachable(uri)
    tell(f"MLflow at {runs_page(store, f'http://127.0.0.1:{port}')} (Ctrl-C ends it)")
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port)]
    quick = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | os.environ  # for chat models; slow to start
    quick |= {"MLFLOW_BACKEND_STORE_URI": address}  # not an argument: lists of processes show those to everybody
    raise typer.Exit(run_to_end(command, quick))


@app.command()
@one_sentence
def upload(
    run_dir: RunFolder,
    tracking: Annotated[str, typer.Option(help="Path of mlflow.yaml.")] = "auto",
) -> None:
    """Send the journal of a run to MLflow, for example after its server was down."""
    from experiments.storage.run_folder import JOURNAL
    from loop.support.commands import tracking_words
    from loop.tracking import JsonlTracker, MlflowTracker, replay

    folder = run_dir / JOURNAL if (run_dir / JOURNAL).is_dir() else run_dir
    if not folder.is_dir():
        raise DataError(f"an upload needs the folder of a run, got {run_dir}: check the path.")
    sent = replay(folder, MlflowTracker(_store(tracking), JsonlTracker(folder, again=True), tracking_words(tracking)))
    tell(f"{sent} records are in MLflow.")


def _store(tracking: str) -> "MlflowSettings":
    from experiments.run.tracking import settings_of

    settings = settings_of(tracking)
    if settings is None:
        raise ConfigError("--tracking must be the path of an mlflow.yaml here, got none: name one or leave it out.")
    return settings
