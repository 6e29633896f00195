"""Rows drawn from a rule book: the one generator with knowledge from outside the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from generators.common.persistence import FILE, unfitted, write_settings
from generators.common.saved_rows import damaged
from generators.resampling.resample import class_stream, proposals, real_rows
from generators.rules.book import SCENARIO, Book
from generators.rules.column_types import Kinds, typed
from generators.rules.completion import completed, soft_labels
from generators.rules.draws import Seen, constants
from generators.rules.fill import fill
from generators.rules.from_rows import START, check_effect, starts
from generators.rules.reading import read_book, read_content
from generators.rules.scenario_mixture import Batch, Mixture, explored, thinned
from generators.rules.schema_codes import ROWS, decode, encode, label_column, label_limit, limits, read_values
from generators.rules.sources import HISTORY, Source
from generators.rules.timeline import plan
from loop.data.value_grid import tidy
from loop.errors import ConditionError, ConfigError
from loop.expressions.zones import zones_of
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import NOBODY, Region, Request, Samples, Schema, Table

ENTITIES = 20  # minimum in a timeline: with one or two there would only be the first days of a series
CROWD = 0.05  # share to which a rare class is raised in a timeline: more would change the history of other rows
DATA = "data.npz"


@dataclass(eq=False)
class Rules:
    """Draws rows from a declarative book: distributions, derived columns, scenarios, events over time.

    The knowledge is in the book; from the data it learns only the schema and, for columns with ``from: data`` and all
    that the book leaves out, the distribution in each class. A region is reached by drawing the columns of its rule
    inside it (inverse distribution function, masked weights) and weighting each row by the probability of that; other
    sources are drawn freely and rejected outside. Rows of a book with events are drawn as a whole timeline, as their
    history must be right, and only by rejection. Values beyond the range of the data are clipped to it, as in every
    generator.

    A row starts from no real row, so its first parent is none. With ``from_rows`` it is the row that it starts from: a
    seed of the region, or a row that satisfies the region in all columns that are not stated. The other parents are the
    real rows that single values and the label were taken from: one for each column that may come from the data, in the
    order of the table, the label last, and none where the book drew instead. What is computed from such values, the
    history of an entity too, adds none.

    Parameters
    ----------
    book : str, Path or mapping
        Path of a YAML file, or its content. An empty book draws a class, then each column independently from the data
        of the class.
    tries : int
        Maximum number of draws for each requested row; a timeline has at least the rows of `ENTITIES` entities.
    batch : int
        Maximum number of rows drawn at once: bounds memory.
    scenario : str or None
        The only scenario of the book that is used; None = all of them.

    Raises
    ------
    ConfigError
        If the book breaks a rule; the message names the place. If it has no such scenario.

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
    scenario: str | None = None

    schema_: Schema = field(init=False, repr=False)
    book_: Book = field(init=False, repr=False)
    data_: dict[str, np.ndarray] = field(init=False, repr=False)  # encoded values (m,) by column, "" = the label
    seen_: Seen = field(init=False, repr=False)  # the same as the book names them
    lent_: tuple[str, ...] = field(init=False, repr=False)  # those of the data from which single values may come
    place_: np.ndarray = field(init=False, repr=False)  # (n,) position of each row of the table in the data, -1 = none

    def __post_init__(self) -> None:
        check_bounds(self, least={"tries": 1, "batch": 1})
        self._read()

    @property
    def stated(self) -> tuple[str, ...]:
        """Names of the columns that the book states, or its one scenario: all that the rows are told to be like."""
        return self._read().stated()

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Check the book against the schema and keep the values of the columns that come from the data.

        Raises
        ------
        ConfigError
            If the book names a column, category or class that the table does not have, or a scenario has no rows to
            start from, or leaves them as they are.
        """
        self.book_ = completed(self._read(), table.schema)
        kept = self._kept(table.schema)
        learns = kept or any(label.kind == "data" for label in self.book_.labels())
        real = real_rows(table) if learns else table.take(table.is_real)
        seen = {name: x.copy() for name, x in zip(table.schema.names, real.X.T, strict=True) if name in kept}
        self._open(table.schema, {**seen, "": real.y.astype(float)}, real.row_number)
        self.place_ = np.where(table.is_real, np.cumsum(table.is_real) - 1, NOBODY)
        for scenario in self.book_.scenarios:
            if scenario.where:
                check_effect(scenario, table.schema, self.seen_, rng)
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
            none = np.empty((0, 1 + len(self.lent_)), dtype=np.int64)
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
        book = self._read()
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
        arrays = {ROWS: self.seen_.row_number, **{f"x_{name}": x for name, x in self.data_.items()}}
        np.savez(folder / DATA, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written.

        Raises
        ------
        DataError
            If the book breaks a rule, or the values do not fit the schema or have no row number each.
        """
        rules, _, schema = unfitted(cls, folder)
        if not isinstance(rules.book, Mapping):  # a path would be read
            raise damaged(folder / FILE, "the book must be there whole")
        data, row_number = read_values(folder / DATA, schema)
        try:
            rules.book_ = completed(rules._read(), schema)
            if missing := rules._kept(schema) - set(data):
                raise damaged(folder / DATA, f"values of {min(missing)} are missing")
            rules._open(schema, data, row_number)
        except ConfigError as error:
            raise damaged(folder / FILE, error) from error
        return rules

    def _open(self, schema: Schema, data: Mapping[str, np.ndarray], row_number: np.ndarray) -> None:
        """Set the fitted state: the schema, encoded values (m,) by column, and the row numbers (m,)."""
        self.schema_, self.data_, self.book_ = schema, dict(data), self.book_.in_zones(zones_of(schema))
        self.lent_ = tuple(name for name in data if name in self._lent() or not name)
        self.place_ = np.arange(len(row_number))
        columns = {column.name: column for column in schema.columns}
        label = decode(data[""], label_column(schema))
        values = {name: decode(x, columns[name]) for name, x in data.items() if name}
        real = {**values, schema.target: label}
        able = {each.name: starts(each, schema.target, real, schema) for each in self.book_.scenarios if each.where}
        self.seen_ = Seen(real, label, row_number, able)

    def _read(self) -> Book:
        book = read_book(read_content(self.book))
        return book if self.scenario is None else book.only(self.scenario)

    def _kept(self, schema: Schema) -> set[str]:
        """Return the columns whose real values are kept: all, if a scenario starts from real rows."""
        whole = any(scenario.where for scenario in self.book_.scenarios)
        return set(schema.names) if whole else self._lent()

    def _lent(self) -> set[str]:
        """Return the columns whose values may come from the data one by one."""
        return {name for name, source in self.book_.sources() if source.kind == "data"}

    def _mixture(self, request: Request, rng: np.random.Generator) -> Mixture:
        """Decide how often to try each scenario, from a few rows of each."""
        book = self.book_
        able = np.array([self._can_give(book.label_of(scenario), request.label) for scenario in book.scenarios])
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

    def _seeded(self, region: Region) -> Seen:
        """Return the real values with the weight of each row as a seed of the region."""
        if region.seeds is None or not self.seen_.starts:
            return self.seen_
        weight, place = np.zeros(len(self.seen_.label)), self.place_[region.seeds]
        told = np.ones(len(place)) if region.seed_weight is None else region.seed_weight
        np.add.at(weight, place[place >= 0], told[place >= 0])
        return replace(self.seen_, seeds=weight)

    def _can_give(self, label: Source | None, wanted: int | None) -> bool:
        if wanted is None or label is None or label.kind not in ("constant", "probabilities"):
            return True
        given = encode(constants((label.likeliest,)), label_column(self.schema_))
        return bool(given[0] == wanted)

    def _propose(self, n: int, request: Request, mixture: Mixture, rng: np.random.Generator) -> Batch:
        """Draw rows; return those inside the region and of the class, with their mass and scenario."""
        schema, events = self.schema_, self.book_.events
        n = max(n, ENTITIES * events.rows_each) if events else n
        laid = plan(self.book_, n, mixture.chance, rng)
        drawn, mass, parents = fill(self.book_, laid, mixture.inside, self._seeded(request.region), rng)
        nobody = np.full(len(mass), NOBODY)
        taken = [parents.get(name or self.book_.target, nobody) for name in self.lent_]
        used = np.column_stack([parents.get(START, nobody), *taken])
        X = np.column_stack([encode(drawn[column.name], column) for column in schema.columns])
        y = encode(drawn[self.book_.target], label_column(schema))
        keep = (np.array([column.missing for column in schema.columns]) | ~np.isnan(X)).all(axis=1) & (mass > 0)
        keep &= ~np.isnan(y) if request.label is None else y == request.label
        rows, place = _rows(X[keep], y[keep], used[keep], schema), np.flatnonzero(keep)
        rows = replace(rows, soft=soft_labels(self.book_, rows.y, laid.scenario[place], schema))
        inside = request.region.contains(rows.rows)
        return rows.take(inside), mass[place[inside]], laid.scenario[place[inside]], n


def _rows(X: np.ndarray, y: np.ndarray, parents: np.ndarray, schema: Schema) -> Table:
    return proposals(tidy(X, schema), y.astype(np.int64), parents, schema)


_: type[Generator] = Rules
