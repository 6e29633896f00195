"""Scenarios whose rows start from whole real rows: what they state is assigned, everything else is the row's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from generators.rules.book import Scenario
from generators.rules.draws import LABEL, ROW, Columns, Limit, Seen, draw
from generators.rules.schema_codes import encode
from loop.data.value_grid import tidy
from loop.errors import ConfigError
from loop.types import Schema

START = "#start"  # among the parents: the rows that rows start from
MOST = 10_000  # rows on which it is checked that a scenario changes something

Filled = tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]  # columns, mass and parents, as in `fill`


def restated(
    scenario: Scenario,
    target: str,
    rows: np.ndarray,
    inside: Mapping[str, Limit],
    seen: Seen | None,
    rng: np.random.Generator,
) -> Filled:
    """Draw whole real rows and assign what a scenario states, in its order.

    Parameters
    ----------
    scenario : Scenario
        With ``where``.
    target : str
        Name of the label.
    rows : np.ndarray
        Numbers (n,) of the rows to be drawn.
    inside : mapping of str to Limit
        The condition on each limited column. Real rows are chosen among those that satisfy the conditions on columns
        that are not stated.
    seen : Seen or None
        Real values, those of the label under its name; ``starts`` has the scenario.
    rng : np.random.Generator
        Source of all randomness.

    Returns
    -------
    columns, mass, parents
        As in `generators.rules.fill.fill`, the rows started from under `START`.

    Raises
    ------
    ConfigError
        If there are no real values, or a source cannot be drawn.
    """
    if seen is None:
        raise ConfigError(
            f"scenario {scenario.name!r} starts from real rows, and there are none: fit on a table first."
        )
    chosen, share = _starts(scenario, target, len(rows), inside, seen, rng)
    columns = {ROW: rows, **{name: values[chosen] for name, values in seen.columns.items()}}
    columns[LABEL] = columns[target]
    mass, parents = np.full(len(rows), share), {START: seen.row_number[chosen]}
    label = {} if scenario.label is None else {target: scenario.label}
    free = scenario.label is not None and not scenario.label.names
    for name, source in ({**label, **scenario.columns} if free else {**scenario.columns, **label}).items():
        read = {each: columns[each] for each in (ROW, LABEL, *source.names)}
        columns[name], factor, parents[name] = draw(name, source, read, inside.get(name), seen, rng)
        mass *= factor
        if name == target:
            columns[LABEL] = columns[name]
    return columns, mass, parents


def _starts(
    scenario: Scenario, target: str, n: int, inside: Mapping[str, Limit], seen: Seen, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Choose a real row for each of n; return their positions (n,) and the share of rows that could be chosen."""
    stated = {*scenario.columns, *((target,) if scenario.label else ())}
    able = seen.starts[scenario.name]
    fits = able.copy()
    for name in inside.keys() - stated:
        fits &= inside[name].allows(seen.columns[name])
    pool = np.flatnonzero(fits if fits.any() else able)
    share = fits.sum() / able.sum()
    # A seed is in the region as it is: where the region limits what is stated, it says nothing of where to start.
    if seen.seeds is not None and not stated & (inside.keys() - {target}) and (weight := seen.seeds[pool]).any():
        return rng.choice(pool, size=n, p=weight / weight.sum()), share
    return pool[rng.integers(len(pool), size=n)], share


def starts(scenario: Scenario, target: str, real: Columns, schema: Schema) -> np.ndarray:
    """Tell from which real rows (m,) a scenario may start.

    Raises
    ------
    ConfigError
        If the scenario reads what is no column of the table, or no row is like it says.
    """
    if scenario.where is None:
        return np.zeros(len(real[target]), dtype=bool)
    _check_names(scenario, schema)
    held = scenario.where.evaluate(real)
    if held.dtype == object:
        raise ConfigError(f'scenario {scenario.name!r}, where must be true or false, "{scenario.where.text}" is text.')
    able: np.ndarray = (held != 0) & ~np.isnan(held.astype(float))
    if not able.any():
        raise ConfigError(
            f'scenario {scenario.name!r} must start from real rows, none of {len(able):,} has "{scenario.where.text}": '
            "widen where."
        )
    return able


def _check_names(scenario: Scenario, schema: Schema) -> None:
    """Raise ConfigError if an expression reads neither a column of the table nor what is stated before it."""
    known, place = set(schema.names), f"scenario {scenario.name!r}"
    read = [(f"{place}, where", scenario.where.names if scenario.where else frozenset(), {schema.target})]
    for number, (name, source) in enumerate(scenario.columns.items()):
        read.append((f"{place}, {name!r}", source.names, set(list(scenario.columns)[:number])))
    if scenario.label:
        read.append((f"{place}, label", scenario.label.names, set(scenario.columns)))
    for where, names, more in read:
        if unknown := sorted(names - known - more):
            raise ConfigError(
                f"{where} must read columns of the table ({', '.join(schema.names)}) or what is stated before, got "
                f"{unknown[0]!r}: correct it."
            )


def check_effect(scenario: Scenario, schema: Schema, seen: Seen, rng: np.random.Generator) -> None:
    """Raise ConfigError if a scenario leaves its rows as they are."""
    n = min(MOST, int(seen.starts[scenario.name].sum()))
    columns, _, parents = restated(scenario, schema.target, np.arange(n), {}, seen, rng)
    place = np.argsort(seen.row_number)
    base = place[np.searchsorted(seen.row_number, parents[START], sorter=place)]
    for column in schema.columns:
        if column.name in scenario.columns:
            alone, both = Schema((column,), schema.classes), (columns[column.name], seen.columns[column.name][base])
            made, real = (tidy(encode(each, column)[:, None], alone) for each in both)
            if not np.array_equal(made, real, equal_nan=True):
                return
    raise ConfigError(
        f"a scenario must change something, and {scenario.name!r} leaves {n:,} rows as they are: state a column that "
        "differs from the row it starts from."
    )
