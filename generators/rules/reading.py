"""Reading a rule book: what its YAML may contain, checked completely before any row is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from generators.rules.book import CLOCK, SCENARIO, Book, Events, Scenario, Step
from generators.rules.checks import Checks, read_checks
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
from loop.expressions.parser import Expression, parse
from loop.support.strict_yaml import cause, read_file
from loop.types import DAY

Reader = Callable[[str, Any, Sequence[str]], Source]
MOST_EACH = 1_000_000  # rows of an entity: a timeline holds whole entities


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
            content = read_file(Path(book))
        except OSError as error:
            raise ConfigError(f"a rule book must be a YAML file, and {book} cannot be read: check the path.") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"a rule book must be valid YAML, {book} is not ({cause(error)}): correct it.") from error
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"a rule book must hold keys and values, got {str(content)[:60]!r}: begin with the key columns."
        )
    plain: dict[str, Any] = plain_values(content)
    return plain


def read_book(content: Mapping[str, Any]) -> Book:
    """Check the content of a book and return its model.

    Raises
    ------
    ConfigError
        For an unknown key, a value of the wrong type, or an expression that reads a column not yet drawn.
    """
    keys("the book", content, optional=("target", "label", "columns", "scenarios", "events", "from_rows", "checks"))
    events = _events(content["events"]) if "events" in content else None
    told = a_mapping("scenarios", content.get("scenarios", {"all": {"weight": 1}}))
    shared = _shared(content, told.values(), events)
    columns, label = shared.columns, shared.label
    scenarios = tuple(_scenario(name, each, shared) for name, each in told.items())
    unlabelled = [scenario.name for scenario in scenarios if not (scenario.label or scenario.where)]
    if label is None and unlabelled and any(scenario.label for scenario in scenarios):
        raise ConfigError(
            f"every scenario must have a label, {unlabelled[0]!r} has none: add one there or one for the book."
        )
    if not 0 < sum(scenario.weight for scenario in scenarios) < math.inf:
        raise ConfigError("the weights of the scenarios must have a sum above 0, and finite: correct them.")
    checks = read_checks(content["checks"]) if "checks" in content else Checks()
    book = Book(a_text("target", content.get("target", "label")), label, columns, scenarios, events, checks)
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


class _Shared(NamedTuple):
    """What the book says for all its scenarios."""

    columns: Mapping[str, Source]
    label: Source | None
    where: Expression | None
    before: Sequence[str]  # columns of the events
    events: Events | None


def _shared(content: Mapping[str, Any], scenarios: Iterable[Any], events: Events | None) -> _Shared:
    """Read the columns and the label of the book; they may read those of a table if all rows start from its rows."""
    where = _where("the book", content)
    starts = where is not None or all(isinstance(each, Mapping) and "from_rows" in each for each in scenarios)
    before = (*CLOCK, events.entity, events.time, *events.habits) if events else ()
    columns = _columns("columns", content.get("columns", {}), before, _of_table if starts else read_source)
    known = None if starts else (*before, *columns)
    label = read_label("label", content["label"], known) if "label" in content else None
    return _Shared(columns, label, where, before, events)


def _where(place: str, told: Mapping[str, Any]) -> Expression | None:
    """Read which real rows a scenario starts from."""
    if "from_rows" not in told:
        return None
    place, rows = f"{place}, from_rows", {} if told["from_rows"] is None else told["from_rows"]
    keys(place, rows, optional=("where",))
    text = a_text(f"{place}, where", rows.get("where", "true"))
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError(f"{place}, where: {error}") from None


def _of_table(where: str, told: Any, before: Sequence[str]) -> Source:
    """Read a source that may read any column of a table, which is checked when there is one."""
    return read_source(where, told, None)


def _scenario(name: str, told: Any, shared: _Shared) -> Scenario:
    where = f"scenario {name!r}"
    rows = (_where(where, told) if isinstance(told, Mapping) else None) or shared.where
    needed, optional = () if rows else ("weight",), ("label", "columns", "from_rows", "steps", "hour", "activity")
    keys(where, told, needed, (*optional, *(("weight",) if rows else ())))
    timed = next((key for key in ("steps", "hour", "activity") if key in told), None)
    if shared.events is None and timed:
        raise ConfigError(f"{where}: {timed} must have entities to happen to: add a section events.")
    if rows is not None:
        return _started(name, told, rows, shared)
    base, before, events = shared.columns, shared.before, shared.events
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
        hour=_free(f"{where}, hour", told["hour"], habits) if "hour" in told else None,
        activity=_free(f"{where}, activity", told["activity"], habits) if "activity" in told else None,
    )


def _started(name: str, told: Mapping[str, Any], rows: Expression, shared: _Shared) -> Scenario:
    """Read a scenario whose rows start from real rows; columns of the book are stated before its own."""
    where = f"scenario {name!r}"
    if shared.events:
        raise ConfigError(f"{where}: rows over time cannot start from real rows: leave out events or from_rows.")
    columns = {**shared.columns, **_columns(f"{where}, columns", told.get("columns", {}), (), _of_table)}
    if not columns:
        raise ConfigError(f"a scenario must change something, and {name!r} states no column: add columns.")
    return Scenario(
        name=name,
        weight=a_number(f"{where}, weight", told.get("weight", 1), least=0),
        label=read_label(f"{where}, label", told["label"], None) if "label" in told else shared.label,
        columns=columns,
        where=rows,
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
        moments=tuple(str(told[key]) for key in ("start", "end") if key in told),
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
