"""Weak supervision: each scenario of a rule book votes on the label of the real rows that meet it.

As labelling functions do (Ratner et al. 2017, "Snorkel: rapid training data creation with weak supervision"), with no
model of how good they are: their accuracy on rows with labels is told instead.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from generators.rules.book import Book, Scenario
from generators.rules.completion import completed
from generators.rules.conditions import conditions_of
from generators.rules.draws import constants
from generators.rules.reading import read_book, read_content
from generators.rules.rules import Rules
from generators.rules.schema_codes import encode, label_column
from loop.errors import ConfigError
from loop.rows import Rows
from loop.types import Schema, Table


@dataclass(frozen=True, eq=False)
class Tally:
    """Votes of S scenarios on N rows."""

    names: tuple[str, ...]  # of the scenarios
    met: np.ndarray  # (S, N) bool
    given: np.ndarray  # (S, K) label distribution that each gives
    proba: np.ndarray  # (N, K) label distribution of each row, NaN = none
    conflicts: int  # rows that two scenarios give different classes, which get none


@dataclass(frozen=True)
class BookVotes:
    """Labels rows as the scenarios of a book say that they meet.

    A row that several meet gets the mean of their probabilities, a class counting as a probability of one; if two give
    it different classes, it gets no label.

    Parameters
    ----------
    book : str or Path
        A rule book; scenarios of weight 0 do not vote.

    Raises
    ------
    ConfigError
        If it cannot be read, or the label of a scenario is neither a class nor probabilities.
    """

    book: str | Path
    _read: Book = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        book = read_book(read_content(Path(self.book)))
        for scenario in _voting(book):
            label = book.label_of(scenario)
            if label is None or label.kind not in ("constant", "probabilities"):
                raise ConfigError(
                    f"scenario {scenario.name!r} must have a class or probabilities as its label to label real rows, "
                    f"got {'none' if label is None else label.kind}: state one."
                )
        object.__setattr__(self, "_read", book)

    def __call__(self, table: Table, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        """Return the label distribution (N, K) of each row, NaN = none, see `tally`."""
        return self.tally(table, rows, rng).proba

    def tally(self, table: Table, rows: Rows, rng: np.random.Generator) -> Tally:
        """Let each scenario vote.

        Parameters
        ----------
        table : Table
            Real rows: what a scenario draws or computes from them tells which rows meet it.
        rows : Rows, N rows
            To be labelled.
        rng : numpy.random.Generator

        Raises
        ------
        ConfigError
            If a scenario does not fit the table, or says nothing of its columns.
        """
        scenarios = _voting(self._read)
        met, given = np.zeros((len(scenarios), len(rows)), dtype=bool), np.empty((len(scenarios), table.n_classes))
        for number, scenario in enumerate(scenarios):
            alone = self._read.only(scenario.name)
            rules = Rules(self.book, scenario=scenario.name)
            met[number] = conditions_of(alone, rules, table, rng).met(rows)
            given[number] = _distribution(alone, table.schema)
        certain = given.max(axis=1) == 1
        claimed = (met[certain].T.astype(int) @ (given[certain] == 1).astype(int)) > 0  # (N, K)
        conflict, votes = claimed.sum(axis=1) > 1, met.sum(axis=0)
        proba = (met.T.astype(float) @ given) / np.maximum(votes, 1)[:, None]
        proba[conflict | (votes == 0)] = np.nan
        return Tally(tuple(each.name for each in scenarios), met, given, proba, int(conflict.sum()))


def _voting(book: Book) -> list[Scenario]:
    return [scenario for scenario in book.scenarios if scenario.weight]


def _distribution(book: Book, schema: Schema) -> np.ndarray:
    """Return the label distribution (K,) that the one scenario of a book gives."""
    book = completed(book, schema)
    label = book.label_of(book.scenarios[0])
    if label is not None and label.shares:
        return np.array(label.shares)
    code = encode(constants(label.values if label else ()), label_column(schema))
    certain: np.ndarray = np.eye(schema.n_classes)[int(code[0])]
    return certain
