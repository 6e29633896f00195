"""The command ``weakspot stress``: does a model catch, today, the patterns that a rule book states?"""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.output import console
from loop.errors import ConfigError

BELOW = 1  # exit code if a pattern is caught less often than --fail-under
MOST_ROWS = 1_000_000


def stress(  # Wide: each parameter is an option of the command
    folder: Annotated[Path, typer.Argument(help="Folder of a run, or of a saved model.", metavar="RUN_DIR|MODEL")],
    book: Annotated[Path | None, typer.Option(help="Rule book (YAML): patterns, and checks of every row.")] = None,
    data: Annotated[Path | None, typer.Option(help="File of real rows; default: the test rows of the run.")] = None,
    target: Annotated[str | None, typer.Option(help="With --data: column of the labels.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="Rows made of each pattern.")] = 1000,
    where: Annotated[str | None, typer.Option(help='Region, such as "amount > 300 and night == 1".')] = None,
    fail_under: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit code 1 if a pattern is caught less often.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page, the edge cases and a pytest file.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same rows.")] = 0,
) -> None:
    """Tell whether a model catches stated patterns: recall, where it fails, false alarms, checks of every row."""
    if book is None and where is None:
        raise ConfigError("a stress must have patterns, got none: give --book FILE, --where EXPRESSION or both.")
    from experiments.report.progress import steps_shown
    from experiments.stress import output
    from experiments.stress.stress import Asked
    from experiments.stress.stress import stress as put_under_stress
    from experiments.stress.subject import subject_of
    from experiments.stress.terminal import show
    from generators.rules.reading import read_content

    if out is not None:
        output.check_replaceable(out)
    asked = Asked(None if book is None else read_content(book), where, rows, fail_under, seed)
    with steps_shown("rows and scores"):
        findings = put_under_stress(subject_of(folder, data, target), asked)
    show(findings, console())
    if out is not None:
        output.write(findings, out)
        typer.echo(f"{out}: {', '.join(output.FILES)}")
    if findings.holes:
        raise typer.Exit(BELOW)
