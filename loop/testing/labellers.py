"""Laws that every labeller must obey. Each takes a function that makes one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from loop.protocols import Labeller
from loop.testing.held import (
    entered,
    hold,
    leaves_the_global_random_state,
    leaves_unchanged,
    needs_a_teacher_only_if_it_says_so,
)
from loop.testing.tables import example_pool

Make = Callable[[], Labeller]
LAWS: list[Callable[[Make], None]] = []
law = entered(LAWS)
KEPT = ("X", "weight", "generation", "supply", "parents")  # of a row, whatever its label


@law
def labels_are_codes_of_classes(make: Make) -> None:
    for n in (200, 1, 0):
        labelled = make().label(example_pool(n), np.random.default_rng(0))
        assert labelled.y.shape == (n,), f"labels of shape {labelled.y.shape} for {n} proposals"
        assert labelled.y.dtype == np.int64, f"labels are {labelled.y.dtype}, not int64"
        assert np.isin(labelled.y, (0, 1)).all(), "a label is the code of no class"


@law
def soft_labels_are_probabilities(make: Make) -> None:
    targets = make().label(example_pool(), np.random.default_rng(0)).targets
    assert targets.shape == (200, 2), f"targets of shape {targets.shape} for 200 rows of 2 classes"
    assert ((targets >= 0) & (targets <= 1)).all(), "a target is no probability"
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)


@law
def rows_and_their_trail_stay(make: Make) -> None:
    pool, kept = example_pool(), example_pool().table  # the second, as the first might be written to
    labelled = make().label(pool, np.random.default_rng(0))
    for name in KEPT:
        np.testing.assert_array_equal(getattr(labelled, name), getattr(kept, name), err_msg=name)
    assert labelled.schema is pool.table.schema, "the schema has changed"


@law
def same_seed_same_labels(make: Make) -> None:
    one, other = (make().label(example_pool(), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.targets, other.targets)


@law
def global_random_state_is_left_alone(make: Make) -> None:
    leaves_the_global_random_state(lambda: make().label(example_pool(), np.random.default_rng(0)))


@law
def pool_is_unchanged(make: Make) -> None:
    pool = example_pool()
    leaves_unchanged(pool, lambda: make().label(pool, np.random.default_rng(0)), "the pool has changed")


@law
def a_teacher_is_needed_only_if_it_says_so(make: Make) -> None:
    """Without a teacher a labeller labels, or refuses with ConfigError if its ``needs_teacher`` says so."""
    labeller, pool = make(), replace(example_pool(), teacher=None, variance=None)
    needs_a_teacher_only_if_it_says_so(labeller, lambda: labeller.label(pool, np.random.default_rng(0)), "labels")


def check_labeller(make: Make) -> None:
    """Hold a labeller to the laws of labellers, on a pool of two hundred proposals.

    Parameters
    ----------
    make : callable
        Makes a labeller, such as the class itself.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold(LAWS, make)
