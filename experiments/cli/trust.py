"""The commands ``weakspot trace`` and ``weakspot retract``: where a row comes from, and how one is forgotten."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.output import console, say
from loop.errors import ConfigError
from loop.support.commands import command

if TYPE_CHECKING:
    from experiments.config.run_config import RunConfig
    from experiments.trust.retraction.inventory import Inventory

RunFolder = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN_DIR")]
NOT_FORGETTING = (
    "Deleting only what was made from these rows would not be forgetting: teacher, generators, weak regions and "
    "learners had all seen them. So the run was repeated as if they had never been in the file."
)


def trace(
    run_dir: RunFolder,
    row: Annotated[int, typer.Argument(min=0, help="Row of synthetic.parquet, from 0.")],
) -> None:
    """Say in words where a synthetic row comes from."""
    from experiments.trust.provenance.trace import traced

    for line in traced(run_dir, row):
        say(line)


# Long: one line for each option
def retract(  # Wide: each parameter is an option of the command
    run_dir: RunFolder,
    rows: Annotated[Path | None, typer.Option(help="CSV with a column row (numbers from 0), or of --by.")] = None,
    by: Annotated[str | None, typer.Option(help="Column of the source whose values --rows lists.")] = None,
    group: Annotated[str | None, typer.Option(help="All rows of one group, such as a card.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what holds them or derives from them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    tracking: Annotated[str | None, typer.Option(help="Path of mlflow.yaml, or none; default: the run's.")] = None,
) -> None:
    """Repeat a run without some rows, and list, or delete, what still holds them or derives from them."""
    if (rows is None) == (group is None) or (by is not None and rows is None):
        raise ConfigError(
            "rows must be named in one way, got none or several: give --rows FILE, with --by COLUMN if it lists ids, "
            "or --group VALUE."
        )
    if delete and not (yes or sys.stdin.isatty()):
        raise ConfigError("--delete asks before it deletes, and nobody can answer here: add --yes.")
    from experiments.run.tracking import settings_of
    from experiments.storage import run_folder
    from experiments.trust.retraction import chosen
    from experiments.trust.retraction.inventory import inventory_of
    from experiments.trust.retraction.replay import configuration_of, without
    from loop.tracking.forgetting import traces_of

    config = configuration_of(run_dir)
    data = config.data
    named = chosen.rows_of_group(data, str(group)) if rows is None else chosen.rows_listed(data, rows, by)
    new = without(config, named)
    traces = traces_of(run_dir / run_folder.JOURNAL, settings_of(tracking or config.tracking))  # may not answer
    say(f"{len(named):,} rows of {data.source} are to be forgotten.")
    if staying := chosen.copies(data, named):
        say(f"Warning: {staying:,} other rows equal one of them in every column and stay: name them, too, if meant.")
    again = _repeated(new, run_dir)
    inventory = inventory_of(run_dir, config, again, traces)
    for line in inventory.lines():
        say(line)
    say(NOT_FORGETTING)
    if not delete:
        say("Nothing was deleted: the same command with --delete does that.")
    elif yes or typer.confirm("Delete what is listed, but for what is not deleted by weakspot?"):
        from experiments.trust.retraction.deletion import delete as remove

        _tell_deleted(inventory, remove(inventory, traces, run_dir, again))
        say(f"Serve the model of {again} from now on: {command('predict', again, '--data', 'FILE')}")


def _repeated(config: "RunConfig", run_dir: Path) -> Path:
    """Repeat a run as configured, compare both, and return the folder of the new one."""
    from experiments.trust.retraction.comparison import compared
    from experiments.trust.retraction.replay import replay

    again = replay(config, run_dir, console())
    say(f"{again.folder}: the run without them{', found as it was repeated before' if again.found else ''}")
    for line in compared(run_dir, again.folder):
        say(line)
    return again.folder


def _tell_deleted(inventory: "Inventory", remains: tuple[str, ...]) -> None:
    """Say how much was deleted and what was not."""
    say(f"Deleted: {len(inventory.doomed):,} files, {len(inventory.records):,} entries in MLflow.")
    for sentence in remains:
        say(f"Remains: {sentence}")
    for each in inventory.out_of_reach:
        say(f"Not deleted: {each.place} ({each.why})")
