"""Rows drawn from a rule book: the one generator with knowledge from outside the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from generators.common.persistence import read_settings, write_settings
from generators.resampling.resample import class_stream, proposals, real_rows
from generators.rules.book import SCENARIO, Book, read_book, read_content
from generators.rules.column_types import Kinds, typed
from generators.rules.draws import Seen, constants
from generators.rules.fill import fill
from generators.rules.scenario_mixture import Batch, Mixture, explored, thinned
from generators.rules.schema_codes import check_fits, decode, encode, label_column, label_limit, limits
from generators.rules.sources import HISTORY, Source
from generators.rules.timeline import plan
from loop.data.value_grid import tidy
from loop.errors import ConditionError, ConfigError, DataError
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import NOBODY, Request, Samples, Schema, Table

ENTITIES = 20  # minimum in a timeline: with one or two there would only be the first days of a series
CROWD = 0.05  # share to which a rare class is raised in a timeline: more would change the history of other rows
_DATA = Source("data")
_ROWS = "row"  # name of the row numbers in the archive, whose other names begin with x_


@dataclass(eq=False)
class Rules:
    """Draws rows from a declarative book: distributions, derived columns, scenarios, events over time.

    The knowledge is in the book; from the data it learns only the schema and, for columns with ``from: data`` and all
    that the book leaves out, the distribution in each class. A region is reached by drawing the columns of its rule
    inside it (inverse distribution function, masked weights) and weighting each row by the probability of that; other
    sources are drawn freely and rejected outside. Rows of a book with events are drawn as a whole timeline, as their
    history must be right, and only by rejection. Values beyond the range of the data are clipped to it, as in every
    generator.

    A row starts from no real row, so its first parent is none. The others are the real rows that its values and its
    label were taken from: one for each column that may come from the data, in the order of the table, the label last,
    and none where the book drew instead. What is computed from such values, the history of an entity too, adds none.

    Parameters
    ----------
    book : str, Path or mapping
        Path of a YAML file, or its content. An empty book draws a class, then each column independently from the data
        of the class.
    tries : int
        Maximum number of draws for each requested row; a timeline has at least the rows of `ENTITIES` entities.
    batch : int
        Maximum number of rows drawn at once: bounds memory.

    Raises
    ------
    ConfigError
        If the book breaks a rule; the message names the place.

    Examples
    --------
    >>> book = {"columns": {"amount": {"from": "lognormal", "log_mean": 3, "log_sd": 1}, "fee": "0.02 * amount"}}
    >>> frame = Rules(book).generate(5, np.random.default_rng(0))
    >>> list(frame.columns), len(frame)
    (['amount', 'fee', 'scenario'], 5)
    """

    book: str | Path | Mapping[str, Any] = field(default_factory=dict)
    tries: int = 200
    batch: int = 20_000

    schema_: Schema = field(init=False, repr=False)
    book_: Book = field(init=False, repr=False)
    data_: dict[str, np.ndarray] = field(init=False, repr=False)  # encoded values (m,) by column, "" = the label
    seen_: Seen = field(init=False, repr=False)  # the same as the book names them

    def __post_init__(self) -> None:
        check_bounds(self, least={"tries": 1, "batch": 1})
        read_book(read_content(self.book))

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Check the book against the schema and keep the values of the columns that come from the data.

        Raises
        ------
        ConfigError
            If the book names a column, category or class that the table does not have.
        """
        self.book_ = _completed(read_book(read_content(self.book)), table.schema)
        drawn = {name for name, source in self.book_.sources() if source.kind == "data"}
        learns = drawn or any(label.kind == "data" for label in self.book_.labels())
        real = real_rows(table) if learns else table.take(table.is_real)
        seen = {name: x.copy() for name, x in zip(table.schema.names, real.X.T, strict=True) if name in drawn}
        self._open(table.schema, {**seen, "": real.y.astype(float)}, real.row_number)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw rows of the region and class.

        Raises
        ------
        ConditionError
            If no scenario can give the class, or the book gives a category or class that does not exist.
        """
        rng = class_stream(rng, request.label)
        mixture = self._mixture(request, rng)
        if not request.n or not mixture.chance.any():
            nothing = np.empty((0, len(self.schema_.columns)))
            none = np.empty((0, 1 + len(self.data_)), dtype=np.int64)
            return Samples(_rows(nothing, np.empty(0), none, self.schema_), request, mixture.drawn)
        made = thinned(
            lambda n, mixed: self._propose(n, request, mixed, rng), request, mixture, self.tries, self.batch, rng
        )
        aimed = bool(request.region.rule) or request.label is not None
        return (
            made if aimed else replace(made, sampling_method="native")
        )  # even if some rows are rejected, for a missing label for example

    def generate(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Make a data set from the book alone, without any table.

        Columns whose name begins with ``_`` are helpers and are left out; whole numbers become integers.

        Returns
        -------
        pandas.DataFrame
            n rows: entity and time if there are events, the columns, the label if there is one, the scenario's name.

        Raises
        ------
        ConfigError
            If a column comes from the data.
        """
        book = read_book(read_content(self.book))
        weights = np.array([scenario.weight for scenario in book.scenarios])
        laid = plan(book, n, weights / weights.sum(), rng)
        drawn, *_ = fill(book, laid, {}, None, rng)
        named = np.array([scenario.name for scenario in book.scenarios], dtype=object)
        wanted = [*book.columns, *({book.target} & drawn.keys())]
        if book.events:
            wanted = [book.events.entity, book.events.time, *wanted]
        kinds = Kinds.of(book)
        columns = {name: typed(name, drawn[name], kinds) for name in wanted if not name.startswith("_")}
        return pd.DataFrame(columns, index=range(n)).assign(**{SCENARIO: named[laid.scenario]})

    def save(self, folder: Path) -> None:
        """Write the book's content, the schema and the values that come from the data, with their row numbers."""
        whole = replace(self, book=read_content(self.book))
        write_settings(whole, folder, self.schema_)
        arrays = {_ROWS: self.seen_.row_number, **{f"x_{name}": x for name, x in self.data_.items()}}
        np.savez(folder / "data.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written.

        Raises
        ------
        DataError
            If the values have no row numbers, or not one for each.
        """
        settings, _, schema = read_settings(folder)
        rules = cls(**settings)
        rules.book_ = _completed(read_book(settings["book"]), schema)
        with np.load(folder / "data.npz", allow_pickle=False) as data:
            held = {name.removeprefix("x_"): data[name] for name in data.files if name != _ROWS}
            rows = data[_ROWS] if _ROWS in data.files else np.empty(0)
        if rows.dtype != np.int64 or {x.shape for x in held.values()} != {rows.shape}:
            raise DataError(f"values in {folder} must have a row number each, and have not: fit and save it again.")
        rules._open(schema, held, rows)
        return rules

    def _open(self, schema: Schema, data: Mapping[str, np.ndarray], row_number: np.ndarray) -> None:
        """Set the fitted state: the schema, encoded values (m,) by column, and the row numbers (m,)."""
        self.schema_, self.data_ = schema, dict(data)
        columns = {column.name: column for column in schema.columns}
        label = decode(data[""], label_column(schema))
        values = {name: decode(x, columns[name]) for name, x in data.items() if name}
        self.seen_ = Seen({**values, schema.target: label}, label, row_number)

    def _mixture(self, request: Request, rng: np.random.Generator) -> Mixture:
        """Decide how often to try each scenario, from a few rows of each."""
        book = self.book_
        able = np.array([self._can_give(scenario.label or book.label, request.label) for scenario in book.scenarios])
        weight = np.array([scenario.weight for scenario in book.scenarios])
        if not (able * weight).any():
            label = self.schema_.classes[request.label or 0]
            raise ConditionError(f"no scenario of the book gives class {label!r}: add one, or ask for another class.")
        if not any(source.kind in HISTORY for _, source in book.sources()):
            weight = weight * able
        elif (share := weight[able].sum() / weight.sum()) < CROWD:  # the other rows are needed as history
            weight = np.where(able, weight * CROWD / share, weight * (1 - CROWD) / (1 - share))
        aimed = bool(request.n) and not book.events
        inside = limits(request.region, self.schema_) if aimed else {}
        if aimed and request.label is not None:
            inside[book.target] = label_limit(request.label, self.schema_)

        def mass(number: int, n: int) -> float:
            laid = plan(book, n, np.eye(len(weight))[number], rng)
            return float(fill(book, laid, inside, self.seen_, rng)[1].max())

        return explored(book, inside, weight, mass)

    def _can_give(self, label: Source | None, wanted: int | None) -> bool:
        if wanted is None or label is None or label.kind != "constant":
            return True
        given = encode(constants(label.values), label_column(self.schema_))
        return bool(given[0] == wanted)

    def _propose(self, n: int, request: Request, mixture: Mixture, rng: np.random.Generator) -> Batch:
        """Draw rows; return those inside the region and of the class, with their mass and scenario."""
        schema, events = self.schema_, self.book_.events
        n = max(n, ENTITIES * events.rows_each) if events else n
        laid = plan(self.book_, n, mixture.chance, rng)
        drawn, mass, parents = fill(self.book_, laid, mixture.inside, self.seen_, rng)
        taken = [parents[name or self.book_.target] for name in self.data_]
        used = np.column_stack([np.full(len(mass), NOBODY), *taken])  # the first place is that of a row to start from
        X = np.column_stack([encode(drawn[column.name], column) for column in schema.columns])
        y = encode(drawn[self.book_.target], label_column(schema))
        keep = (np.array([column.missing for column in schema.columns]) | ~np.isnan(X)).all(axis=1) & (mass > 0)
        keep &= ~np.isnan(y) if request.label is None else y == request.label
        rows, place = _rows(X[keep], y[keep], used[keep], schema), np.flatnonzero(keep)
        inside = request.region.contains(rows.rows)
        return rows.take(inside), mass[place[inside]], laid.scenario[place[inside]], n


def _completed(book: Book, schema: Schema) -> Book:
    """Check a book against a schema; columns and label that it leaves out come from the data."""
    check_fits(book, schema)
    book = _with_names(book, schema)
    drawn = {book.events.entity, book.events.time} if book.events else set()
    rest = {name: _DATA for name in schema.names if name not in {*book.columns, *drawn}}
    label = book.label or (None if all(scenario.label for scenario in book.scenarios) else _DATA)
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


def _rows(X: np.ndarray, y: np.ndarray, parents: np.ndarray, schema: Schema) -> Table:
    return proposals(tidy(X, schema), y.astype(np.int64), parents, schema)


_: type[Generator] = Rules
