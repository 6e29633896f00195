"""Which real rows meet a scenario: what it states of columns, read as conditions on rows that it has not made."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from generators.rules.book import Book, Scenario
from generators.rules.draws import ROW, constants, parameter
from generators.rules.rules import Rules
from generators.rules.schema_codes import decode, encode
from generators.rules.sources import Source
from loop.errors import ConfigError
from loop.expressions.parser import Expression
from loop.expressions.tree import Apply, Node
from loop.rows import Rows
from loop.types import Column, Region, Request, Schema, Table

ROWS = 500  # of a pattern, made to learn where the values lie that are drawn or computed
MIDDLE = (0.025, 0.975)  # quantiles of a stated column between which a row counts as inside
_LISTED = ("choice", "constant")
_ENDS = {"uniform": ("low", "high"), "integers": ("low", "high"), "datetime": ("start", "end")}


@dataclass(frozen=True, eq=False)
class Values:
    """Values of one column that rows of a pattern have: some of a list, or any number between two."""

    listed: np.ndarray | None  # (m,) encoded, None = any number from low to high
    low: float
    high: float
    missing: bool  # may it be missing?

    def hold(self, x: np.ndarray) -> np.ndarray:
        """Tell which encoded values (n,) are among these, as a mask (n,)."""
        inside = (x >= self.low) & (x <= self.high) if self.listed is None else np.isin(x, self.listed)
        held: np.ndarray = np.where(np.isnan(x), self.missing, inside).astype(bool)
        return held


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a row must be like to meet a scenario."""

    columns: Mapping[int, Values]  # by position of the column
    where: Sequence[Expression]  # of columns that the scenario leaves as they are
    schema: Schema

    def met(self, rows: Rows) -> np.ndarray:
        """Tell which rows meet all conditions, as a mask (n,)."""
        held = [values.hold(rows.X[:, number]) for number, values in self.columns.items()]
        named = {column.name: decode(x, column) for column, x in zip(self.schema.columns, rows.X.T, strict=True)}
        for expression in self.where:
            true = expression.evaluate(named)
            held.append((true != 0) & ~np.isnan(true.astype(float)))
        met: np.ndarray = np.all(held, axis=0)
        return met


def alike(made: np.ndarray, *, discrete: bool) -> Values:
    """Return the values like those made (n,): each of a discrete column, the middle 95 % of numbers."""
    known, missing = made[~np.isnan(made)], bool(np.isnan(made).any())
    if discrete or not len(known):
        return Values(np.unique(known), np.nan, np.nan, missing)
    low, high = np.quantile(known, MIDDLE)
    return Values(None, float(low), float(high), missing)


def conditions_of(book: Book, rules: Rules, table: Table, rng: np.random.Generator) -> Conditions:
    """Return what a real row must be like to meet a scenario.

    The columns that a book describes for all its scenarios tell none from the others, so they count only for a scenario
    that states no column of its own. A column that it states must hold one of the values listed, a number of the range
    stated or, where values are drawn or computed, one of the middle 95 % of those that the scenario makes from the
    table. What ``where`` says of columns that are not stated must be true, too. Columns drawn from the data are no
    condition.

    Parameters
    ----------
    book : Book
        With one scenario alone.
    rules : Rules
        Makes rows of this scenario.
    table : Table
        Real rows.
    rng : numpy.random.Generator

    Raises
    ------
    ConfigError
        If the scenario does not fit the table, or says nothing of its columns.
    """
    scenario, schema = book.scenarios[0], table.schema
    rules = copy.deepcopy(rules).fit(table, rng)
    made = rules.sample(Request(Region(), None, ROWS), rng).table.X
    columns, discrete = {}, schema.discrete
    stated = _stated(book, scenario)
    for number, column in enumerate(schema.columns):
        sources = [source for source in stated.get(column.name, ()) if source.kind != "data"]
        if sources and len(sources) == len(stated[column.name]):
            columns[number] = _values(sources, column, made[:, number], discrete=bool(discrete[number]))
    kept = set(schema.names) - set(stated)
    where = [part for part in _parts(scenario.where) if part.names and part.names <= kept]
    if not columns and not where:
        raise ConfigError(
            f"scenario {scenario.name!r} must state a column to tell real rows by, and it states none of the table "
            f"({', '.join(schema.names)}): state one."
        )
    return Conditions(columns, where, schema)


def _stated(book: Book, scenario: Scenario) -> Mapping[str, Sequence[Source]]:
    """Return the sources of each column that a scenario states, in each of its steps; without any, of the book's."""
    general = {**({} if scenario.where else book.columns), **scenario.columns}
    steps = [{**general, **step.columns} for step in scenario.steps] or [general]
    told = (scenario.columns, *(step.columns for step in scenario.steps))
    own = dict.fromkeys(name for columns in told for name in columns)
    # A step that leaves a column out has it as it is in the data.
    return {name: [step.get(name, Source("data")) for step in steps] for name in own or general}


def _values(sources: Sequence[Source], column: Column, made: np.ndarray, *, discrete: bool) -> Values:
    """Return the values that sources give a column."""
    missing = any(source.missing for source in sources)
    if all(source.kind in _LISTED for source in sources):
        listed = [encode(constants(source.values), column) for source in sources]
        return Values(np.unique(np.concatenate(listed)), np.nan, np.nan, missing)
    if all(source.kind in _ENDS and not source.names for source in sources):
        ends = [[_number(source.numbers[end]) for end in _ENDS[source.kind]] for source in sources]
        return Values(None, min(low for low, _ in ends), max(high for _, high in ends), missing)
    return alike(made, discrete=discrete)


def _number(expression: Expression) -> float:
    return float(parameter("a range", expression, {ROW: np.arange(1)})[0])


def _parts(where: Expression | None) -> Sequence[Expression]:
    """Take apart an expression at its ands."""

    def split(tree: Node) -> list[Node]:
        both = isinstance(tree, Apply) and tree.operator == "and"
        return [part for each in tree.arguments for part in split(each)] if both else [tree]  # type: ignore[union-attr]

    return [] if where is None else [replace(where, tree=tree) for tree in split(where.tree)]
