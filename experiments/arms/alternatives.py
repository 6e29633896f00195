"""Cheap alternatives to a loop: rows weighted or oversampled, and the capacity that suits oversampled rows."""

from dataclasses import replace

import numpy as np

from experiments.arms.tuned_baseline import out_of_fold
from generators import ImblearnAdapter
from loop.cycle.parts import Parts
from loop.errors import ConditionError
from loop.protocols import Learner
from loop.types import Region, Request, Table

REPEATING = "RandomOverSampler"  # of imbalanced-learn's samplers, that which repeats rows


def class_weighted(table: Table) -> Table:
    """Return the table with row weights that give every class the same total weight."""
    counts = np.bincount(table.y, weights=table.weight, minlength=table.n_classes)
    present = np.maximum(counts, 1e-12)
    return replace(table, weight=table.weight * table.weight.sum() / ((counts > 0).sum() * present[table.y]))


def balanced(table: Table, sampler: str, rng: np.random.Generator) -> Table:
    """Add rows until every class is as large as the largest, with a sampler of imbalanced-learn.

    Raises
    ------
    ConditionError
        If a class has too few rows for the sampler, or the sampler makes columns and the rows have arrays.
    """
    if table.schema.arrays:
        return _repeated(table, sampler, rng)
    counts = np.bincount(table.y, minlength=table.n_classes)
    generator = ImblearnAdapter(sampler).fit(table, rng)
    wanted = [Request(Region(), code, int(counts.max() - count)) for code, count in enumerate(counts) if count]
    samples = [generator.sample(request, rng).table for request in wanted if request.n]
    return Table.concat([table, *samples])


def _repeated(table: Table, sampler: str, rng: np.random.Generator) -> Table:
    """Repeat rows with their arrays until every class is as large as the largest."""
    if sampler != REPEATING:
        raise ConditionError(f"{sampler} interpolates columns, and the rows have arrays: use {REPEATING}.")
    counts = np.bincount(table.y, minlength=table.n_classes)
    more = [
        rng.choice(np.flatnonzero(table.y == code), counts.max() - count) for code, count in enumerate(counts) if count
    ]
    return Table.concat([table, table.take(np.concatenate(more))])


def with_capacity(parts: Parts, table: Table, folds: np.ndarray, sampler: str, seed: int) -> tuple[Learner, str]:
    """Return the better of the learner and the augmented learner, by out-of-fold score on oversampled rows, and a note.

    For each fold, the learners are fitted on the other folds and on rows that the sampler made from these folds alone.

    Parameters
    ----------
    parts : Parts
    table, folds, seed : Table, ndarray of shape (n,), int
        As `experiments.arms.tuned_baseline.out_of_fold` takes them.
    sampler : str
        Class name of a sampler of imbalanced-learn.
    """
    plain, more = parts.learner, parts.augmented_learner
    if more is None:
        return plain, ""
    try:
        scores = [
            out_of_fold(
                each, table, folds, seed, 0, parts.settings.jobs, lambda rows, rng: balanced(rows, sampler, rng)
            )
            for each in (plain, more)
        ]
    except ConditionError:  # a fold may hold all rows of a class but one
        return plain, "capacity of the learner: too few rows of a class to choose out of fold"
    chosen, whose = (more, "augmented learner") if scores[1] > scores[0] else (plain, "learner")
    return chosen, f"capacity of the {whose}, chosen out of fold"
