"""The command ``weakspot run``: one run of the loop, anew, resumed, or gone on with labels that were asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.csv_options import DateParts, Decimal, Drop, Encoding, Sep, Text, parts_told
from experiments.cli.errors import INTERRUPTED
from experiments.cli.labels import answers_of
from experiments.cli.output import check_absent, console, say
from experiments.cli.result import DryRun, Json, Quiet, print_plan, print_result
from experiments.cli.scale import Scale, scale_of
from loop.errors import ConfigError
from loop.support.commands import command

if TYPE_CHECKING:
    from experiments.config.run_config import RunConfig


# Long: one line for each option, twice
def run(  # Wide: each parameter is an option of the command
    config: Annotated[Path | None, typer.Argument(help="YAML file; options win over it. Or the data.")] = None,
    data: Annotated[str | None, typer.Option(help="File (.csv, .parquet, ...), folder of Parquet, or source.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    positive: Annotated[str | None, typer.Option(help="Class to catch; default the rarest.")] = None,
    time: Annotated[str | None, typer.Option(help="Time column: later rows test.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of ids whose rows stay together.")] = None,
    rows_in_memory: Annotated[int | None, typer.Option(help="Rows to draw of a folder of Parquet files.")] = None,
    drop: Drop = None,
    text: Text = None,
    date_parts: DateParts = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    strategy: Annotated[str | None, typer.Option(help="targeted, untargeted, doubt, ...")] = None,
    learner: Annotated[str | None, typer.Option(help="xgboost, forest, linear, ...")] = None,
    generator: Annotated[str | None, typer.Option(help="neighbourhood, tree_chain, diffusion, ...")] = None,
    generations: Annotated[int | None, typer.Option(help="Turns of the loop at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the run's folder.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with an interrupted run.", metavar="RUN_DIR")] = None,
    go_on: Annotated[Path | None, typer.Option("--continue", help="New run with answers.", metavar="RUN_DIR")] = None,
    no_arms: Annotated[bool, typer.Option("--no-arms", help="Compare with real rows alone only.")] = False,
    no_tuning: Annotated[bool, typer.Option("--no-tuning", help="Leave out the tuned arm.")] = False,
    tracking: Annotated[str | None, typer.Option(help="Path of mlflow.yaml, or none.")] = None,
    scale: Scale = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the loop on one table and say whether it helped."""
    overrides: dict[str, object] = {
        "data.source": data,
        "data.target": target,
        "data.positive": positive,
        "data.time": time,
        "data.group": group,
        "data.rows_in_memory": rows_in_memory,
        "data.drop": drop or None,
        "data.date_parts": parts_told(date_parts),
        "data.text": text or None,
        "data.sep": sep,
        "data.encoding": encoding,
        "data.decimal": decimal,
        "loop.strategy": strategy,
        "loop.generations": generations,
        "loop.seed": seed,
        "learner.name": learner,
        "generator.name": generator,
        "arms.run": False if no_arms else None,
        "arms.tuning": False if no_tuning else None,
        "tracking": tracking,
        "out": None if out is None else str(out),
    }
    config, overrides = _going_on(config, overrides, resume, go_on)
    # Also of a run that goes on: its folder does not say where it was worked on.
    checked = _checked(config, overrides | {"scale": scale_of(scale)}, as_json or quiet)
    if dry_run:
        check_absent("--dry-run does nothing", {"--resume": resume})
        print_plan(checked, as_json)
    else:
        _run(checked, resume, quiet, as_json)


def _going_on(
    config: Path | None, overrides: dict[str, object], resume: Path | None, go_on: Path | None
) -> tuple[Path | None, dict[str, object]]:
    """Return configuration and overrides; those of another run if it is resumed, or gone on from with answers."""
    if resume is not None:
        check_absent("--resume goes on as the run began", {"CONFIG": config, "--continue": go_on, **overrides})
        return _config_of(resume), overrides
    if go_on is not None:
        given = {key: value for key, value in overrides.items() if key.startswith(("data.", "loop.", "learner."))}
        check_absent("--continue keeps the data and the loop", {"CONFIG": config, **given})
        return _config_of(go_on), overrides | {"data.answers": answers_of(go_on)}
    return config, overrides


def _config_of(run_dir: Path) -> Path:
    """Return the configuration of a run; another version's is refused before it is read, as its keys may differ."""
    from experiments.storage import run_folder

    run_folder.fingerprint_of(run_dir)
    return run_folder.configuration(run_dir)


def _checked(config: Path | None, overrides: dict[str, object], silent: bool) -> "RunConfig":
    """Read the configuration; a table in its place is taken for the data, and that is said."""
    from experiments.config.reader import load_config
    from experiments.config.run_config import RunConfig
    from experiments.data.arrays.opening import reader_of
    from experiments.data.files import is_table

    holds_arrays = config is not None and reader_of(config) is not None
    if config is None or not (is_table(config) or holds_arrays):
        return load_config(RunConfig, config, overrides)
    target = overrides["data.target"]
    named = () if holds_arrays and target is None else ("--target", "COLUMN" if target is None else target)
    words = ("run", "--data", config, *named)
    if overrides["data.source"] is not None:
        raise ConfigError(f"there must be one table, got {config} and --data: write {command(*words)}.")
    if target is None and config.is_file() and not holds_arrays:
        raise ConfigError(f"a table needs the column to predict, and {config} came alone: {command(*words)}")
    checked = load_config(RunConfig, None, {**overrides, "data.source": str(config)})
    if not silent:
        say(f"{config} is data and no configuration; read as: {command(*words)}", err=True)
    return checked


def _run(config: "RunConfig", resume: Path | None, quiet: bool, as_json: bool) -> None:
    from experiments.run.run import run as run_loop  # after all checks of options: it loads every library

    result = run_loop(config, console(silent=quiet or as_json), resume)
    if quiet or as_json:
        print_result(result, as_json)
    if result.status == "interrupted":
        way_on = command("run", "--resume", result.folder)
        say(f"Interrupted; the model so far is saved. Go on with: {way_on}", err=True)
        raise typer.Exit(INTERRUPTED)
