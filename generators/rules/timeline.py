"""Incidents of entities over time: entity, time and step of each row."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from generators.rules.book import Book, Events, Scenario
from generators.rules.draws import ROW, Columns, draw
from generators.rules.sources import Source
from loop.errors import ConfigError
from loop.types import DAY


@dataclass(frozen=True, eq=False)
class Plan:
    """Scenario and step of every row and, with events, the columns of time and entities."""

    scenario: np.ndarray  # (n,) position among the book's scenarios
    step: np.ndarray  # (n,) position among the scenario's steps, 0 without steps
    columns: dict[str, np.ndarray]  # each (n,)

    def take(self, rows: np.ndarray) -> Plan:
        """Return the plan of some rows, at positions (m,)."""
        return Plan(self.scenario[rows], self.step[rows], _of(self.columns, rows))


def plan(book: Book, n: int, chance: np.ndarray, rng: np.random.Generator) -> Plan:
    """Assign scenario, step and, with events, entity and time to n rows.

    Parameters
    ----------
    book : Book
        The scenarios and events.
    n : int
        Number of rows.
    chance : ndarray
        Probability of each scenario, shape (number of scenarios,).
    rng : numpy.random.Generator
        Source of all randomness.

    Raises
    ------
    ConfigError
        If an incident has no rows, or a parameter is out of range.
    """
    if book.events is None:
        scenario = rng.choice(len(chance), size=n, p=chance)
        return Plan(scenario, np.zeros(n, np.int64), {ROW: np.arange(n)})
    if book.events.every is None:
        return _scattered(book, _bare(book, n, n, chance, rng), rng)
    each = book.events.rows_each
    spare = n + 2 * each if any(scenario.steps for scenario in book.scenarios) else 0  # as incidents are cut off
    return _regular(book, n, _bare(book, n + spare, each, chance, rng), rng)


def _bare(book: Book, n: int, most: int, chance: np.ndarray, rng: np.random.Generator) -> Plan:
    """Fill n rows with incidents of at most ``most`` rows; the rows of an incident are adjacent."""
    counts = rng.multinomial(n, chance)
    parts = [_incidents(each, int(count), most, rng) for each, count in zip(book.scenarios, counts, strict=True)]
    incident, step, turn = (np.concatenate(column) for column in zip(*parts, strict=True))
    scenario = np.repeat(np.arange(len(parts)), counts)
    _, incident = np.unique(scenario * (n + 1) + incident, return_inverse=True)  # numbered across scenarios
    return Plan(scenario, step, {"turn": turn, "#incident": incident})


def _incidents(
    scenario: Scenario, n: int, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill n rows with incidents: return incident, step and turn of each row, (n,) each; the last may be cut off."""
    if not scenario.steps:
        return np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    rows = {ROW: np.arange(n)}  # n incidents are enough, as each has at least one row
    counts = [_numbers(f"scenario {scenario.name!r}, count", step.count, rows, rng) for step in scenario.steps]
    upto = np.minimum(np.cumsum(np.clip(np.round(np.stack(counts, axis=1)), 0, most), axis=1), most)
    size = np.diff(upto, axis=1, prepend=0).astype(np.int64)  # (n, steps)
    if (size.sum(axis=1) < 1).any():
        raise ConfigError(f"scenario {scenario.name!r}: an incident must have at least one row: raise a count.")
    enough = int(np.searchsorted(np.cumsum(size.sum(axis=1)), n)) + 1
    size = size[:enough]
    incident = np.repeat(np.arange(len(size)), size.sum(axis=1))[:n]
    step = np.repeat(np.tile(np.arange(size.shape[1]), len(size)), size.ravel())[:n]
    return incident, step, np.arange(n) - np.searchsorted(incident, incident)


def _scattered(book: Book, bare: Plan, rng: np.random.Generator) -> Plan:
    """Give each incident an entity and a start time; return the rows in order of time."""
    events, n = _events(book), len(bare.scenario)
    habits = _habits(events, max(round(n / events.rows_each), 1), rng)
    incident = bare.columns["#incident"]
    kind = bare.scenario[np.unique(incident, return_index=True)[1]]  # scenario of each incident
    entity, hour = np.zeros(len(kind), np.int64), np.zeros(len(kind))
    for number, scenario in enumerate(book.scenarios):
        mine = np.flatnonzero(kind == number)
        entity[mine] = _whose(scenario.activity or events.activity, habits, len(mine), rng)
        hour[mine] = _hour(scenario.hour or events.hour, _of(habits, entity[mine]), rng)
    whose, length = entity[incident], events.end - events.start
    since = _gaps(book, bare, _of(habits, whose), length, rng)
    # An incident longer than the events is split; each further piece gets its own start time.
    _, first, piece = np.unique(np.stack([incident, since // length]), axis=1, return_index=True, return_inverse=True)
    since = since - since[first][piece]
    span = np.zeros(len(first))
    np.maximum.at(span, piece, since)
    elapsed = np.floor(_begun(events, hour[incident[first]], span, rng)[piece] + since)
    order = np.lexsort((bare.columns["turn"], incident, elapsed))
    return _arranged(events, bare, order, whose[order], elapsed[order], habits)


def _begun(events: Events, hour: np.ndarray, span: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the start (k,), in seconds, of incidents: on any day at their hour, early enough to end in time."""
    length = events.end - events.start
    at = hour * 3600 - events.start % DAY  # on the first day, which may begin before the events
    first, last = np.ceil(-at / DAY), np.ceil((length - span - at) / DAY) - 1
    day = first + np.floor(rng.random(len(hour)) * np.maximum(last - first + 1, 1))
    anywhere = rng.random(len(hour)) * (length - span)  # for incidents that fit, but on no day at their hour
    begun = np.where(last >= first, at + day * DAY, anywhere)
    inside: np.ndarray = np.clip(begun, 0, np.maximum(length - span - 1, 0))
    return inside


def _regular(book: Book, n: int, bare: Plan, rng: np.random.Generator) -> Plan:
    """Place incidents one after the other, in random order, in n rows; the end of an entity's series cuts them off."""
    events, incident = _events(book), bare.columns["#incident"]
    shuffled = rng.permutation(len(incident))[incident]
    order = np.lexsort((bare.columns["turn"], shuffled))
    begins = np.flatnonzero(np.diff(shuffled[order], prepend=-1)).tolist()
    entities, at, first = -(-n // events.rows_each), 0, []
    for _ in range(entities):
        first.append(at)
        following = bisect_left(begins, at + events.rows_each)
        at = begins[following] if following < len(begins) else len(order)
    row = np.arange(n)
    whose, place = np.divmod(row, events.rows_each)
    order = order[np.array(first, dtype=np.int64)[whose] + place]
    habits = _habits(events, max(entities, 1), rng)
    return _arranged(events, bare, order, whose, place * float(events.every or DAY), habits)


def _arranged(
    events: Events, bare: Plan, order: np.ndarray, whose: np.ndarray, elapsed: np.ndarray, habits: Columns
) -> Plan:
    columns = _of(habits, whose) | {"turn": bare.columns["turn"][order], "elapsed": elapsed}
    columns |= {events.entity: whose, events.time: events.start + elapsed, ROW: np.arange(len(order))}
    return Plan(bare.scenario[order], bare.step[order], columns)


def _gaps(book: Book, bare: Plan, columns: Columns, most: float, rng: np.random.Generator) -> np.ndarray:
    """Return the seconds (n,) from the start of its incident to each row; a gap is at most ``most``."""
    gap = np.zeros(len(bare.scenario))
    for number, scenario in enumerate(book.scenarios):
        for place, step in enumerate(scenario.steps):
            mine = np.flatnonzero((bare.scenario == number) & (bare.step == place) & (bare.columns["turn"] > 0))
            where = f"scenario {scenario.name!r}, gap"
            gap[mine] = np.clip(_numbers(where, step.gap, _of(columns, mine), rng), 0, most)
    total = np.cumsum(gap)  # an incident's rows are adjacent here, and its first has no gap
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
    weight = _numbers("activity", activity, habits, rng)
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not (weight >= 0).all() or not np.isfinite(total):
        raise ConfigError(
            f"activity must be at least 0 and have a finite sum, got {weight.min():g} to {weight.max():g}: correct it."
        )
    if not total:  # with few entities there may be none that fits a scenario
        return rng.integers(entities, size=n)
    return rng.choice(entities, size=n, p=weight / total)


def _hour(source: Source | None, columns: Columns, rng: np.random.Generator) -> np.ndarray:
    if source is None:
        return rng.uniform(0, 24, len(columns[ROW]))
    hours: np.ndarray = np.mod(_numbers("hour", source, columns, rng), 24.0)
    return hours


def _numbers(where: str, source: Source, columns: Columns, rng: np.random.Generator) -> np.ndarray:
    """Draw numbers (n,), one for each incident, row or entity; raise ConfigError unless all are finite."""
    values = draw(where, source, columns, None, None, rng)[0]
    if values.dtype == object or not np.isfinite(values.astype(float)).all():
        raise ConfigError(
            f"{where} must be a finite number in every draw, and is not: give a number or a distribution."
        )
    return values.astype(float)


def _of(columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}


def _events(book: Book) -> Events:
    if book.events is None:
        raise ConfigError("rows over time must belong to entities: add a section events.")
    return book.events
