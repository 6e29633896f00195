"""The command ``weakspot stress``: does a model catch, today, what a rule book states and where it was weak?"""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.output import console, say

BELOW = 1  # exit code if a pattern is caught less often than --fail-under
MOST_ROWS = 1_000_000


def stress(  # Wide: each parameter is an option of the command
    folder: Annotated[Path, typer.Argument(help="Folder of a run, or of a saved model.", metavar="RUN_DIR|MODEL")],
    book: Annotated[Path | None, typer.Option(help="Rule book (YAML): patterns, and checks of every row.")] = None,
    data: Annotated[Path | None, typer.Option(help="File of real rows; default: the test rows of the run.")] = None,
    target: Annotated[str | None, typer.Option(help="With --data: column of the labels.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="Rows made of each pattern.")] = 1000,
    where: Annotated[str | None, typer.Option(help='Region, such as "amount > 300 and night == 1".')] = None,
    regions: Annotated[
        bool, typer.Option("--regions", help="The weak regions of the run; the default without --book and --where.")
    ] = False,
    fail_under: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit code 1 if a pattern is caught less often.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page, the edge cases and a pytest file.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same rows.")] = 0,
) -> None:
    """Tell whether a model catches what is stated, or lies where the run was weak: recall, false alarms, checks."""
    from experiments.report.progress import steps_shown
    from experiments.stress import output
    from experiments.stress.stress import Asked
    from experiments.stress.stress import stress as put_under_stress
    from experiments.stress.subject import subject_of
    from experiments.stress.terminal import show
    from experiments.trust.provenance.leaving import home_of, note
    from generators.rules.reading import read_content

    if out is not None:
        output.check_replaceable(out)
    content = None if book is None else read_content(book)
    asked = Asked(content, where, regions or (book is None and where is None), rows, fail_under, seed)
    with steps_shown("rows and scores"):
        findings = put_under_stress(subject_of(folder, data, target), asked)
    show(findings, console())
    if out is not None:
        output.write(findings, out)
        lost = note(home_of(folder), sorted(path for path in out.rglob("*") if path.is_file()), "stress")
        say(lost, err=True) if lost else None
        say(f"{out}: {', '.join(output.FILES)}")
    if findings.holes:
        raise typer.Exit(BELOW)
