"""The inputs of a run, made from a configuration: the table, its sealed test part, the lanes and the parts."""

import copy
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from experiments.arms.forms.form import LANES, form_of
from experiments.arms.names import UNTARGETED
from experiments.config.constraints import constraints
from experiments.config.data_config import NONE, DataConfig
from experiments.config.given import TaughtRows, VotedRows
from experiments.config.run_config import CommonConfig, LoopConfig
from experiments.config.strategies import STRATEGIES, compose, without_aim
from experiments.config.supplies import asked_in_order
from experiments.data.arrays.series import of_long
from experiments.data.arrays.text import with_texts
from experiments.data.columns import check_date_parts
from experiments.data.files import Reading
from experiments.data.sources import Dataset, load
from experiments.data.split import Split
from experiments.labels.joining import joined
from experiments.run.given import supply_of
from experiments.trust.fairness.guards import with_groups
from learners import Committee
from loop.cycle.lanes import USUAL
from loop.cycle.parts import Parts
from loop.data.encoding import original_names
from loop.encoders import misfit
from loop.errors import ConfigError, DataError
from loop.protocols import Finite, Learner
from loop.supplies.supply import TAUGHT, Supply
from loop.support.memory import give_back
from loop.types import Schema, Table

LARGE = 100_000  # training rows above which a single hold-out has enough positives


@dataclass(frozen=True, eq=False)
class RunInputs:
    """Rows with their roles. The loop never receives `test`."""

    dataset: Dataset
    train: Table
    test: Table
    folds: np.ndarray  # (n,) fold ids of the training rows, see `loop.cycle.lanes.deal`
    example: pd.DataFrame  # a few rows as the user wrote them, features only
    messages: tuple[str, ...]  # what was done to the table, a sentence each
    answered: int = 0  # rows at the end of the table that were asked for

    @property
    def schema(self) -> Schema:
        """Schema inferred from the training rows."""
        return self.train.schema


def gather(data: DataConfig, loop: LoopConfig) -> RunInputs:
    """Load a table, split off the test part and deal the training rows into lanes.

    The schema comes from the training rows alone and knows no ranges or categories of test rows.

    Raises
    ------
    DataError
        If the table breaks a rule.
    """
    dataset = _load(data)
    # With a time, the own group of a source is used for lanes only: its cards pay before and after the split.
    group_splits = data.group is not None or dataset.time is None
    try:
        split = Split.of(dataset, loop.seed, test_size=data.test_size, group_splits=group_splits)
    except DataError as error:
        raise DataError(" | ".join([str(error), *dataset.said])) from error
    rows_before, told = len(dataset.frame), tuple[str, ...]()
    if data.without is not None:
        told = (f"rows of {data.source} that were retracted are left out: {data.without.rows[:60]}",)
    if data.answers is not None:
        dataset, split, joining = joined(dataset, split, Path(data.answers))
        told = (*told, *joining)
    lanes = loop.lanes if isinstance(loop.lanes, int) else usual_lanes(len(split.train), bool(split.schema.arrays))
    folds = split.folds(loop.seed, lanes=lanes)
    give_back()
    first = dataset.frame.iloc[split.train.row_number[:5]]
    example = first.loc[:, original_names(split.schema)].reset_index(drop=True)
    messages = (*_messages(dataset, split, lanes), *told)
    return RunInputs(dataset, split.train, split.test, folds, example, messages, len(dataset.frame) - rows_before)


def parts_of(config: CommonConfig, train: Table, inputs: RunInputs | None = None) -> Parts:
    """Make the parts of the loop that a configuration asks for.

    Parameters
    ----------
    config : CommonConfig
    train : Table
        Training rows.
    inputs : RunInputs, optional
        Those of the run; needed for supplies of rows from a file, which must not be test rows.

    Raises
    ------
    ConfigError
        If a supply needs the inputs and there are none, or does not fit the table.
    DataError
        If a column of ``fairness.columns`` is missing or cannot form groups, or a file of rows breaks a rule.
    """
    loop = config.loop
    own = {name: getattr(loop, name) for name in ("share_anywhere", "steer") if getattr(loop, name) is not None}

    form = form_of(train.schema)

    def named(name: str) -> tuple[Supply, ...]:
        strategy = STRATEGIES[loop.strategy if name == TAUGHT else name]
        usual = None if form is None else form.generator
        return replace(strategy, **own)(name, config.generator.make() or copy.deepcopy(usual))

    def given(entry: TaughtRows | VotedRows) -> Supply:
        if inputs is None:
            raise ConfigError(
                f"rows of a file must be compared with test rows, as in a run or a comparison, got {entry.unlabelled}: "
                "leave it out here."
            )
        return supply_of(entry, inputs, loop.seed)

    parts = compose(
        learner=learner_of(config, train.schema),
        augmented_learner=config.augmented_learner.make(config.learner),
        teacher=teacher_of(config, train.schema),
        settings=loop.settings(),
    )
    parts = replace(parts, supplies=asked_in_order(config.supplies, named, given))
    check_parts(parts, train.schema)
    if loop.strategy == UNTARGETED:
        parts = without_aim(parts)  # stated rows are chosen at random, too, as in the arm of that name
    if config.constraints:
        bound = constraints(config.constraints)
        supplies = tuple(replace(supply, gates=(*supply.gates, bound)) for supply in parts.supplies)
        parts = replace(parts, supplies=supplies)
    if config.fairness.columns:
        parts = with_groups(parts, config.fairness, train)
    return parts


def learner_of(config: CommonConfig, schema: Schema) -> Learner:
    """Return the learner named, unfitted; without a name the one that is usual for the rows."""
    form = form_of(schema)
    return config.learner.make() if form is None or config.learner.is_told else copy.deepcopy(form.learner)


def check_parts(parts: Parts, schema: Schema) -> None:
    """Raise a ConfigError if a part works on arrays that the rows have not, or makes rows without those that they have.

    Rows that are given bring their arrays along.
    """
    members = parts.teacher.members if isinstance(parts.teacher, Committee) else ()
    learners = (parts.learner, parts.augmented_learner, *members)
    makers = [supply.generator for supply in parts.supplies if not isinstance(supply.generator, Finite)]
    faults = [misfit(part, schema) for part in learners if part is not None]
    faults += [misfit(part, schema, makes_rows=True) for part in makers]
    if fault := next(filter(None, faults), None):
        raise ConfigError(f"parts must suit the rows, but {fault}: name another, or leave it out for the usual one.")


def teacher_of(config: CommonConfig, schema: Schema) -> Committee:
    """Return the committee of the members named, unfitted; without names the one that is usual for the rows."""
    form = form_of(schema)
    members = config.teacher.make() or (() if form is None else form.members)
    jobs = config.loop.jobs
    return Committee(members=members, jobs=jobs) if members else Committee(jobs=jobs)


def _load(data: DataConfig) -> Dataset:
    time, group = (None if column == NONE else column for column in (data.time, data.group))
    reading = Reading(data.format, data.drop, text=data.text, rows_in_memory=data.rows_in_memory)
    told = {"time": time, "group": group, "scenario": data.scenario}
    with data.opened() as source:
        dataset = load(source, data.target, positive=data.positive, reading=reading, **told)
    if data.long is not None:
        long = data.long
        made = of_long(dataset.frame, long.key, long.time, long.values, dataset.target, name=dataset.name)
        dataset = replace(made, positive=dataset.positive, said=(*dataset.said, *made.said))
    if data.text:
        dataset = with_texts(dataset, data.text)
    dataset = replace(
        dataset,
        time=None if data.time == NONE else dataset.time,
        group=None if data.group == NONE else dataset.group,
    )
    roles = [name for name in dataset.roles if name is not None]
    if len(set(roles)) < len(roles):
        names = "target, time, group and scenario" if dataset.scenario else "target, time and group"
        raise DataError(f"{names} must be different columns, got {', '.join(roles)}: choose others.")
    roles_of = dict(zip(("target", "time", "group", "scenario"), dataset.roles, strict=True))
    check_date_parts(dataset.frame, dataset.name, data.date_parts, roles_of, data.drop)
    return replace(dataset, date_parts=data.date_parts)


def usual_lanes(rows: int, arrays: bool = False) -> int:
    """Return the lanes of a training table with so many rows, perhaps with arrays, unless others are given."""
    return 1 if rows > LARGE else LANES if arrays else USUAL


def _messages(dataset: Dataset, split: Split, lanes: int) -> tuple[str, ...]:
    schema, train, test = split.schema, split.train, split.test
    positive = schema.classes[schema.positive]
    counts = [(int((part.y == schema.positive).sum()), len(part)) for part in (train, test)]
    (caught_train, n_train), (caught_test, n_test) = counts
    how = f"the latest by {dataset.time}" if dataset.time else "drawn at random"
    judged = "a hold-out" if lanes == 1 else f"{lanes} lanes"
    messages = [
        f"{dataset.name}: {len(dataset.frame):,} rows, {len(schema.columns)} features, target {dataset.target!r}, "
        f"class to catch {positive!r}",
        f"train {n_train:,} rows ({caught_train:,} of class {positive!r}), judged in {judged}; "
        f"test {n_test:,} rows ({caught_test:,}), {how}, sealed",
        *dataset.said,
        *(f"excluded {name}: {reason}" for name, reason in schema.excluded),
        *_told_of_dates(dataset, schema),
    ]
    if split.left_out:
        messages.append(f"left out {split.left_out:,} rows that would put copies or groups on both sides of the split")
    return tuple(messages)


def _told_of_dates(dataset: Dataset, schema: Schema) -> Iterator[str]:
    """Say which columns the parts of dates became; if nobody asked for parts, how to have them."""
    for recipe in schema.date_parts:
        since = f", days since {recipe.first}" if "days_since" in recipe.parts else ""
        made = ", ".join(name for name in recipe.names if name in schema.names)
        yield f"date {recipe.column}: in its place {made}{since}"
    dates = [column.name for column in schema.columns if column.kind == "datetime"]
    if dataset.time is not None and is_datetime64_any_dtype(dataset.frame[dataset.time]):
        dates.append(dataset.time)
    if dates and not dataset.date_parts:
        option = shlex.join(["--date-parts", dates[0]])
        yield (
            f"{', '.join(dates)}: no model sees the hour or weekday of a date; {option} (or data.date_parts) makes "
            "them columns"
        )
