"""Refuse rows that break rules stated by the user."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.errors import ConfigError
from loop.expressions.zones import zones_of
from loop.types import Column, Schema, Table, Verdict

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule that must hold in every row.

    Parameters
    ----------
    text : str
        The rule as the user wrote it; the reason of a refusal.
    columns : frozenset of str
        Names of the columns it uses. A row with a missing value in one of them passes, as in an SQL CHECK.
    holds : callable
        Maps these columns, each (m,), and the time zones of those that have one to a mask (m,). Categories are passed
        as their values, booleans as booleans, datetimes as seconds since 1970-01-01 UTC.
    """

    text: str
    columns: frozenset[str]
    holds: Callable[[Columns, Mapping[str, str]], np.ndarray]

    def broken(self, table: Table) -> np.ndarray:
        """Return which rows break the rule, as a mask (n,).

        Raises
        ------
        ConfigError
            If the table lacks a column, or the rule is not true or false in a row.
        """
        positions = {name: _position(table.schema, name, self.text) for name in sorted(self.columns)}
        known = _present(table, list(positions.values()))
        columns = {name: _decoded(table.schema.columns[at], table.X[known, at]) for name, at in positions.items()}
        with np.errstate(all="ignore"):  # values that Domain refuses, such as infinities, are judged like others
            holds = np.asarray(self.holds(columns, zones_of(table.schema)))
        if holds.dtype != bool:
            raise ConfigError(f"a constraint must be true or false in a row, {self.text!r} is neither: compare values.")
        broken = np.zeros(len(table), dtype=bool)
        broken[known] = ~holds
        return broken


@dataclass(frozen=True, eq=False)
class Constraints:
    """Refuse candidates that break a rule, or repeat values that must be unique; the reason is the rule's text.

    Parameters
    ----------
    rules : tuple of Rule
        Judged in order.
    unique : tuple of tuple of str
        Sets of columns whose values together must be unique among the reference and the candidates of a generation.
        As in SQL, a row with a missing value in one of them differs from all others.

    Raises
    ------
    ConfigError
        From ``judge``, as in `Rule.broken`.
    """

    rules: tuple[Rule, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates; of those with equal unique values, the first that breaks no rule is kept."""
        verdict = Verdict.refuse(np.zeros(len(candidates), dtype=bool), "")
        for rule in self.rules:
            verdict = verdict.then(Verdict.refuse(rule.broken(candidates), rule.text))
        for names in self.unique:
            repeated = np.zeros(len(candidates), dtype=bool)
            repeated[verdict.keep] = _repeats(candidates.take(verdict.keep), reference, names)
            verdict = verdict.then(Verdict.refuse(repeated, unique_text(names)))
        return verdict

    def broken(self, table: Table) -> dict[str, int]:
        """Count the rows of a table that break each rule, by the rule's text."""
        nothing = table.take(np.arange(0))
        counts = {rule.text: int(rule.broken(table).sum()) for rule in self.rules}
        return counts | {unique_text(names): int(_repeats(table, nothing, names).sum()) for names in self.unique}


def unique_text(names: tuple[str, ...]) -> str:
    """Return the text of the rule that the columns together are unique."""
    return f"unique: {', '.join(names)}"


def _repeats(table: Table, before: Table, names: tuple[str, ...]) -> np.ndarray:
    """Return which rows (n,) repeat the values of an earlier row or of the other table."""
    at = [_position(table.schema, name, unique_text(names)) for name in names]
    values = pd.DataFrame(np.concatenate([before.X[:, at], table.X[:, at]]))
    repeated: np.ndarray = values.duplicated().to_numpy()[len(before) :] & _present(table, at)
    return repeated


def _position(schema: Schema, name: str, text: str) -> int:
    if name not in schema.names:
        reason = dict(schema.excluded).get(name)
        fault = f"was excluded ({reason})" if reason else "is none"
        raise ConfigError(
            f"a constraint must be about feature columns, and {name!r} in {text!r} {fault}: "
            f"the columns are {', '.join(schema.names)}."
        )
    return schema.names.index(name)


def _present(table: Table, at: list[int]) -> np.ndarray:
    """Return which rows (n,) have a value in all of the columns; an unknown category counts as missing."""
    present = np.ones(len(table), dtype=bool)
    for position in at:
        x, column = table.X[:, position], table.schema.columns[position]
        present &= np.isin(x, np.arange(len(column.categories))) if column.kind == "categorical" else ~np.isnan(x)
    return present


def _decoded(column: Column, x: np.ndarray) -> np.ndarray:
    """Turn codes (m,) into categories or booleans; other values stay as they are."""
    if column.kind == "boolean":
        return np.asarray(x == 1, dtype=bool)
    if column.kind != "categorical":
        return x
    alike = len({type(category) for category in column.categories}) == 1
    values = np.array(column.categories, dtype=None if alike else object)
    decoded: np.ndarray = values[x.astype(np.int64)]
    return decoded
