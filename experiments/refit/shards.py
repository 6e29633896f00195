"""Rows of several groups as tables, part by part, and a learner fitted on them."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from experiments.data.files import Reading
from experiments.data.partitions import frames
from experiments.refit.seeing import SeenGroup
from learners import XGBoost
from loop.data.encoding import check_range, encode
from loop.seeds import stream
from loop.types import Table


@dataclass(frozen=True, eq=False)
class Fit:
    """What is fitted, the same for all shards."""

    name: str
    learner: XGBoost  # unfitted
    sample: Table  # rows whose quantiles become the bins; its schema is that of all rows
    reading: Reading
    seed: int


@dataclass(frozen=True, eq=False)
class Shard:
    """The rows that one process fits on."""

    groups: tuple[SeenGroup, ...]
    new_rows: Table | None = None  # and these

    def tables(self, fit: Fit) -> Iterator[Table]:
        """Yield the rows as tables, in order.

        Raises
        ------
        DataError
            If a file cannot be read, or has changed since the first pass.
        """
        schema = fit.sample.schema
        for each in self.groups:
            fitted = each.fitted
            for first, frame in frames(each.group, fit.reading):
                at = first - each.group.first
                rows = frame[fitted[at : at + len(frame)]]
                if len(rows):
                    table = encode(schema, rows)
                    check_range(schema, table.X)
                    yield table
        if self.new_rows is not None:
            yield self.new_rows


def dealt(groups: Sequence[SeenGroup], shards: int, new_rows: Table | None) -> list[Shard]:
    """Deal groups that have rows to fit on into at most so many shards of about as many rows; each has a group.

    The last shard has the new rows. The same groups are always dealt alike.
    """
    groups = [each for each in groups if each.seen.rows]
    parts = [list[SeenGroup]() for _ in range(max(1, min(shards, len(groups))))]
    for each in sorted(groups, key=lambda each: -each.seen.rows):
        min(parts, key=lambda part: sum(one.seen.rows for one in part)).append(each)
    ordered = [sorted(part, key=lambda each: each.group.first) for part in parts]
    return [Shard(tuple(part), new_rows if at == len(parts) - 1 else None) for at, part in enumerate(ordered)]


def fit_shard(fit: Fit, shard: Shard, among: AbstractContextManager[Any] | None = None) -> XGBoost:
    """Fit a copy of the learner on a shard; within ``among``, together with the other shards."""
    learner = copy.deepcopy(fit.learner)
    return learner.fit_pieces(
        lambda: shard.tables(fit), fit.sample, stream(fit.seed, "all rows", fit.name), among=among
    )
