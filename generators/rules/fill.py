"""Drawing all columns of planned rows, in the order of the book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from generators.rules.book import Book
from generators.rules.draws import LABEL, ROW, Limit, Seen, draw, finish
from generators.rules.from_rows import Filled, restated
from generators.rules.history import history
from generators.rules.sources import HISTORY, Source
from generators.rules.timeline import Plan
from loop.errors import ConfigError
from loop.types import NOBODY


def fill(book: Book, laid: Plan, inside: Mapping[str, Limit], seen: Seen | None, rng: np.random.Generator) -> Filled:
    """Draw all columns of the planned rows, in the order of the book.

    A label that reads no column is drawn first; sources with ``from: data`` then use rows of its class. If rows of some
    scenario start from real rows, the columns are those of the table.

    Parameters
    ----------
    book : Book
        The columns and their sources.
    laid : Plan
        Scenario and step of the n rows.
    inside : mapping of str to Limit
        The condition on each limited column.
    seen : Seen or None
        Real values, for sources with ``from: data``.
    rng : np.random.Generator
        Source of all randomness.

    Returns
    -------
    columns : dict of str to np.ndarray
        Each of shape (n,): those of the plan, the book's and, if it has one, the label.
    mass : np.ndarray
        Probability (n,) that each row, drawn without limits, would have been inside them.
    parents : dict of str to np.ndarray
        Row numbers (n,) of the real rows that the values of each column were taken from, -1 = none; under `START`
        those of the rows that rows start from, if there are any.

    Raises
    ------
    ConfigError
        If a source cannot be drawn, or a column is text in some scenarios only.
    """
    starting = [number for number, scenario in enumerate(book.scenarios) if scenario.where]
    if not starting:
        return _described(book, laid, inside, seen, rng)
    others = np.flatnonzero(~np.isin(laid.scenario, starting))
    parts = [(others, _described(book, laid.take(others), inside, seen, rng))] if len(others) else []
    for number in starting:
        rows = np.flatnonzero(laid.scenario == number)
        numbers = laid.columns[ROW][rows]
        parts.append((rows, restated(book.scenarios[number], book.target, numbers, inside, seen, rng)))
    return _joined(parts, [] if seen is None else list(seen.columns), len(laid.scenario))


def _joined(parts: list[tuple[np.ndarray, Filled]], names: list[str], n: int) -> Filled:
    """Put together n rows of which each part holds some, at positions (m,)."""
    columns = {name: _gathered(name, [(rows, part[0][name]) for rows, part in parts], n) for name in names}
    mass = np.empty(n)
    parents = {name: np.full(n, NOBODY) for _, part in parts for name in part[2]}
    for rows, (_, masses, taken) in parts:
        mass[rows] = masses
        for name, of in taken.items():
            parents[name][rows] = of
    return columns, mass, parents


def _described(
    book: Book, laid: Plan, inside: Mapping[str, Limit], seen: Seen | None, rng: np.random.Generator
) -> Filled:
    """Draw rows that start from none."""
    columns, mass = dict(laid.columns), np.ones(len(laid.scenario))
    parents: dict[str, np.ndarray] = {}
    own = [book.label, *(scenario.label for scenario in book.scenarios if scenario.where is None)]
    labels = [each for each in own if each is not None]
    label = {book.target: book.label} if labels else {}
    free = not any(each.names for each in labels)
    order = {**label, **book.columns} if free else {**book.columns, **label}
    for name, base in order.items():
        parts = []
        parents[name] = np.full(len(mass), NOBODY)
        for source, rows in _sources(book, laid, name, base):
            read = {each: columns[each][rows] for each in (ROW, LABEL, *source.names) if each in columns}
            if source.kind in HISTORY:
                past = history(source, name, columns, book)[rows]
                parts.append((rows, finish(name, source, past, np.ones(len(past)), None, rng)[0]))
            else:
                drawn = draw(name, source, read, inside.get(name), seen, rng)
                parts.append((rows, drawn.values))
                mass[rows] *= drawn.mass
                parents[name][rows] = drawn.parents
        columns[name] = _gathered(name, parts, len(mass))
        if name == book.target:
            columns[LABEL] = columns[name]
    return columns, mass, parents


def _sources(book: Book, laid: Plan, name: str, base: Source | None) -> Iterator[tuple[Source, np.ndarray]]:
    """Yield each source of a column with its rows (m,): a step overrides its scenario, which overrides the book."""
    rows_of: dict[int, tuple[Source, list[np.ndarray]]] = {}
    for number, scenario in enumerate(book.scenarios):
        of_scenario = laid.scenario == number
        general = (scenario.label if name == book.target else scenario.columns.get(name)) or base
        for place, own in enumerate([step.columns for step in scenario.steps] or [{}]):
            source = own.get(name) or general
            rows = np.flatnonzero(of_scenario & (laid.step == place))
            if source is not None and len(rows):
                rows_of.setdefault(id(source), (source, []))[1].append(rows)
    for source, parts in rows_of.values():
        yield source, np.sort(np.concatenate(parts))


def _gathered(name: str, parts: list[tuple[np.ndarray, np.ndarray]], n: int) -> np.ndarray:
    """Put the parts of a column together, (n,)."""
    dtypes = {values.dtype for _, values in parts}
    if np.dtype(object) in dtypes and len(dtypes) > 1:
        raise ConfigError(f"column {name!r} must be text in every scenario or in none: correct those that differ.")
    column = np.empty(n, dtype=np.result_type(*dtypes) if dtypes else np.float64)
    for rows, values in parts:
        column[rows] = values
    return column
