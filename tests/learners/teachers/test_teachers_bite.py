"""The laws of teachers bite: each of these is wrong in one way and must fail the law against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pytest
from bites import Breaks, proofs

from learners import Committee, ExtraTrees
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing import teachers as laws
from loop.testing.teachers import LAWS, Make
from loop.types import Table

breaks = Breaks()


@dataclass(eq=False)
class Good(Committee):
    """A small sound teacher; the bad ones differ from it in one place."""

    members: Sequence[Learner] = field(default_factory=lambda: (ExtraTrees(trees=20),))
    jobs: int = 1


@breaks(laws.views_are_probabilities_and_variances)
class AnswersTwice(Good):
    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        proba, variance = super().views(rows, without)
        return 2 * proba, variance


@breaks(laws.out_of_fold_answers_are_the_views_without_the_fold)
class AnswersRowsOfNoFold(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        self.oof_ = np.nan_to_num(self.oof_, nan=0.5)
        return self


@breaks(laws.rows_of_no_fold_are_never_used)
class UsesEveryRow(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        return super().fit_folds(table, np.where(folds < 0, 0, folds), rng)


@breaks(laws.out_of_fold_answers_are_the_views_without_the_fold, laws.out_of_fold_answers_to_noise_know_nothing)
class HasSeenTheFold(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        self.oof_ = ExtraTrees(trees=20).fit(table, rng).predict_proba(table.rows)
        return self


@breaks(laws.beats_the_prior)
class KnowsThePriorOnly(Good):
    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        return np.full((len(rows), 2), 0.5), np.zeros(len(rows))


@breaks(laws.same_seed_same_answers)
class Unseeded(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        return super().fit_folds(table, folds, np.random.default_rng())


@breaks(laws.global_random_state_is_left_alone)
class DrawsFromTheGlobalState(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        np.random.random()  # noqa: NPY002
        return super().fit_folds(table, folds, rng)


@breaks(laws.inputs_are_unchanged)
class RenumbersFolds(Good):
    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        super().fit_folds(table, folds, rng)
        folds += 1
        return self


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_sound_teacher_passes(law: Callable[[Make], None]) -> None:
    law(Good)


test_the_law_bites, test_every_law_is_proved_to_bite = proofs(breaks.pairs, LAWS)
