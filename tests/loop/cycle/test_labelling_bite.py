"""The laws of labellers bite: each of these is wrong in one way and must fail the law against it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loop.cycle.labelling import ByCondition, ByTeacher
from loop.cycle.pool import Pool
from loop.testing import labellers as laws
from loop.testing.labellers import LAWS, Make
from loop.types import Table


class InventsAClass(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.full(len(pool.table), 2))


class DoublesTheDoubt(ByTeacher):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        labelled = super().label(pool, rng)
        return replace(labelled, soft=labelled.targets / 2)


class LosesTheTrail(ByTeacher):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        labelled = super().label(pool, rng)
        return replace(labelled, parents=np.full_like(labelled.parents, -1))


class Unseeded(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.random.default_rng().integers(0, 2, len(pool.table)))


class DrawsFromTheGlobalState(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        return replace(pool.table, y=np.random.randint(0, 2, len(pool.table)))  # noqa: NPY002


class Scribbles(ByCondition):
    def label(self, pool: Pool, rng: np.random.Generator) -> Table:
        pool.table.y[:] = 1
        return pool.table


class HidesItsNeed(ByTeacher):
    needs_teacher = False


BAD: list[tuple[Make, Callable[[Make], None]]] = [
    (InventsAClass, laws.labels_are_codes_of_classes),
    (DoublesTheDoubt, laws.soft_labels_are_probabilities),
    (LosesTheTrail, laws.rows_and_their_trail_stay),
    (Unseeded, laws.same_seed_same_labels),
    (DrawsFromTheGlobalState, laws.global_random_state_is_left_alone),
    (Scribbles, laws.pool_is_unchanged),
    (HidesItsNeed, laws.a_teacher_is_needed_only_if_it_says_so),
]


@pytest.mark.parametrize(("make", "law"), BAD, ids=lambda part: part.__name__)
def test_the_law_bites(make: Make, law: Callable[[Make], None]) -> None:
    with pytest.raises(AssertionError):
        law(make)


def test_every_law_is_proved_to_bite() -> None:
    assert {law for _, law in BAD} == set(LAWS)
