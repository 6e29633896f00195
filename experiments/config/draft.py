"""A first configuration for a file: what is known of its columns is written out, what is likely stands as a comment."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import yaml

from experiments.config.data_config import DataConfig
from experiments.data.columns import require_column
from loop.cycle.parts import Settings
from loop.data.date_parts import PARTS
from loop.data.schema import IDENTIFIER, infer
from loop.types import Schema

CLOCK = {"time", "timestamp", "datetime", "date", "day", "when", "at", "ts"}  # words of names of time columns
UNITS = {"card", "customer", "client", "account", "user", "patient", "device", "person", "household", "member"}
IDS = {"id", "uuid", "guid", "no", "nr", "number", "ref", "code", "key"}
FEWEST_IN_GROUP = 1.5  # rows of a group on average, to be worth keeping together
MANY_ROWS = 50_000  # above which arms that take as long as the loop are left out at first


@dataclass(frozen=True, eq=False)
class Candidates:
    """Columns by the role that they may play."""

    ids: Sequence[str]  # no features: every value is different
    time: Sequence[str]
    group: Sequence[str]


def draft(data: DataConfig, frame: pd.DataFrame, rivals: str) -> str:
    """Return a configuration for a table as YAML with comments; it runs as it is.

    Parameters
    ----------
    data : DataConfig
        Source, target and how the file is written; what is None is found out.
    frame : pandas.DataFrame
        The table.
    rivals : str
        Names of the strategies to choose from, for a comment.

    Raises
    ------
    DataError
        If the target is missing or no target, or no column is a feature.
    """
    require_column(frame, data.source, "target", str(data.target))
    schema = infer(frame, data.target, positive=data.positive)
    found = candidates(frame, schema)
    lines = [
        *_data(data, frame, schema, found),
        *_loop(round((1 - data.test_size) * len(frame)), rivals),
        *_arms(len(frame)),
        "metrics:",
        "  precision: 0.9 # recall is reported at this precision",
        "  points:",
        "    - {false_positive_rate: 0.01}",
        "    # - {alerts: 100} # a day, with a time column; else for 1,000 rows",
        "    # - {false_positive: 1, false_negative: 50} # what a false alarm and a miss cost",
        "deliver: auto # the model that judge rows expect most of; or loop, plain, teacher",
        "tracking: auto # MLflow, as mlflow.yaml says; none = no records",
        "out: runs",
    ]
    return "\n".join(lines) + "\n"


def candidates(frame: pd.DataFrame, schema: Schema) -> Candidates:
    """Find columns that may be identifiers, the time, or a group of rows that belong together."""
    ids = [name for name, reason in schema.excluded if reason == IDENTIFIER]
    dates = [column.name for column in schema.columns if column.kind == "datetime"]
    clocks = [
        column.name
        for column in schema.columns
        if column.kind in ("numeric", "integer") and _words(column.name) & CLOCK and frame[column.name].nunique() > 2
    ]
    whole = [name for name in [*dates, *clocks] if frame[name].notna().all()]
    others = [name for name in frame.columns if name not in (schema.target, *ids, *dates, *clocks)]
    return Candidates(ids, whole, [name for name in others if _groups(name, frame[name])])


def _groups(name: str, values: pd.Series) -> bool:
    """Tell whether a column names what several rows have in common, such as a card."""
    words = _words(name)
    return bool(words & (UNITS | IDS)) and 2 < values.nunique() <= len(values) / FEWEST_IN_GROUP


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _data(data: DataConfig, frame: pd.DataFrame, schema: Schema, found: Candidates) -> Iterator[str]:
    caught = schema.classes[schema.positive]
    told = ", ".join(f"{name} {count:,}" for name, count in frame[schema.target].value_counts()[:10].items())
    features = ", ".join(column.name for column in schema.columns[:12])
    more = f" and {len(schema.columns) - 12} more" if len(schema.columns) > 12 else ""
    yield from ("data:", f"  source: {_yaml(data.source)}", f"  target: {_yaml(schema.target)} # {_comment(told)}")
    why = "as told" if data.positive is not None else "the rarest"
    yield f"  positive: {_yaml(caught)} # the class to catch: {why}"
    yield from _role("time", found.time, "later rows test, as in use; without it they are drawn at random")
    yield from _role("group", found.group, "its rows stay on one side of every split")
    if found.ids:
        yield f"  drop: {_yaml(list(found.ids))} # every value is different: an identifier says nothing about new rows"
    else:
        yield "  # drop: [] # columns to leave out"
    for key in ("sep", "encoding", "decimal"):
        if getattr(data, key) is not None:
            yield f"  {key}: {_yaml(getattr(data, key))}"
    yield from _dates([column.name for column in schema.columns if column.kind == "datetime"])
    yield f"  test_size: {data.test_size:g} # share of the rows that test, sealed until the end"
    yield f"  # features: {_comment(features)}{more}"
    for name, reason in schema.excluded:
        if reason != IDENTIFIER:
            yield f"  # no feature: {_comment(name)} ({_comment(reason)})"


def _dates(names: Sequence[str]) -> Iterator[str]:
    """Offer the parts of dates."""
    if names:
        told: str = yaml.safe_dump({names[0]: list(PARTS)}, default_flow_style=True, allow_unicode=True, width=10**9)
        yield f"  # date_parts: {told.strip()} # columns in the place of a date; no model sees its hour or weekday else"
    if names[1:]:
        yield f"  # more dates: {_comment(', '.join(names[1:]))}"


def _role(role: str, names: Sequence[str], meaning: str) -> Iterator[str]:
    if not names:
        yield f"  # {role}: COLUMN # {meaning}"
    for name in names[:3]:
        yield f"  # {role}: {_yaml(name)} # {meaning}"


def _loop(rows: int, rivals: str) -> Iterator[str]:
    """Write the section of the loop, with what the budget comes to on this many training rows."""
    made, most = round(Settings.budget * rows), Settings.most_rows
    capped = f", but most_rows caps it at {most:,}" if made > most else ""
    yield "loop:"
    yield f"  strategy: targeted # {rivals}"
    yield f"  generations: {Settings.generations} # turns at most"
    yield f"  budget: {Settings.budget:g} # new rows a generation as a share of training rows: {made:,}{capped}"
    yield f"  most_rows: {most} # new rows a generation at most"
    yield "  seed: 0 # same seed, same numbers"


def _arms(rows: int) -> Iterator[str]:
    quick = rows > MANY_ROWS
    said = "left out at first, as there are many rows; " if quick else ""
    yield "arms: # what the loop is compared with, besides plain models of every kind"
    yield f"  tuning: {_yaml(not quick)} # a tuned learner; {said}takes as long as the loop"
    yield f"  untargeted: {_yaml(not quick)} # the loop without its aim; {said}takes as long as the loop"
    yield "  plain_seconds: 600 # no kind of plain model is begun after so long"


def _yaml(value: object) -> str:
    """Return a value in one line of YAML, quoted where YAML needs it."""
    text: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**9)
    return text.strip()[1:-1]


def _comment(text: str) -> str:
    """Return text that stays within a comment."""
    return " ".join(text.split())
