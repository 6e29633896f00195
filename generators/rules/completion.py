"""A book made complete for a table: what it leaves out comes from the data, and its classes are those of the table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generators.rules.book import SCENARIO, Book
from generators.rules.schema_codes import check_fits, decode, label_column
from generators.rules.sources import Source
from loop.errors import ConfigError
from loop.types import Schema

_DATA = Source("data")


def completed(book: Book, schema: Schema) -> Book:
    """Check a book against a schema; columns and label that it leaves out come from the data.

    Scenarios whose rows start from real rows are complete as they are.

    Raises
    ------
    ConfigError
        If the book names a column, category or class that the table does not have.
    """
    book = _with_probabilities(book, schema)
    check_fits(book, schema)
    book = _with_names(book, schema)
    drawn = {book.events.entity, book.events.time} if book.events else set()
    described = [scenario for scenario in book.scenarios if scenario.where is None]
    rest = {name: _DATA for name in schema.names if described and name not in {*book.columns, *drawn}}
    label = book.label or (None if all(scenario.label for scenario in described) else _DATA)
    return replace(book, target=schema.target, columns={**book.columns, **rest}, label=label)


def _with_names(book: Book, schema: Schema) -> Book:
    """Set a column of scenario names, as in data sets made from the book itself, to the scenario drawn."""
    found = next((column for column in schema.columns if column.name == SCENARIO), None)
    names = {scenario.name for scenario in book.scenarios if scenario.weight}
    if found is None or not names & set(found.categories):
        return book
    if unknown := sorted(names - set(found.categories)):
        raise ConfigError(
            f"a column {SCENARIO!r} must know all scenarios of the book or none, and lacks {unknown[0]!r}: "
            "rename the column, or add rows of it."
        )
    named = [
        replace(each, columns={**each.columns, SCENARIO: Source("constant", values=(each.name,))})
        for each in book.scenarios
    ]
    columns = {**book.columns, SCENARIO: named[0].columns[SCENARIO]}
    return replace(book, columns=columns, scenarios=tuple(named))


def _with_probabilities(book: Book, schema: Schema) -> Book:
    """Give labels with probabilities all classes of the table, in the order of their codes."""

    def of_table(label: Source | None) -> Source | None:
        return _by_class(label, schema) if label and label.kind == "probabilities" else label

    scenarios = [replace(scenario, label=of_table(scenario.label)) for scenario in book.scenarios]
    return replace(book, label=of_table(book.label), scenarios=tuple(scenarios))


def _by_class(label: Source, schema: Schema) -> Source:
    known = [_spelled(name) for name in schema.classes]
    shares = dict.fromkeys(known, 0.0)
    for name, share in zip(label.values, label.shares, strict=True):
        if _spelled(name) not in shares:
            told = ", ".join(known)
            raise ConfigError(f"probabilities must be those of the classes {told}, got {name!r}: use one of these.")
        shares[_spelled(name)] += share
    codes = np.arange(len(known), dtype=float)
    classes = decode(codes, label_column(schema)).tolist()
    return replace(label, values=tuple(classes), shares=tuple(shares.values()))


def _spelled(name: object) -> str:
    """Return a class as text, the same for keys of YAML and of JSON, which are all text."""
    if isinstance(name, bool):
        return str(name).lower()
    return f"{name:.15g}" if isinstance(name, int | float) else str(name)


def soft_labels(book: Book, y: np.ndarray, scenario: np.ndarray, schema: Schema) -> np.ndarray | None:
    """Return the label distributions (n, K) of rows, or None if the book gives no probabilities.

    Parameters
    ----------
    book : Book
        After `completed`.
    y : np.ndarray
        Class codes (n,).
    scenario : np.ndarray
        Position (n,) of each row's scenario.
    schema : Schema
        Its K classes.
    """
    labels = [book.label_of(each) for each in book.scenarios]
    if not any(label and label.shares for label in labels):
        return None
    soft = np.eye(schema.n_classes)[y.astype(np.int64)]
    for number, label in enumerate(labels):
        if label and label.shares:
            soft[scenario == number] = label.shares
    return soft
