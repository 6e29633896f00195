"""Rows of a pattern, made or found, and how many of them the model handles rightly at each operating point."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.cli.generating.rows import deliver, gate_of
from experiments.storage import run_folder
from experiments.stress.subject import Subject
from generators.common import persistence
from generators.rules.reading import read_book
from generators.rules.rules import Rules
from loop.data.encoding import decode, encode
from loop.errors import DataError
from loop.evaluation.proportion import proportion
from loop.regions import TreeFinder
from loop.seeds import stream
from loop.types import NOBODY, Interval, Region, Request, Table

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
Kind = Literal["stated", "real", "generated"]


@dataclass(frozen=True, eq=False)
class Case:
    """The rows of a pattern, all of one class, and what the model makes of them.

    Rows of the class to catch are handled rightly if they are alarmed, rows of other classes if they are not.
    """

    name: str
    kind: Kind  # by a scenario of the book, found among the real rows, or by the generator of the run
    label: str
    alarm: bool  # should the rows be alarmed?
    frame: pd.DataFrame  # n rows in the user's columns
    score: np.ndarray  # (n,) of the class to catch
    recalls: tuple[Interval, ...]  # share handled rightly at each operating point, with Wilson's interval (1927)
    fails: tuple[str, ...]  # regions where more rows are handled wrongly at the first point, in words

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The score at `QUANTILES`."""
        return tuple(float(each) for each in np.quantile(self.score, QUANTILES))

    def right(self, threshold: float, score: np.ndarray) -> np.ndarray:
        """Tell which of its rows are handled rightly if they have these scores (n,), as a mask (n,)."""
        return right(score, threshold, self.alarm)


def right(score: np.ndarray, threshold: float, alarm: bool) -> np.ndarray:
    """Tell which of n rows are handled rightly: alarmed or, without ``alarm``, not."""
    handled: np.ndarray = (score >= threshold) == alarm
    return handled


def stated(subject: Subject, content: Mapping[str, Any], rows: int, seed: int) -> Iterator[Case]:
    """Make rows of each scenario of a book from the real rows, and measure them.

    Parameters
    ----------
    subject : Subject
    content : mapping
        Of a rule book.
    rows : int
        To make for each scenario.
    seed : int

    Raises
    ------
    ConfigError
        If the book does not fit the table.
    DataError
        If a scenario gives no rows.
    """
    book = read_book(content)
    for name in [each.name for each in book.scenarios if each.weight and (each.columns or book.columns)]:
        rng = stream(seed, "stress", name)
        generator = Rules(content, scenario=name).fit(subject.real, rng)
        made = generator.sample(Request(Region(), None, rows), rng).table
        if not len(made):
            raise DataError(f"a scenario must give rows, and {name!r} gives none that the table can hold: correct it.")
        positive = made.schema.positive
        label = positive if (made.y == positive).any() else int(np.bincount(made.y).argmax())
        yield measured(subject, name, "stated", made.take(made.y == label), rng)


def within(subject: Subject, name: str, region: Region, rows: int, seed: int) -> Iterator[Case]:
    """Measure rows of one class in a region: the real ones, and those of the run's generator if it was saved.

    The class is that of the region, or the one to catch.

    Parameters
    ----------
    subject : Subject
    name : str
        Of the pattern.
    region : Region
    rows : int
        To make.
    seed : int
    """
    rng, real = stream(seed, "stress", "where"), subject.real
    label = real.schema.positive if region.label is None else region.label
    found = real.take(region.contains(real.rows) & (real.y == label))
    if len(found):
        yield measured(subject, name, "real", found, rng)
    made = _generated(subject, Request(region, label, rows), seed)
    if made is not None:
        yield measured(subject, name, "generated", made, rng)


def _generated(subject: Subject, request: Request, seed: int) -> Table | None:
    """Make rows of a class in a region; None if the run kept no generator, or it cannot reach the region."""
    folder = subject.folder / run_folder.GENERATOR
    if not subject.is_run or not (folder / persistence.FILE).is_file():
        return None
    generator, schema = run_folder.load_generator(folder)
    try:
        made = deliver(generator, request, schema, seed, gate_of(subject.folder)).frame
    except DataError:
        return None
    return encode(subject.real.schema, made)


def measured(subject: Subject, name: str, kind: Kind, rows: Table, rng: np.random.Generator) -> Case:
    """Measure rows of one class."""
    schema, label = rows.schema, int(rows.y[0])
    frame, alarm = decode(schema, rows), label == schema.positive
    score = subject.scores(frame)
    handled = [right(score, point.threshold, alarm) for point in subject.points]
    recalls = tuple(proportion(int(each.sum()), len(each)) for each in handled)
    fails = _regions(rows, ~handled[0], rng)
    return Case(name, kind, str(schema.classes[label]), alarm, frame, score, recalls, fails)


def _regions(rows: Table, missed: np.ndarray, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the confirmed regions of the rows that are missed (n,) more often, in words; rows of one parent are one.

    Confirmed by `loop.regions.tree.TreeFinder`: regions chosen on one half of the rows hold on the other.
    """
    if missed.all():
        return (f"anywhere: all {len(rows):,} rows are missed",)
    start = rows.parents[:, 0]
    alike = Table.real(rows.rows, rows.y, rows.schema)
    if (start != NOBODY).all():
        alike = replace(alike, unit=np.unique(start, return_inverse=True)[1])
    told = []
    for region in TreeFinder(min_positives=0).find(alike, missed.astype(float), rng):
        inside = region.contains(rows.rows)
        told.append(f"{region.text}: {missed[inside].mean():.0%} of {inside.sum():,} rows are missed")
    return tuple(told)
