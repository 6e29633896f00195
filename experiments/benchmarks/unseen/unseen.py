"""Frauds that training has never shown, stated in ten lines: how much of what real examples bring does a rule bring?

Run as ``python -m experiments.benchmarks.unseen``; the last line is JSON. Each scenario of the card-fraud simulation is
taken out of the training week in turn and stays in the test week. Arms: hidden, stated with rows of
``experiments/configs/rules/card_frauds.yaml`` drawn at random, aimed where the model is blind, and seen.

Not clean: the terminals' risk columns are computed from reported frauds of the very scenario that is hidden, so the
compromised terminals are known to the records and unknown to the model. ``--variant clean_risk`` computes these columns
as if the hidden scenario had never been reported, in every arm; then nothing is left by which a compromised terminal
could be told. The stolen cards are the clean case.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer

from experiments.arms import plain
from experiments.benchmarks.options import among, console, listed
from experiments.benchmarks.unseen import misstated
from experiments.benchmarks.unseen.measures import measured
from experiments.benchmarks.unseen.stating import BLINDNESS, RANDOM, Stating, supply_of
from experiments.benchmarks.unseen.tables import HIDDEN, SEEN, aimed, headline, show, show_rules, stated
from experiments.benchmarks.unseen.weeks import RECORDED, SCENARIOS, VARIANTS, Week, payments
from experiments.data.card_fraud import STARTS
from experiments.storage.result_cache import Records, digest_of, each_cell
from learners import ExtraTrees, XGBoost
from loop.cycle.lanes import lanes
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.seeds import stream

BOOK = Path(__file__).parents[2] / "configs" / "rules" / "card_frauds.yaml"
XGBOOST, EXTRA_TREES, BEST_PLAIN = "XGBoost", "extra trees", "best plain"


class Cell(NamedTuple):
    """One hidden scenario (0 = none) of one start, one learner."""

    start: str
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

    @property
    def usual(self) -> int:
        """Return the number of stated rows that the headline tells of."""
        return 400 if 400 in self.rows else max(self.rows)


def cell(key: Cell, settings: Settings) -> Records:
    """Fit and measure every arm of a cell; return a record for each."""
    told, seed = key._asdict(), settings.seed
    if not key.hidden:
        return [told | record for record in _seen(key, settings)]
    week = Week.of(payments(key.hidden, settings.variant), key.start, key.hidden)
    learner, train = _learner(key.learner, week, settings), week.split.train
    stating = Stating(learner, train, seed)
    blind = stating.fitted()
    found: Records = [{"arm": HIDDEN} | measured(blind, week, key.hidden)]
    for n in settings.rows:
        for arm, acquisition in ((stated(n), RANDOM), (aimed(n), BLINDNESS)):
            made = stating.made(supply_of(BOOK, SCENARIOS[key.hidden], n, acquisition), blind)
            found.append({"arm": arm, "rows": len(made)} | measured(stating.fitted(made), week, key.hidden))
    if settings.misstated and key.learner == EXTRA_TREES:
        usual = supply_of(BOOK, SCENARIOS[key.hidden], settings.usual, RANDOM)
        found += misstated.of_rules(week, stating, usual, blind, key.hidden)
    return [told | record for record in found]


def _seen(key: Cell, settings: Settings) -> Records:
    """Fit and measure with nothing hidden; each scenario has columns of its own if risk is clean of it."""
    found, alike = Records(), settings.variant == RECORDED
    for numbers in [tuple(SCENARIOS)] if alike else [(number,) for number in SCENARIOS]:
        week = Week.of(payments(numbers[0], settings.variant), key.start, 0)
        model = _learner(key.learner, week, settings).fit(week.split.train, stream(settings.seed, "learner"))
        found += [{"hidden": number, "arm": SEEN} | measured(model, week, number) for number in numbers]
    return found


def _learner(name: str, week: Week, settings: Settings) -> Learner:
    """Return the unfitted learner of a name; the best plain one is chosen out of fold on the training rows."""
    if name == XGBOOST:
        return XGBoost()
    if name == EXTRA_TREES:
        return ExtraTrees(settings.trees, max_features=0.5, min_leaf=2)
    judging = lanes(week.split.folds(settings.seed))[:-1]
    kinds = plain.kinds(week.split.schema)
    return plain.best(list(plain.screen(kinds, week.split.train, judging, settings.seed))).learner


def main(
    start: Annotated[str, typer.Option(help=f"First training days, of {', '.join(STARTS)} for example.")] = STARTS[0],
    rows: Annotated[str, typer.Option(help="Numbers of stated rows.")] = "25,100,400,1600",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    trees: Annotated[int, typer.Option(min=1, help="Trees of extra trees.")] = ExtraTrees().trees,
    best_plain: Annotated[bool, typer.Option(help="A third learner: the best plain model, which takes long.")] = False,
    variant: Annotated[str, typer.Option(help=f"Risk of terminals: {' or '.join(VARIANTS)}.")] = RECORDED,
    misstated: Annotated[bool, typer.Option(help="Rules that are wrong on purpose, too.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/unseen"),
) -> None:
    """Hide each fraud scenario from training, state it by a rule; print what is found and, last, one line of JSON."""
    settings = Settings(_numbers(rows), trees, among("--variant", variant, VARIANTS)[0], misstated, seed)
    terminal, starts = console(), listed(start)
    if not starts:
        raise ConfigError(f"--start must name a day, got {start!r}: give {STARTS[0]}, for example.")
    learners = (XGBOOST, EXTRA_TREES, *((BEST_PLAIN,) if best_plain else ()))
    keys = [Cell(day, hidden, each) for day in starts for each in learners for hidden in (*SCENARIOS, 0)]
    work = digest_of((settings, BOOK.read_text(encoding="utf-8")), "suite:fraud_handbook")

    def path_of(key: Cell) -> Path:
        return out / work / f"{key.start}-{key.hidden}-{key.learner.replace(' ', '_')}.json"

    cells = each_cell(keys, lambda key: cell(key, settings), path_of, jobs=1, console=terminal)
    results = pd.DataFrame([record for records in cells for record in records])
    for day in starts:
        show(terminal, f"Start {day}", results[results["start"] == day])
    if len(starts) > 1:
        show(terminal, f"Means over {len(starts)} starts", results)
    if misstated:
        show_rules(terminal, f"Rules that may be wrong, {settings.usual} rows, {EXTRA_TREES}", results)
    print(json.dumps({"start": start, **headline(results, settings.usual)}))


def _numbers(text: str) -> tuple[int, ...]:
    """Take apart numbers of rows that are separated by commas."""
    names: Sequence[str] = listed(text)
    if not names or not all(name.isdecimal() and 0 < int(name) <= 100_000 for name in names):
        raise ConfigError(f"--rows must be whole numbers from 1 to 100000, got {text!r}: write 100,400, for example.")
    return tuple(dict.fromkeys(map(int, names)))
