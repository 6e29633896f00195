"""Exact copies of different classes: rows that no model can tell apart."""

from collections.abc import Iterator

import numpy as np

from experiments.sanity.finding import Finding
from loop.data.split import duplicate_groups
from loop.types import Table

OF_ROWS, OF_CAUGHT = 0.01, 0.1  # shares of the training rows, and of those to catch, above which it is told


def contradictions(train: Table) -> Iterator[Finding]:
    """Count the rows that equal others in every feature and are not of the class that most of these have."""
    if train.rows.arrays:
        return
    copies = duplicate_groups(train.X)
    counts = np.zeros((copies.max() + 1, train.n_classes), dtype=np.int64)
    np.add.at(counts, (copies, train.y), 1)
    against = train.y != counts.argmax(axis=1)[copies]
    mixed = ((counts > 0).sum(axis=1) > 1)[copies]
    is_caught = train.y == train.schema.positive
    if against.sum() < OF_ROWS * len(train) and (against & is_caught).sum() < OF_CAUGHT * is_caught.sum():
        return
    if not against.any():
        return
    positive = train.schema.classes[train.schema.positive]
    yield Finding(
        "contradictions",
        f"{mixed.sum():,} training rows ({(mixed & is_caught).sum():,} of class {positive!r}) have exact copies of "
        f"another class, and {against.sum():,} are not of their commonest class: no model can tell them apart; correct "
        "the labels, or add a column that does.",
    )
