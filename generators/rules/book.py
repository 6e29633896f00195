"""The model of a rule book: columns, scenarios, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from generators.rules.checks import Checks
from generators.rules.sources import Source
from loop.errors import ConfigError
from loop.expressions.dates import seconds
from loop.expressions.parser import Expression

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
    """One component of the mixture.

    With steps, each incident is a series of rows of one entity. With ``where``, its rows start from whole real rows,
    its columns are all that is stated, and without a label they keep their own.
    """

    name: str
    weight: float  # share of the rows, after division by the sum
    label: Source | None
    columns: Mapping[str, Source]
    steps: tuple[Step, ...] = ()
    hour: Source | None = None
    activity: Source | None = None
    where: Expression | None = None  # true for the real rows that its rows start from; None = they start from none


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
    moments: tuple[str, ...] = ()  # start and end as the book has them

    def in_zones(self, zones: Mapping[str, str]) -> Events:
        """Return the events with start and end meant in the zone of the column of times."""
        habits = _in_zones(self.habits, zones)
        if self.time not in zones or not self.moments:
            return replace(self, habits=habits)
        start, *end = (seconds(moment, zones[self.time]) for moment in self.moments)
        return replace(self, habits=habits, start=start, end=end[0] if end else start)


@dataclass(frozen=True, eq=False)
class Book:
    """Columns in order, the scenarios that override them, and the label; checks are no matter of the rows."""

    target: str
    label: Source | None
    columns: Mapping[str, Source]
    scenarios: tuple[Scenario, ...]
    events: Events | None
    checks: Checks = field(default_factory=Checks)

    def labels(self) -> list[Source]:
        """Return every source of the label."""
        told = [self.label, *(scenario.label for scenario in self.scenarios)]
        return [label for label in told if label is not None]

    def label_of(self, scenario: Scenario) -> Source | None:
        """Return the source of a scenario's label; None = the label of the row that it starts from."""
        return scenario.label if scenario.where else scenario.label or self.label

    def stated(self) -> tuple[str, ...]:
        """Return the names of the columns that the scenarios state, in order, without helpers."""
        names = dict.fromkeys(name for name, _ in self.sources())
        return tuple(name for name in names if not name.startswith("_"))

    def only(self, name: str) -> Book:
        """Return the book with one of its scenarios alone.

        Raises
        ------
        ConfigError
            If there is none of that name.
        """
        found = [replace(scenario, weight=1.0) for scenario in self.scenarios if scenario.name == name]
        if not found:
            known = ", ".join(scenario.name for scenario in self.scenarios)
            raise ConfigError(f"a scenario must be one of the book ({known}), got {name!r}: choose one of these.")
        return replace(self, scenarios=tuple(found))

    def in_zones(self, zones: Mapping[str, str]) -> Book:
        """Return the book with dates meant in the time zones of columns of a table, unless they state an offset."""
        if not zones:
            return self

        def scenario(each: Scenario) -> Scenario:
            steps = tuple(replace(step, columns=_in_zones(step.columns, zones)) for step in each.steps)
            label = None if each.label is None else each.label.in_zones("", zones)
            where = None if each.where is None else each.where.in_zones(zones)
            return replace(each, columns=_in_zones(each.columns, zones), steps=steps, label=label, where=where)

        return replace(
            self,
            label=None if self.label is None else self.label.in_zones("", zones),
            columns=_in_zones(self.columns, zones),
            scenarios=tuple(map(scenario, self.scenarios)),
            events=None if self.events is None else self.events.in_zones(zones),
        )

    def sources(self) -> list[tuple[str, Source]]:
        """Return every source of a column, base and overriding ones, with the column's name."""
        parts = [self.columns, *(scenario.columns for scenario in self.scenarios)]
        parts += [step.columns for scenario in self.scenarios for step in scenario.steps]
        return [pair for part in parts for pair in part.items()]


def _in_zones(columns: Mapping[str, Source], zones: Mapping[str, str]) -> dict[str, Source]:
    return {name: source.in_zones(name, zones) for name, source in columns.items()}
