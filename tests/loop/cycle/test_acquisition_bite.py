"""The laws of acquisitions bite: each of these is wrong in one way and must fail the law against it."""

from collections.abc import Callable

import numpy as np
import pytest

from loop.cycle.acquisition import Entropy, Gap
from loop.cycle.pool import Pool
from loop.testing import acquisitions as laws
from loop.testing.acquisitions import LAWS, Make


class OneColumnTooMany(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return super().score(pool, rng)[:, None]


class Negative(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return super().score(pool, rng) - 1.0


class LogOfZero(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(pool.learner * np.log(pool.learner)).sum(axis=1)


class Unseeded(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return np.random.default_rng().random(len(pool.table))


class DrawsFromTheGlobalState(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return np.random.random(len(pool.table))  # noqa: NPY002


class Scribbles(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        pool.learner[:] = np.round(pool.learner, 1)
        return super().score(pool, rng)


class HidesItsNeed(Gap):
    needs_teacher = False


class NeedsNothing(Entropy):
    needs_teacher = True


BAD: list[tuple[Make, Callable[[Make], None]]] = [
    (OneColumnTooMany, laws.gives_each_proposal_one_score),
    (Negative, laws.scores_are_finite_and_not_negative),
    (LogOfZero, laws.certain_answers_have_scores_too),
    (Unseeded, laws.same_seed_same_scores),
    (DrawsFromTheGlobalState, laws.global_random_state_is_left_alone),
    (Scribbles, laws.pool_is_unchanged),
    (HidesItsNeed, laws.a_teacher_is_needed_only_if_it_says_so),
    (NeedsNothing, laws.a_teacher_is_needed_only_if_it_says_so),
]


@pytest.mark.parametrize(("make", "law"), BAD, ids=lambda part: part.__name__)
def test_the_law_bites(make: Make, law: Callable[[Make], None]) -> None:
    with pytest.raises(AssertionError):
        law(make)


def test_every_law_is_proved_to_bite() -> None:
    assert {law for _, law in BAD} == set(LAWS)
