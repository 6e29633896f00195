"""The laws of labellers bite: each of these is wrong in one way and must fail the law against it."""

from dataclasses import replace

import numpy as np
from bites import Breaks, proofs

from loop.supplies.labelling import ByCondition, ByTeacher
from loop.supplies.pool import Pool
from loop.testing import labellers as laws
from loop.testing.labellers import LAWS
from loop.types import Table

breaks = Breaks()


@breaks(laws.labels_are_codes_of_classes)
class InventsAClass(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.full(len(pool.table), 2))


@breaks(laws.soft_labels_are_probabilities)
class DoublesTheDoubt(ByTeacher):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        labelled = super().label(pool, rng)
        return replace(labelled, soft=labelled.targets / 2)


@breaks(laws.rows_and_their_trail_stay)
class LosesTheTrail(ByTeacher):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        labelled = super().label(pool, rng)
        return replace(labelled, parents=np.full_like(labelled.parents, -1))


@breaks(laws.same_seed_same_labels)
class Unseeded(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.random.default_rng().integers(0, 2, len(pool.table)))


@breaks(laws.global_random_state_is_left_alone)
class DrawsFromTheGlobalState(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.random.randint(0, 2, len(pool.table)))  # noqa: NPY002


@breaks(laws.pool_is_unchanged)
class Scribbles(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        pool.table.y[:] = 1
        return pool.table


@breaks(laws.a_teacher_is_needed_only_if_it_says_so)
class HidesItsNeed(ByTeacher):
    needs_teacher = False


test_the_law_bites, test_every_law_is_proved_to_bite = proofs(breaks.pairs, LAWS)
