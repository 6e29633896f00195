"""The laws of teachers bite: each of these is wrong in one way and must fail the law against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pytest

from learners import Committee, ExtraTrees
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing import teachers as laws
from loop.testing.teachers import LAWS, Make
from loop.types import Table


@dataclass(eq=False)
class Good(Committee):
    """A small sound teacher; the bad ones differ from it in one place."""

    members: Sequence[Learner] = field(default_factory=lambda: (ExtraTrees(trees=20),))
    jobs: int = 1


class AnswersTwice(Good):
    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        proba, variance = super().views(rows, without)
        return 2 * proba, variance


class AnswersRowsOfNoFold(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        self.oof_ = np.nan_to_num(self.oof_, nan=0.5)
        return self


class UsesEveryRow(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        return super().fit_folds(table, np.where(folds < 0, 0, folds), rng)


class HasSeenTheFold(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        self.oof_ = ExtraTrees(trees=20).fit(table, rng).predict_proba(table.rows)
        return self


class KnowsThePriorOnly(Good):
    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        return np.full((len(rows), 2), 0.5), np.zeros(len(rows))


class Unseeded(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        return super().fit_folds(table, folds, np.random.default_rng())


class DrawsFromTheGlobalState(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        np.random.random()  # noqa: NPY002
        return super().fit_folds(table, folds, rng)


class RenumbersFolds(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        folds += 1
        return self


BAD: list[tuple[Make, Callable[[Make], None]]] = [
    (AnswersTwice, laws.views_are_probabilities_and_variances),
    (AnswersRowsOfNoFold, laws.out_of_fold_answers_are_the_views_without_the_fold),
    (HasSeenTheFold, laws.out_of_fold_answers_are_the_views_without_the_fold),
    (UsesEveryRow, laws.rows_of_no_fold_are_never_used),
    (HasSeenTheFold, laws.out_of_fold_answers_to_noise_know_nothing),
    (KnowsThePriorOnly, laws.beats_the_prior),
    (Unseeded, laws.same_seed_same_answers),
    (DrawsFromTheGlobalState, laws.global_random_state_is_left_alone),
    (RenumbersFolds, laws.inputs_are_unchanged),
]


@pytest.mark.parametrize(("make", "law"), BAD, ids=lambda part: part.__name__)
def test_the_law_bites(make: Make, law: Callable[[Make], None]) -> None:
    with pytest.raises(AssertionError):
        law(make)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_sound_teacher_passes(law: Callable[[Make], None]) -> None:
    law(Good)


def test_every_law_is_proved_to_bite() -> None:
    assert {law for _, law in BAD} == set(LAWS)
