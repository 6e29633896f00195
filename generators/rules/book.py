"""The model of a rule book: what its YAML may contain, checked completely before any row is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generators.rules.sources import (
    HISTORY,
    Source,
    a_list,
    a_mapping,
    a_moment,
    a_number,
    a_text,
    a_whole,
    keys,
    plain_values,
    read_label,
    read_source,
)
from loop.errors import ConfigError
from loop.support.strict_yaml import read_plain
from loop.types import DAY

Reader = Callable[[str, Any, Sequence[str]], Source]
MOST_EACH = 1_000_000  # rows of an entity: a timeline holds whole entities
SCENARIO = "scenario"  # column with the name of each row's scenario
CLOCK = ("turn", "elapsed")  # position in the incident, from 0; seconds since the start of the events


@dataclass(frozen=True, eq=False)
class Step:
    """A part of an incident: the number of its rows, the gap between them, and columns that differ."""

    count: Source
    gap: Source  # seconds since the row before
    columns: Mapping[str, Source]


@dataclass(frozen=True, eq=False)
class Scenario:
    """One component of the mixture; with steps, each incident is a series of rows of one entity."""

    name: str
    weight: float  # share of the rows, after division by the sum
    label: Source | None
    columns: Mapping[str, Source]
    steps: tuple[Step, ...] = ()
    hour: Source | None = None
    activity: Source | None = None


@dataclass(frozen=True, eq=False)
class Events:
    """The entities that rows belong to, and the time of rows."""

    entity: str  # column of the entity's number
    time: str  # column of the time
    rows_each: int  # rows of an entity, on average; exactly, if ``every`` is given
    start: float  # seconds since 1970-01-01 UTC
    end: float  # ignored with ``every``
    every: float | None  # seconds between rows of a regular series, None = incidents at random times
    hour: Source | None  # hour of the day at which an incident begins, None = any
    activity: Source | None  # relative frequency of an entity, None = all equal
    habits: Mapping[str, Source]  # columns drawn once for each entity


@dataclass(frozen=True, eq=False)
class Book:
    """Columns in order, the scenarios that override them, and the label."""

    target: str
    label: Source | None
    columns: Mapping[str, Source]
    scenarios: tuple[Scenario, ...]
    events: Events | None

    def labels(self) -> list[Source]:
        """Return every source of the label."""
        told = [self.label, *(scenario.label for scenario in self.scenarios)]
        return [label for label in told if label is not None]

    def sources(self) -> list[tuple[str, Source]]:
        """Return every source of a column, base and overriding ones, with the column's name."""
        parts = [self.columns, *(scenario.columns for scenario in self.scenarios)]
        parts += [step.columns for scenario in self.scenarios for step in scenario.steps]
        return [pair for part in parts for pair in part.items()]


def read_content(book: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a book as plain JSON values, from the path of a YAML file or a mapping.

    Raises
    ------
    ConfigError
        If the file cannot be read or does not hold a mapping.
    """
    content: Any = book
    if isinstance(book, str | Path):
        try:
            content = read_plain(Path(book).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"a rule book must be a YAML file, and {book} cannot be read: check the path.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            why = " ".join(str(error).split())
            raise ConfigError(f"a rule book must be valid YAML, and {book} is not ({why}): correct it.") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"a rule book must hold keys and values, got {content!r}: begin with the key columns.")
    plain: dict[str, Any] = plain_values(content)
    return plain


def read_book(content: Mapping[str, Any]) -> Book:
    """Check the content of a book and return its model.

    Raises
    ------
    ConfigError
        For an unknown key, a value of the wrong type, or an expression that reads a column not yet drawn.
    """
    keys("the book", content, optional=("target", "label", "columns", "scenarios", "events"))
    events = _events(content["events"]) if "events" in content else None
    before = (*CLOCK, events.entity, events.time, *events.habits) if events else ()
    columns = _columns("columns", content.get("columns", {}), before)
    label = read_label("label", content["label"], (*before, *columns)) if "label" in content else None
    told = a_mapping("scenarios", content.get("scenarios", {"all": {"weight": 1}}))
    scenarios = tuple(_scenario(name, each, columns, before, events) for name, each in told.items())
    labelled = [scenario.label is not None for scenario in scenarios]
    if label is None and any(labelled) and not all(labelled):
        name = scenarios[labelled.index(False)].name
        raise ConfigError(f"every scenario must have a label, {name!r} has none: add one there or one for the book.")
    if not 0 < sum(scenario.weight for scenario in scenarios) < math.inf:
        raise ConfigError("the weights of the scenarios must have a sum above 0, and finite: correct them.")
    book = Book(a_text("target", content.get("target", "label")), label, columns, scenarios, events)
    _check_names(book)
    if events is None and any(source.kind in HISTORY for _, source in book.sources()):
        raise ConfigError(f"{', '.join(HISTORY)} must follow entities over time: add a section events.")
    return book


def _check_names(book: Book) -> None:
    """Raise ConfigError if a name is reserved, or given twice."""
    events = book.events
    reserved, seen = {SCENARIO, *(CLOCK if events else ())}, set[str]()
    drawn = [events.entity, events.time, *events.habits] if events else []
    for name in (*drawn, *book.columns, book.target):
        if name in reserved or name.startswith("#"):
            raise ConfigError(
                f"names must not be {', '.join(sorted(reserved))}, nor begin with #, got {name!r}: rename it."
            )
        if name in seen:
            raise ConfigError(
                f"names of entity, time, habits, columns and target must all differ, got {name!r} twice: rename one."
            )
        seen.add(name)


def _scenario(
    name: str, told: Any, base: Mapping[str, Source], before: Sequence[str], events: Events | None
) -> Scenario:
    where = f"scenario {name!r}"
    keys(where, told, ("weight",), ("label", "columns", "steps", "hour", "activity"))
    timed = next((key for key in ("steps", "hour", "activity") if key in told), None)
    if events is None and timed:
        raise ConfigError(f"{where}: {timed} must have entities to happen to: add a section events.")
    habits = tuple(events.habits) if events else ()
    steps = a_list(f"{where}, steps", told.get("steps", []))
    if events and events.every is not None:
        _check_regular(where, told, *steps)
    return Scenario(
        name=name,
        weight=a_number(f"{where}, weight", told["weight"], least=0),
        label=read_label(f"{where}, label", told["label"], (*before, *base)) if "label" in told else None,
        columns=_overrides(where, told.get("columns", {}), base, before),
        steps=tuple(
            _step(f"{where}, step {number}", step, base, before, habits) for number, step in enumerate(steps, start=1)
        ),
        **{key: _free(f"{where}, {key}", told[key], habits) for key in ("hour", "activity") if key in told},
    )


def _check_regular(where: str, *told: Any) -> None:
    """Raise ConfigError if a key sets the times of rows, which a regular series fixes."""
    key = next(
        (key for part in told if isinstance(part, Mapping) for key in ("hour", "activity", "gap") if key in part), ""
    )
    if key:
        raise ConfigError(f"{where}: rows of a regular series have fixed times, got {key!r}: remove it.")


def _free(where: str, told: Any, before: Sequence[str]) -> Source:
    """Read a source that is drawn before there are rows."""
    source = read_source(where, told, before)
    if source.kind in (*HISTORY, "data"):
        raise ConfigError(f"{where} must not come from {source.kind}, as it is drawn before the rows: use another one.")
    return source


def _step(where: str, told: Any, base: Mapping[str, Source], before: Sequence[str], habits: Sequence[str]) -> Step:
    keys(where, told, optional=("count", "gap", "columns"))
    return Step(
        count=_free(f"{where}, count", told.get("count", 1), ()),
        gap=_free(f"{where}, gap", told.get("gap", 0), habits),
        columns=_overrides(where, told.get("columns", {}), base, before),
    )


def _events(told: Any) -> Events:
    where = "events"
    optional = ("every", "end", "hour", "activity", "habits")
    keys(where, told, ("entity", "time", "rows_each", "start"), optional)
    if ("end" in told) == ("every" in told):
        raise ConfigError("events must have either an end or, for a regular series, every: give one of the two.")
    if "every" in told:
        _check_regular(where, told)
    habits = _columns("habits", told.get("habits", {}), (), _free)
    start = a_moment("events, start", told["start"])
    end = a_moment("events, end", told["end"]) if "end" in told else start
    if end < start + DAY and "end" in told:
        raise ConfigError(f"events must last at least a day, got {told['start']} to {told['end']}: choose a later end.")
    return Events(
        entity=a_text("events, entity", told["entity"]),
        time=a_text("events, time", told["time"]),
        rows_each=a_whole("events, rows_each", told["rows_each"], least=1, most=MOST_EACH),
        start=start,
        end=end,
        every=a_number("events, every", told["every"], least=1) if "every" in told else None,
        hour=_free("events, hour", told["hour"], tuple(habits)) if "hour" in told else None,
        activity=_free("events, activity", told["activity"], tuple(habits)) if "activity" in told else None,
        habits=habits,
    )


def _columns(where: str, told: Any, before: Sequence[str], read: Reader = read_source) -> dict[str, Source]:
    columns: dict[str, Source] = {}
    for name, each in a_mapping(where, told).items():
        if name in before:
            raise ConfigError(f"{where}: names must be different from {', '.join(before)}, got {name!r}: rename it.")
        columns[name] = read(f"{where}, {name!r}", each, (*before, *columns))
    return columns


def _overrides(where: str, told: Any, base: Mapping[str, Source], before: Sequence[str]) -> dict[str, Source]:
    keys(f"{where}, columns", told, optional=tuple(base))
    order = list(base)
    return {
        name: read_source(f"{where}, {name!r}", each, (*before, *order[: order.index(name)]))
        for name, each in told.items()
    }
