"""Laws that every acquisition must obey. Each takes a function that makes one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from loop.protocols import Acquisition
from loop.testing.held import (
    entered,
    hold,
    leaves_the_global_random_state,
    leaves_unchanged,
    needs_a_teacher_only_if_it_says_so,
)
from loop.testing.tables import example_pool

Make = Callable[[], Acquisition]
LAWS: list[Callable[[Make], None]] = []
law = entered(LAWS)


@law
def gives_each_proposal_one_score(make: Make) -> None:
    for n in (200, 1, 0):
        score = make().score(example_pool(n), np.random.default_rng(0))
        assert score.shape == (n,), f"scores of shape {score.shape} for {n} proposals"


@law
def scores_are_finite_and_not_negative(make: Make) -> None:
    score = make().score(example_pool(), np.random.default_rng(0))
    assert np.isfinite(score).all(), f"{(~np.isfinite(score)).sum()} scores are not finite"
    assert (score >= 0).all(), f"{(score < 0).sum()} scores are negative"


@law
def certain_answers_have_scores_too(make: Make) -> None:
    certain = np.eye(2)[example_pool().table.y]
    pool = replace(example_pool(), learner=certain, teacher=certain, variance=np.zeros(len(certain)))
    score = make().score(pool, np.random.default_rng(0))
    assert np.isfinite(score).all(), "a score is not finite where learner and teacher are certain"
    assert (score >= 0).all(), "a score is negative where learner and teacher are certain"


@law
def same_seed_same_scores(make: Make) -> None:
    one, other = (make().score(example_pool(), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@law
def global_random_state_is_left_alone(make: Make) -> None:
    leaves_the_global_random_state(lambda: make().score(example_pool(), np.random.default_rng(0)))


@law
def pool_is_unchanged(make: Make) -> None:
    pool = example_pool()
    score = leaves_unchanged(pool, lambda: make().score(pool, np.random.default_rng(0)), "the pool has changed")
    assert score.shape == (len(pool.table),)


@law
def a_teacher_is_needed_only_if_it_says_so(make: Make) -> None:
    """Without a teacher an acquisition scores, or refuses with ConfigError if its ``needs_teacher`` says so."""
    acquisition, pool = make(), replace(example_pool(), teacher=None, variance=None)
    needs_a_teacher_only_if_it_says_so(acquisition, lambda: acquisition.score(pool, np.random.default_rng(0)), "scores")


def check_acquisition(make: Make) -> None:
    """Hold an acquisition to the laws of acquisitions, on a pool of two hundred proposals.

    Parameters
    ----------
    make : callable
        Makes an acquisition, such as the class itself.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold(LAWS, make)
