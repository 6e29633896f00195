"""Identifiers and counters that predict: they tell the rows of the file apart, and say nothing about new ones."""

from collections.abc import Iterator

import numpy as np

from experiments.sanity.finding import Finding
from experiments.sanity.power import Power
from loop.types import Column, Table

NEARLY_ALL = 0.95  # share of values that differ
MANY = 0.5  # share of values that differ in a counter
IN_ORDER = 0.99  # share of steps, from row to row of the file, in which a counter does not fall
PREDICTS = 0.75  # AUC
FEWEST = 50  # rows with a value


def identifiers(train: Table, power: Power) -> Iterator[tuple[str, Finding]]:
    """Yield columns of whole numbers that look like identifiers or counters and predict, each with its warning."""
    order = np.argsort(train.row_number, kind="stable")
    for position, column in enumerate(train.schema.columns):
        auc = power.columns[column.name].auc
        looks = _looks_like(column, train.X[order, position]) if auc >= PREDICTS else None
        if looks is not None:
            yield (
                column.name,
                Finding(
                    "identifier",
                    f"{column.name!r} looks like {looks} and predicts the class (AUC {auc:.3f} alone): new rows have "
                    "new ones, so the scores here would not last; leave it out, or name it as the group.",
                ),
            )


def _looks_like(column: Column, x: np.ndarray) -> str | None:
    """Tell what the values (n,) of a column look like, in the order of the file; None = nothing of the kind."""
    whole = column.kind == "integer" or (column.kind == "numeric" and column.decimals == 0)
    x = x[~np.isnan(x)]
    if not whole or len(x) < FEWEST:
        return None
    differing = len(np.unique(x)) / len(x)
    steps = np.diff(x)
    if differing >= MANY and max((steps >= 0).mean(), (steps <= 0).mean()) >= IN_ORDER:
        return "a counter (its values follow the order of the file)"
    return f"an identifier ({differing:.0%} of its values differ)" if differing >= NEARLY_ALL else None
