"""What a run works on: the table, its sealed test part, the lanes and the parts, all resolved from a configuration."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from experiments.compose import STRATEGIES, compose
from experiments.config import NONE, CommonConfig, DataConfig, LoopConfig
from experiments.constraints import constraints
from experiments.datasets import Dataset, load
from experiments.fairness import with_groups
from learners import LEARNERS, Committee
from loop.codec import check_range, encode
from loop.errors import DataError
from loop.lanes import USUAL, deal
from loop.parts import Parts
from loop.schema import infer
from loop.seeds import stream
from loop.split import train_test, units
from loop.types import Schema, Table

LARGE = 100_000  # training rows above which a single hold-out has positives enough


@dataclass(frozen=True, eq=False)
class Material:
    """Rows with their roles. The loop never receives `test`."""

    dataset: Dataset
    train: Table
    test: Table
    folds: np.ndarray  # (n,) fold ids of the training rows, see `loop.lanes.deal`
    example: pd.DataFrame  # a few rows as the user wrote them, features only
    messages: tuple[str, ...]  # what was done to the table

    @property
    def schema(self) -> Schema:
        return self.train.schema


def gather(data: DataConfig, loop: LoopConfig) -> Material:
    """Load a table, split off the test part and deal the training rows into lanes.

    The schema comes from the training rows alone: ranges and categories of test rows stay unknown.

    Raises
    ------
    DataError
        If the table breaks a rule.
    """
    dataset = _load(data)
    aside = {dataset.time: "time column"} if dataset.time else {}
    aside |= {dataset.group: "group column"} if dataset.group else {}
    frame = dataset.frame
    whole = infer(frame, dataset.target, positive=dataset.positive, aside=aside)
    time = None if dataset.time is None else _moments(frame[dataset.time], dataset.time)
    groups = None if dataset.group is None else _ids(frame[dataset.group], dataset.group)
    rows = encode(whole, frame)
    # A group that the source names, beside a time, deals lanes only: its cards pay before and after any moment.
    strict = groups if data.group is not None or time is None else None
    train_rows, test_rows = train_test(
        rows, stream(loop.seed, "split"), test_size=data.test_size, time=time, groups=strict
    )
    schema = infer(
        frame.iloc[train_rows], dataset.target, positive=whole.classes[whole.positive], aside=dict(whole.set_aside)
    )
    train, test = (encode(schema, frame.iloc[part]) for part in (train_rows, test_rows))
    check_range(schema, test.X)  # the training rows are looked at by the loop itself
    lanes = loop.lanes if isinstance(loop.lanes, int) else 1 if len(train) > LARGE else USUAL
    folds = deal(train, stream(loop.seed, "folds"), k=lanes, groups=None if groups is None else groups[train_rows])
    # Sources of real rows are row numbers of the table as the user wrote it.
    train, test = (
        replace(table, source=part, parent=part, unit=None if groups is None else units(groups[part]))
        for table, part in ((train, train_rows), (test, test_rows))
    )
    example = frame.iloc[train_rows[:5]].loc[:, list(schema.names)].reset_index(drop=True)
    return Material(dataset, train, test, folds, example, _messages(dataset, train, test, lanes, len(frame)))


def parts_of(config: CommonConfig, train: Table) -> Parts:
    """Make the parts of the loop that a configuration asks for.

    Raises
    ------
    DataError
        If groups are to come from columns of the training rows that make none.
    """
    loop, strategy = config.loop, STRATEGIES[config.loop.strategy]
    own = {name: getattr(loop, name) for name in ("share_anywhere", "steer") if getattr(loop, name) is not None}
    strategy, settings = replace(strategy, **own), loop.settings()
    parts = compose(strategy, learner=config.learner.make(), generator=config.generator.make(), settings=settings)
    if config.constraints:
        parts = replace(parts, gates=(*parts.gates, constraints(config.constraints)))
    if config.fairness.columns:
        parts = with_groups(parts, config.fairness, train)
    if config.teacher.members:
        members = tuple(LEARNERS.make(name) for name in config.teacher.members)
        parts = replace(parts, teacher=Committee(members=members, jobs=loop.jobs))
    return parts


def _load(data: DataConfig) -> Dataset:
    time, group = (None if column == NONE else column for column in (data.time, data.group))
    dataset = load(data.source, data.target, positive=data.positive, time=time, group=group)
    dataset = replace(
        dataset,
        time=None if data.time == NONE else dataset.time,
        group=None if data.group == NONE else dataset.group,
    )
    roles = [name for name in (dataset.target, dataset.time, dataset.group) if name is not None]
    if len(set(roles)) < len(roles):
        raise DataError(f"target, time and group must be different columns, got {', '.join(roles)}: choose others.")
    return dataset


def _ids(values: pd.Series, name: str) -> np.ndarray:
    """Return a group column (n,) as ids that can be told apart."""
    try:
        pd.factorize(values)
    except TypeError as error:
        raise DataError(f"group column {name!r} must hold ids, and it holds lists or records: convert it.") from error
    return values.to_numpy(dtype=object)


def _moments(values: pd.Series, name: str) -> np.ndarray:
    """Return a time column (n,) as something that sorts; text must parse as dates."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.to_numpy()
    try:
        return pd.to_datetime(values, format="ISO8601", utc=True).to_numpy()
    except (ValueError, TypeError) as error:
        why = " ".join(str(error).split()).split(". ")[0][:120]
        raise DataError(
            f"time column {name!r} must hold numbers or ISO 8601 dates, and it does not ({why}): convert it."
        ) from error


def _messages(dataset: Dataset, train: Table, test: Table, lanes: int, rows: int) -> tuple[str, ...]:
    schema = train.schema
    positive = schema.classes[schema.positive]
    counts = [(int((part.y == schema.positive).sum()), len(part)) for part in (train, test)]
    (caught_train, n_train), (caught_test, n_test) = counts
    how = f"the latest by {dataset.time}" if dataset.time else "drawn at random"
    judged = "a hold-out" if lanes == 1 else f"{lanes} lanes"
    messages = [
        f"{dataset.name}: {rows:,} rows, {len(schema.columns)} features, target {dataset.target!r}, "
        f"class to catch {positive!r}",
        f"train {n_train:,} rows ({caught_train:,} of class {positive!r}), judged in {judged}; "
        f"test {n_test:,} rows ({caught_test:,}), {how}, sealed",
        *(f"set aside {name}: {reason}" for name, reason in schema.set_aside),
    ]
    if left_out := rows - n_train - n_test:
        messages.append(f"left out {left_out:,} rows that would put copies or groups on both sides of the split")
    return tuple(messages)
