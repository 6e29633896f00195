"""The commands ``weakspot queue`` and ``weakspot answer``: which rows to have labelled, and what people said."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.csv_options import Decimal, Encoding, Sep, form_for
from experiments.cli.output import say
from loop.errors import ConfigError
from loop.support.commands import command

MOST = 99_000  # questions of one queue, as many as Label Studio takes in one file

RunFolder = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN_DIR")]


def queue(  # Wide: each parameter is an option of the command
    run_dir: RunFolder,
    pool: Annotated[Path, typer.Option(help="File of rows without labels, with the columns of the data.")],
    n: Annotated[int, typer.Option("--n", min=1, max=MOST, help="Rows to ask about, the audit among them.")] = 200,
    acquisition: Annotated[
        str, typer.Option(help="doubt, disagreement, gap, highest_score, mixture, random.")
    ] = "doubt",
    audit: Annotated[float, typer.Option(help="Share drawn at random, whose answers judge.")] = 0.1,
    spread: Annotated[int, typer.Option(help="Candidates a question, of which rows far apart are taken.")] = 1,
    most_of_group: Annotated[int | None, typer.Option(help="Most rows of one group, such as a card.")] = None,
    price: Annotated[str | None, typer.Option(help="Column of the pool: what an answer costs.")] = None,
    checks: Annotated[int, typer.Option(min=0, max=MOST, help="Most given labels to be checked.")] = 20,
    again: Annotated[bool, typer.Option("--again", help="Also rows asked about before without an answer.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same questions.")] = 0,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Write the rows worth labelling next: as CSV, and as tasks for Label Studio."""
    from experiments.labels.questions import ACQUISITIONS, QUEUE, TASKS, VIEW, Wanted, ask_people
    from experiments.report.progress import steps_shown
    from loop.catalogue import check_name

    check_name("--acquisition", acquisition, ACQUISITIONS)
    form = form_for(run_dir, pool, sep, encoding, decimal)
    wanted = Wanted(n, acquisition, audit, spread, most_of_group, price, checks, seed, form, again)
    wanted.asking()  # refuses settings out of range before any work
    with steps_shown("rows and questions"):
        made = ask_people(run_dir, pool, wanted)
    for message in made.messages:
        say(message)
    kinds = made.frame.iloc[:, 1].value_counts()
    say(", ".join(f"{kinds[kind]:,} to {word}" for kind, word in WORDS.items() if kind in kinds))
    say(f"{made.folder}: {QUEUE}, or {TASKS} with {VIEW} for Label Studio")
    say(f"Fill in the column label, then: {command('answer', run_dir, made.folder / QUEUE)}")


WORDS = {"ask": "ask about", "audit": "audit", "check": "check"}


def answer(
    run_dir: RunFolder,
    file: Annotated[Path, typer.Argument(help="The queue filled in, or an export of Label Studio.", metavar="FILE")],
    anew: Annotated[bool, typer.Option("--replace", help="Answers replace earlier ones that differ.")] = False,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Keep the answers of people beside the run; the same file twice changes nothing."""
    from experiments.data.csv_format import CsvFormat
    from experiments.labels.joining import take_answers
    from experiments.storage import run_folder

    form = CsvFormat(sep, encoding, decimal)
    run_folder.fingerprint_of(run_dir)
    labels, classes = _labels_and_classes(run_dir)
    with run_folder.held(labels.parent):
        read, merged = take_answers(labels, file, classes, anew=anew, form=form)
    say(f"{merged.new:,} new answers, {merged.repeated:,} known already, {merged.changed:,} changed")
    for why, count in read.skipped.items():
        say(f"{count:,} questions skipped: {why}") if count else None
    if read.disagreeing:
        say(f"{len(read.disagreeing):,} questions left out, as people disagree: {', '.join(read.disagreeing[:5])}")
    say(f"{len(merged.frame):,} answers in all. Go on with: {command('run', '--continue', run_dir)}")


def answers_of(run_dir: Path) -> str:
    """Write what is known now as a snapshot beside a run, and return its folder.

    Raises
    ------
    ConfigError
        If nothing was answered yet.
    """
    from experiments.labels.joining import answered
    from experiments.storage import run_folder

    if not run_folder.finished(run_dir):
        raise ConfigError(
            f"a run must be finished to go on with labels, {run_dir} is not: {command('run', '--resume', run_dir)}"
        )
    labels, classes = _labels_and_classes(run_dir)
    with run_folder.held(labels.parent):
        return str(answered(labels, classes).resolve())  # the new run may be read from another working folder


def _labels_and_classes(run_dir: Path) -> tuple[Path, tuple[object, ...]]:
    """Return the folder of a run's questions and answers, and the classes that an answer may name."""
    from experiments.config.reader import load_config
    from experiments.config.run_config import RunConfig
    from experiments.labels.questions import labels_of
    from experiments.storage import run_folder

    labels = labels_of(run_dir, load_config(RunConfig, run_folder.configuration(run_dir)))
    return labels, run_folder.load_model(run_dir / run_folder.MODEL).schema.classes
