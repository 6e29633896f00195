"""Too few rows to catch to say anything, in the test part or in training."""

from collections.abc import Iterator

import numpy as np

from experiments.sanity.finding import Finding
from experiments.sanity.left_out import LeftOut
from loop.cycle.acceptance import FEWEST
from loop.types import Table

SHARE_LEFT_OUT = 0.1  # of the table; below it, what was left out is not why rows are few


def few_in_test(test: Table, left_out: LeftOut | None = None) -> Iterator[Finding]:
    """Tell if the test part has fewer than 20 rows, or groups, of the class to catch; only counts are read."""
    counted = _counted(test)
    if counted is None:
        return
    told, way_out = "", "set data.test_size higher, or add rows"
    if left_out is not None and left_out.left_out >= SHARE_LEFT_OUT * left_out.rows:
        told = f" ({left_out.sentence})"
        way_out = "use the time or the group alone" if left_out.by_group else way_out
    yield Finding(
        "few in test",
        f"the test part holds {counted} among {len(test):,} rows{told}, and with fewer than {FEWEST} nothing can be "
        f"said about any model: {way_out}.",
    )


def few_in_training(train: Table) -> Iterator[Finding]:
    """Tell if the training rows have fewer than 20 rows, or groups, of the class to catch."""
    counted = _counted(train)
    if counted is not None:
        yield Finding(
            "few in training",
            f"the training rows hold {counted}, and with fewer than {FEWEST} no gain can be proven and little be "
            "learnt: add rows of it, or set data.test_size lower.",
        )


def _counted(table: Table) -> str | None:
    """Say how many rows there are to catch, None if there are enough."""
    caught = table.y == table.schema.positive
    rows = int(caught.sum())
    groups = rows if table.unit is None else len(np.unique(table.unit[caught]))
    if groups >= FEWEST:
        return None
    within = f" in {groups:,} group{'s'[: groups != 1]}" if groups < rows else ""
    return f"{rows:,} row{'s'[: rows != 1]} of class {table.schema.classes[table.schema.positive]!r}{within}"
