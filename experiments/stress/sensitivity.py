"""How far the rows of a scenario may be from what the book states, one number at a time, before the model errs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from experiments.stress.cases import Case
from experiments.stress.subject import Subject
from generators.rules.book import Book
from loop.evaluation.proportion import proportion
from loop.types import Column, Interval

FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)  # 1 = as the book states it
NUMBERS = ("numeric", "integer")


@dataclass(frozen=True)
class Moved:
    """Share of the rows of a scenario that are handled rightly with a stated number times each of `FACTORS`."""

    scenario: str
    column: str
    shares: tuple[Interval, ...]  # at the first operating point


def moved(subject: Subject, book: Book, cases: Iterable[Case]) -> Iterator[Moved]:
    """Move each number that a scenario states, all else as it is, and score the rows again.

    Values may leave the range of the real rows: the model answers for them, too.
    """
    for case in cases:
        stated = book.only(case.name).stated() if case.kind == "stated" else ()
        for column in (each for each in subject.real.schema.columns if each.name in stated and each.kind in NUMBERS):
            frames = [case.frame.assign(**{column.name: _times(case.frame, column, factor)}) for factor in FACTORS]
            right = [case.right(subject.points[0].threshold, subject.scores(frame)) for frame in frames]
            yield Moved(case.name, column.name, tuple(proportion(int(each.sum()), len(each)) for each in right))


def _times(frame: pd.DataFrame, column: Column, factor: float) -> pd.Series:
    values = frame[column.name]
    decimals = 0 if column.kind == "integer" else column.decimals
    return values if factor == 1 else values * factor if decimals is None else (values * factor).round(decimals)
