"""Patterns that training has never shown, stated in ten lines: how much of what real examples bring does a rule bring?

Run as ``python -m experiments.benchmarks.unseen``; the last line is JSON. Each scenario of the card-fraud simulation is
taken out of the training week in turn and stays in the test week. Arms: hidden, stated with rows of
``experiments/configs/rules/card_frauds.yaml`` drawn at random, aimed where the model is blind, and seen. With ``--table
adult``, ``shoppers`` or ``simulation`` it is one pattern of another table, stated by a book of its own.

Not clean: the terminals' risk columns are computed from reported frauds of the very scenario that is hidden, so the
compromised terminals are known to the records and unknown to the model. ``--variant clean_risk`` computes these columns
as if the hidden scenario had never been reported, in every arm; then nothing is left by which a compromised terminal
could be told. The stolen cards are the clean case.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import pandas as pd
import typer

from experiments.arms import plain
from experiments.benchmarks.options import among, console, listed
from experiments.benchmarks.unseen import misstated
from experiments.benchmarks.unseen.cases import Case
from experiments.benchmarks.unseen.measures import measured
from experiments.benchmarks.unseen.stating import BLINDNESS, RANDOM, Stating, supply_of
from experiments.benchmarks.unseen.tables import HIDDEN, ROWS, SEEN, aimed, headline, show, show_aim, show_rules, stated
from experiments.benchmarks.unseen.tasks import CARD_FRAUD, TABLES, Task, task_of
from experiments.benchmarks.unseen.weeks import RECORDED, VARIANTS
from experiments.data.card_fraud import STARTS
from experiments.storage.result_cache import Records, digest_of, each_cell
from learners import ExtraTrees, XGBoost
from loop.cycle.lanes import lanes
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.seeds import stream

if TYPE_CHECKING:
    from rich.console import Console

SPLITS = 3  # of a table that is no card fraud
XGBOOST, EXTRA_TREES, BEST_PLAIN = "XGBoost", "extra trees", "best plain"


class Cell(NamedTuple):
    """One hidden pattern (0 = none) of one part of the table, one learner."""

    part: str  # first training day, or seed of the split
    hidden: int
    learner: str


@dataclass(frozen=True)
class Settings:
    """What all cells share."""

    rows: tuple[int, ...]  # stated rows, an arm for each number
    trees: int  # of extra trees
    variant: str
    misstated: bool
    seed: int
    table: str = CARD_FRAUD

    @property
    def usual(self) -> int:
        """Return the number of stated rows that the headline tells of."""
        return 400 if 400 in self.rows else max(self.rows)

    @property
    def task(self) -> Task:
        """Return the table with its patterns."""
        return task_of(self.table, self.variant)


def cell(key: Cell, settings: Settings) -> Records:
    """Fit and measure every arm of a cell; return a record for each."""
    told, task = key._asdict(), settings.task
    if not key.hidden:
        return [told | record for record in _seen(key, settings)]
    case, scenario = task.case(key.part, key.hidden, seen=False), task.patterns[key.hidden]
    stating = Stating(_learner(key.learner, case, settings), case.split.train, settings.seed)
    blind = stating.fitted()
    found: Records = [{"arm": HIDDEN} | measured(blind, case, key.hidden)]
    for n in settings.rows:
        for arm, acquisition in ((stated(n), RANDOM), (aimed(n), BLINDNESS)):
            made = stating.made(supply_of(task.book, scenario, n, acquisition), blind)
            found.append({"arm": arm, ROWS: len(made)} | measured(stating.fitted(made), case, key.hidden))
    if settings.misstated and key.learner == EXTRA_TREES:
        usual = supply_of(task.book, scenario, settings.usual, RANDOM)
        found += misstated.of_rules(case, stating, usual, blind, key.hidden)
    return [told | record for record in found]


def _seen(key: Cell, settings: Settings) -> Records:
    """Fit and measure with nothing hidden, once for all patterns unless each has columns of its own."""
    found, task = Records(), settings.task
    for numbers in [tuple(task.patterns)] if task.alike else [(number,) for number in task.patterns]:
        case = task.case(key.part, numbers[0], seen=True)
        learner = _learner(key.learner, case, settings)
        model = learner.fit(case.split.train, stream(settings.seed, "learner"))
        found += [{"hidden": number, "arm": SEEN} | measured(model, case, number) for number in numbers]
    return found


def _learner(name: str, case: Case, settings: Settings) -> Learner:
    """Return the unfitted learner of a name; the best plain one is chosen out of fold on the training rows."""
    if name == XGBOOST:
        return XGBoost()
    if name == EXTRA_TREES:
        return ExtraTrees(settings.trees, max_features=0.5, min_leaf=2)
    judging = lanes(case.split.folds(settings.seed))[:-1]
    kinds = plain.kinds(case.split.schema)
    return plain.best(list(plain.screen(kinds, case.split.train, judging, settings.seed))).learner


def main(  # Wide: each parameter is an option of the command
    table: Annotated[str, typer.Option(help=f"One of {', '.join(TABLES)}.")] = CARD_FRAUD,
    start: Annotated[
        str | None, typer.Option(help=f"First training days of card fraud, of {', '.join(STARTS)} for example.")
    ] = None,
    splits: Annotated[int | None, typer.Option(min=1, help=f"Splits of another table; default: {SPLITS}.")] = None,
    rows: Annotated[str, typer.Option(help="Numbers of stated rows.")] = "25,100,400,1600",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    trees: Annotated[int, typer.Option(min=1, help="Trees of extra trees.")] = ExtraTrees().trees,
    best_plain: Annotated[bool, typer.Option(help="A third learner: the best plain model, which takes long.")] = False,
    variant: Annotated[str, typer.Option(help=f"Risk of terminals: {' or '.join(VARIANTS)}.")] = RECORDED,
    misstated: Annotated[bool, typer.Option(help="Rules of card fraud that are wrong on purpose, too.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/unseen"),
) -> None:
    """Hide each pattern from training, state it by a rule; print what is found and, last, one line of JSON."""
    settings = Settings(
        _numbers(rows), trees, _one("--variant", variant, VARIANTS), misstated, seed, _one("--table", table, TABLES)
    )
    learners = (XGBOOST, EXTRA_TREES, *((BEST_PLAIN,) if best_plain else ()))
    parts, task = _parts(settings, start, splits), settings.task
    keys = [Cell(part, hidden, each) for part in parts for each in learners for hidden in (*task.patterns, 0)]
    work = digest_of((settings, task.book.read_text(encoding="utf-8")), task.source)

    def path_of(key: Cell) -> Path:
        return out / work / f"{key.part}-{key.hidden}-{key.learner.replace(' ', '_')}.json"

    terminal = console()
    cells = each_cell(keys, lambda key: cell(key, settings), path_of, jobs=1, console=terminal)
    results = pd.DataFrame([record for records in cells for record in records])
    _print(terminal, results, parts, settings)
    told = {"start": ",".join(parts)} if table == CARD_FRAUD else {"table": table, "splits": len(parts)}
    more = settings.rows if len(task.patterns) == 1 else ()
    print(json.dumps({**told, **headline(results, settings.usual, task.patterns, more)}))


def _parts(settings: Settings, start: str | None, splits: int | None) -> list[str]:
    """Return the parts of the table, each with training and test rows of its own, and refuse options of another."""
    if settings.table == CARD_FRAUD:
        if splits is not None:
            raise ConfigError(f"--splits must be left out for {CARD_FRAUD}, got {splits}: give days with --start.")
        starts = listed(STARTS[0] if start is None else start)
        if not starts:
            raise ConfigError(f"--start must name a day, got {start!r}: give {STARTS[0]}, for example.")
        return starts
    given = {"--start": start is not None, "--variant": settings.variant != RECORDED, "--misstated": settings.misstated}
    for option in (name for name, is_given in given.items() if is_given):
        raise ConfigError(f"{option} must be left out for {settings.table}: it is for {CARD_FRAUD} alone.")
    return [str(split) for split in range(splits or SPLITS)]


def _print(terminal: "Console", results: pd.DataFrame, parts: Sequence[str], settings: Settings) -> None:
    """Print the tables: card fraud day by day, too."""
    patterns, what = settings.task.patterns, "starts" if settings.table == CARD_FRAUD else "splits"
    for day in parts if settings.table == CARD_FRAUD else ():
        show(terminal, f"Start {day}", results[results["part"] == day], patterns)
    if len(parts) > 1 or settings.table != CARD_FRAUD:
        show(terminal, f"{settings.table}: means over {len(parts)} {what}", results, patterns)
    show_aim(terminal, results, settings.rows, patterns)
    if settings.misstated:
        title = f"Rules that may be wrong, {settings.usual} rows, {EXTRA_TREES}"
        show_rules(terminal, title, results, patterns)


def _one(what: str, text: str, known: Sequence[str]) -> str:
    """Take the one name of an option, and refuse a list of names."""
    names = among(what, text, known)
    if len(names) > 1:
        raise ConfigError(f"{what} must be one of {', '.join(known)}, got {text!r}: give one.")
    return names[0]


def _numbers(text: str) -> tuple[int, ...]:
    """Take apart numbers of rows that are separated by commas."""
    names: Sequence[str] = listed(text)
    if not names or not all(name.isdecimal() and 0 < int(name) <= 100_000 for name in names):
        raise ConfigError(f"--rows must be whole numbers from 1 to 100000, got {text!r}: write 100,400, for example.")
    return tuple(dict.fromkeys(map(int, names)))
