"""Laws of proposing: a slow teacher is asked about no more rows than the parts read."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from tiny import TEACHER, rare_table, tiny_parts

from learners import Committee
from loop.cycle.controller import generations, prepare
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.protocols import Acquisition, Labeller
from loop.supplies.acquisition import Entropy, Gap, Uniform, Variance
from loop.supplies.labelling import ByCondition, ByTeacher
from loop.supplies.pool import Pool
from loop.types import Generation

ONE = Settings(generations=1, jobs=1)


@dataclass(eq=False)
class Counted(Committee):
    """A committee that notes how many rows it is asked about, by the fold that it is asked without."""

    asked: list[tuple[int | None, int]] = field(default_factory=list)

    def views(self, rows, without):
        self.asked.append((without, len(rows)))
        return super().views(rows, without)


class Unmarked:
    """An acquisition that reads the teacher's answers if there are any, and does not say so."""

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        return np.ones(len(pool.table)) if pool.teacher is None else pool.teacher[:, 1]


def one_generation(acquisition: Acquisition, labeller: Labeller) -> tuple[Generation, dict[int | None, list[int]]]:
    """Run one generation in three lanes; return its record and the rows asked of the teacher, by lane."""
    table = rare_table(n=300)
    teacher = Counted(members=TEACHER.members, folds=TEACHER.folds, jobs=1)
    parts = tiny_parts(acquisition=acquisition, labeller=labeller, teacher=teacher, settings=ONE)
    prepared = prepare(parts, table, deal(table, np.random.default_rng(0), k=3), np.random.default_rng(0))
    prepared.teacher.asked.clear()
    (generation,) = generations(prepared)
    asked: dict[int | None, list[int]] = {}
    for without, n in prepared.teacher.asked:
        asked.setdefault(without, []).append(n)
    return generation, asked


@pytest.mark.parametrize("kind", [Entropy, Uniform])
def test_a_teacher_that_only_labels_is_asked_about_the_chosen_rows_only(kind: Callable[[], Acquisition]) -> None:
    generation, asked = one_generation(kind(), ByTeacher())
    chosen = generation.counts["proposed"] - generation.counts["unchosen"]
    assert asked[None] == [chosen]  # the deliverable lane
    assert set(asked) == {None, 0, 1, 2}
    assert all(len(rows) == 1 and rows[0] <= ONE.budget * 300 for rows in asked.values())
    assert chosen < generation.counts["proposed"] / 2


@pytest.mark.parametrize("kind", [Gap, Variance, Unmarked])
def test_a_teacher_that_chooses_is_asked_about_every_proposal_once(kind: Callable[[], Acquisition]) -> None:
    generation, asked = one_generation(kind(), ByTeacher())
    assert asked[None] == [generation.counts["proposed"]]


def test_a_teacher_that_nobody_reads_is_not_asked() -> None:
    generation, asked = one_generation(Entropy(), ByCondition())
    assert asked == {}
    assert "teacher" not in generation.seconds
    assert generation.rows.soft is None
