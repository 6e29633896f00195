"""What the columns of a book hold (times, booleans or whole numbers), and their pandas types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from generators.rules.book import Book
from generators.rules.sources import Source
from loop.errors import ConfigError
from loop.expressions.tree import TRUTHS, Apply, Literal, Name, Node

FIRST, LAST = -62_135_596_800.0, 253_402_300_799.0  # seconds from 1970 to the start of year 1 and the end of 9999


@dataclass(frozen=True)
class Kinds:
    """Names of columns by what they hold."""

    moments: Collection[str]  # dates, the time of events, and expressions that compute a time from them
    truths: Collection[str]  # true or false from every source of the column
    counts: Collection[str]  # drawn as whole numbers

    @classmethod
    def of(cls, book: Book) -> Self:
        """Classify the columns of a book by their sources."""
        time = {book.events.time} if book.events else set()
        return cls(
            moments=_found(book, time, any, _gives_moments),
            truths=_found(book, set(), all, _gives_truths),
            counts=_found(book, set(), all, lambda source, _: source.kind in ("integers", "poisson")),
        )


def typed(name: str, values: np.ndarray, kinds: Kinds) -> pd.Series:
    """Convert drawn values (n,) to the pandas type of their column.

    Booleans and counts keep their type if values are missing; other whole numbers become integers if none is missing.

    Raises
    ------
    ConfigError
        If a time is outside the years 1 to 9999.
    """
    if values.dtype.kind not in "fiub":
        return pd.Series(values)
    if name in kinds.moments:
        return pd.Series(_dated(name, values.astype(float)))
    seen = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    gaps = len(seen) < len(values)
    if name in kinds.truths:
        return pd.Series(pd.array(values, dtype="boolean") if gaps else values != 0)
    if values.dtype.kind != "f" or not ((np.abs(seen) < 2**53) & (seen == np.floor(seen))).all():
        return pd.Series(values)
    if gaps:
        return pd.Series(pd.array(values, dtype="Int64") if name in kinds.counts else values)
    return pd.Series(values.astype(np.int64))


def _dated(name: str, values: np.ndarray) -> np.ndarray:
    """Convert seconds since 1970 to datetimes (n,), to the microsecond."""
    beyond = values[(values < FIRST) | (values > LAST)]
    if len(beyond):
        raise ConfigError(
            f"moments must lie between the years 1 and 9999, {name!r} has one {beyond[0]:.3g} seconds from 1970: "
            "bring it nearer."
        )
    moments = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    seen = ~np.isnan(values)
    whole = np.floor(values[seen])
    microseconds = whole.astype(np.int64) * 1_000_000 + np.round((values[seen] - whole) * 1e6).astype(np.int64)
    moments[seen] = microseconds.astype("datetime64[us]")
    return moments


def _found(
    book: Book,
    known: set[str],
    needed: Callable[[Iterable[bool]], bool],
    holds: Callable[[Source, Collection[str]], bool],
) -> set[str]:
    """Add to the known names each column for which ``needed`` (any or all) of its sources satisfy ``holds``."""
    habits = list(book.events.habits.items()) if book.events else []
    told: dict[str, list[Source]] = {}
    for name, source in (*habits, *book.sources(), *((book.target, label) for label in book.labels())):
        told.setdefault(name, []).append(source)
    found = set(known)
    for name, sources in told.items():
        if needed(holds(source, found) for source in sources):
            found.add(name)
    return found


def _gives_moments(source: Source, known: Collection[str]) -> bool:
    return source.kind == "datetime" or (source.kind == "expression" and _is_moment(source.numbers["is"].tree, known))


def _gives_truths(source: Source, known: Collection[str]) -> bool:
    if source.kind == "expression":
        return is_truth(source.numbers["is"].tree, known)
    return bool(source.values) and all(isinstance(value, bool) for value in source.values)


def _is_moment(tree: Node, known: Collection[str]) -> bool:
    if not isinstance(tree, Apply):
        return isinstance(tree, Name) and tree.name in known
    of = [_is_moment(argument, known) for argument in tree.arguments]
    match tree.operator:
        case "+":
            return of.count(True) == 1
        case "-":
            return of == [True, False]
        case "if":
            return any(of[1:])
        case "min" | "max" | "floor" | "round" | "positive":
            return of[0]
    return False


def is_truth(tree: Node, known: Collection[str]) -> bool:
    """Tell whether an expression gives a boolean, given the names of the columns that do."""
    match tree:
        case Literal(value):
            return isinstance(value, bool)
        case Name(name):
            return name in known
        case Apply("if", (_, *branches)):
            return all(is_truth(branch, known) for branch in branches)
        case Apply(operator):
            return operator in TRUTHS
    return False
