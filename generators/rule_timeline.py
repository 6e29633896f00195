"""Incidents of entities over time: who, when, in which step; and what came before in the same entity's rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generators.rule_book import Book, Events, Scenario
from generators.rule_draws import ROW, Columns, draw, parameter
from generators.rule_sources import Source
from loop.errors import ConfigError

DAY = 86_400  # seconds


@dataclass(frozen=True, eq=False)
class Plan:
    """Which scenario and step every row belongs to and, with events, the columns that time and entities give."""

    scenario: np.ndarray  # (n,) position among the book's scenarios
    step: np.ndarray  # (n,) position among the scenario's steps, 0 without
    columns: dict[str, np.ndarray]  # each (n,)


def plan(book: Book, n: int, chance: np.ndarray, rng: np.random.Generator) -> Plan:
    """Decide for n rows what will happen in them.

    Parameters
    ----------
    chance : ndarray
        Probability of each scenario, shape (number of scenarios,).

    Raises
    ------
    ConfigError
        If an incident has no rows, or a parameter is out of range.
    """
    if book.events is None:
        scenario = rng.choice(len(chance), size=n, p=chance)
        return Plan(scenario, np.zeros(n, np.int64), {ROW: np.arange(n)})
    counts = rng.multinomial(n, chance)
    parts = [_incidents(each, int(count), rng) for each, count in zip(book.scenarios, counts, strict=True)]
    incident, step, turn = (np.concatenate(column) for column in zip(*parts, strict=True))
    scenario = np.repeat(np.arange(len(parts)), counts)
    _, incident = np.unique(scenario * (n + 1) + incident, return_inverse=True)  # numbered across scenarios
    place = _regular if book.events.every else _scattered
    return place(book, Plan(scenario, step, {"turn": turn, "#incident": incident}), rng)


def history(source: Source, where: str, columns: Columns, book: Book) -> np.ndarray:
    """Tell of each row (n,) what came before it in the rows of its entity; NaN where nothing did."""
    if book.events is None:  # the book is refused before
        raise ConfigError(f"{where} must follow entities over time: add a section events.")
    entity, elapsed = columns[book.events.entity], columns["elapsed"]
    order = np.lexsort((elapsed, entity))
    whose, when = entity[order], elapsed[order]
    place = np.arange(len(order))
    before = place - np.searchsorted(whose, whose)  # earlier rows of the entity
    if source.kind == "seconds_since_last":
        told = np.where(before > 0, when - np.roll(when, 1), np.nan)
    elif source.kind == "count_before":
        window = parameter(where, source.numbers["seconds"], columns)[order]
        line = whose * (when.max(initial=0.0) + 1.0) + when  # one line of time, an entity after the other
        told = np.minimum(place - np.searchsorted(line, line - window), before).astype(float)
    else:
        total = np.append(0.0, np.cumsum(columns[source.of][order].astype(float)))
        told = np.where(before > 0, (total[place] - total[place - before]) / np.maximum(before, 1), np.nan)
    back = np.empty(len(order))
    back[order] = told
    return back


def _incidents(scenario: Scenario, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill n rows with incidents: incident, step and turn of each row, (n,) each; the last incident may be cut."""
    if not scenario.steps:
        return np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    rows = {ROW: np.arange(n)}  # n incidents are enough, as each has a row at least
    counts = [
        draw(f"scenario {scenario.name!r}, count", step.count, rows, None, None, rng)[0] for step in scenario.steps
    ]
    size = np.maximum(np.round(np.stack(counts, axis=1)), 0).astype(np.int64)  # (n, steps)
    if (size.sum(axis=1) < 1).any():
        raise ConfigError(f"scenario {scenario.name!r}: an incident must have a row at least: raise a count.")
    enough = int(np.searchsorted(np.cumsum(size.sum(axis=1)), n)) + 1
    size = size[:enough]
    incident = np.repeat(np.arange(len(size)), size.sum(axis=1))[:n]
    step = np.repeat(np.tile(np.arange(size.shape[1]), len(size)), size.ravel())[:n]
    return incident, step, np.arange(n) - np.searchsorted(incident, incident)


def _scattered(book: Book, bare: Plan, rng: np.random.Generator) -> Plan:
    """Give each incident an entity and a moment to begin; return the rows in order of time."""
    events, n = _events(book), len(bare.scenario)
    habits = _habits(events, max(round(n / events.rows_each), 1), rng)
    incident = bare.columns["#incident"]
    kind = bare.scenario[np.unique(incident, return_index=True)[1]]  # scenario of each incident
    entity, hour = np.zeros(len(kind), np.int64), np.zeros(len(kind))
    for number, scenario in enumerate(book.scenarios):
        mine = np.flatnonzero(kind == number)
        entity[mine] = _whose(scenario.activity or events.activity, habits, len(mine), rng)
        hour[mine] = _hour(scenario.hour or events.hour, _of(habits, entity[mine]), rng)
    day = rng.integers(0, max(int((events.end - events.start) // DAY), 1), len(kind))
    begun, whose = (day * DAY + hour * 3600)[incident], entity[incident]
    elapsed = begun + _gaps(book, bare, _of(habits, whose), rng)
    elapsed = np.floor(np.minimum(elapsed, events.end - events.start - 1))
    order = np.lexsort((bare.columns["turn"], incident, elapsed))
    return _arranged(events, bare, order, whose[order], elapsed[order], habits)


def _regular(book: Book, bare: Plan, rng: np.random.Generator) -> Plan:
    """Lay the incidents one after the other, in random order, along the series of all entities."""
    events, n = _events(book), len(bare.scenario)
    shuffled = rng.permutation(n)[bare.columns["#incident"]]
    order = np.lexsort((bare.columns["turn"], shuffled))
    whose, place = np.divmod(np.arange(n), events.rows_each)
    habits = _habits(events, int(whose.max(initial=0)) + 1, rng)
    return _arranged(events, bare, order, whose, place * float(events.every or DAY), habits)


def _arranged(
    events: Events, bare: Plan, order: np.ndarray, whose: np.ndarray, elapsed: np.ndarray, habits: Columns
) -> Plan:
    columns = _of(habits, whose) | {"turn": bare.columns["turn"][order], "elapsed": elapsed}
    columns |= {events.entity: whose, events.time: events.start + elapsed, ROW: np.arange(len(order))}
    return Plan(bare.scenario[order], bare.step[order], columns)


def _gaps(book: Book, bare: Plan, columns: Columns, rng: np.random.Generator) -> np.ndarray:
    """Return the seconds (n,) from the beginning of its incident to each row."""
    gap = np.zeros(len(bare.scenario))
    for number, scenario in enumerate(book.scenarios):
        for place, step in enumerate(scenario.steps):
            mine = np.flatnonzero((bare.scenario == number) & (bare.step == place) & (bare.columns["turn"] > 0))
            where = f"scenario {scenario.name!r}, gap"
            gap[mine] = np.maximum(draw(where, step.gap, _of(columns, mine), None, None, rng)[0], 0)
    total = np.cumsum(gap)  # an incident's rows are neighbours here, and its first has no gap
    first = np.searchsorted(bare.columns["#incident"], bare.columns["#incident"])
    since: np.ndarray = total - total[first]
    return since


def _habits(events: Events, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    habits: dict[str, np.ndarray] = {ROW: np.arange(n)}
    for name, source in events.habits.items():
        habits[name] = draw(name, source, habits, None, None, rng)[0]
    return habits


def _whose(activity: Source | None, habits: Columns, n: int, rng: np.random.Generator) -> np.ndarray:
    entities = len(habits[ROW])
    if activity is None:
        return rng.integers(entities, size=n)
    weight, _ = draw("activity", activity, habits, None, None, rng)
    if not (weight >= 0).all():
        raise ConfigError(f"activity must be a number of at least 0, got {weight.min():g}: correct its expression.")
    if not weight.sum():  # a small world may hold nobody that a scenario is meant for
        return rng.integers(entities, size=n)
    return rng.choice(entities, size=n, p=weight / weight.sum())


def _hour(source: Source | None, columns: Columns, rng: np.random.Generator) -> np.ndarray:
    if source is None:
        return rng.uniform(0, 24, len(columns[ROW]))
    hours: np.ndarray = np.mod(draw("hour", source, columns, None, None, rng)[0], 24.0)
    return hours


def _of(columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}


def _events(book: Book) -> Events:
    if book.events is None:
        raise ConfigError("rows over time must belong to entities: add a section events.")
    return book.events
