"""The laws of acquisitions bite: each of these is wrong in one way and must fail the law against it."""

import numpy as np
from bites import Breaks, proofs

from loop.supplies.acquisition import Entropy, Gap
from loop.supplies.pool import Pool
from loop.testing import acquisitions as laws
from loop.testing.acquisitions import LAWS

breaks = Breaks()


@breaks(laws.gives_each_proposal_one_score)
class OneColumnTooMany(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return super().score(pool, rng)[:, None]


@breaks(laws.scores_are_finite_and_not_negative)
class Negative(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return super().score(pool, rng) - 1.0


@breaks(laws.certain_answers_have_scores_too)
class LogOfZero(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(pool.learner * np.log(pool.learner)).sum(axis=1)


@breaks(laws.same_seed_same_scores)
class Unseeded(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return np.random.default_rng().random(len(pool.table))


@breaks(laws.global_random_state_is_left_alone)
class DrawsFromTheGlobalState(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return np.random.random(len(pool.table))  # noqa: NPY002


@breaks(laws.pool_is_unchanged)
class Scribbles(Entropy):
    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        pool.learner[:] = np.round(pool.learner, 1)
        return super().score(pool, rng)


@breaks(laws.a_teacher_is_needed_only_if_it_says_so)
class HidesItsNeed(Gap):
    needs_teacher = False


@breaks(laws.a_teacher_is_needed_only_if_it_says_so)
class NeedsNothing(Entropy):
    needs_teacher = True


test_the_law_bites, test_every_law_is_proved_to_bite = proofs(breaks.pairs, LAWS)
