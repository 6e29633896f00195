"""The laws of learners bite: each bad learner here breaks one promise and must fail the law about it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pytest
from bites import Breaks, proofs

from learners.forest import ExtraTrees
from loop.rows import Rows
from loop.testing import learners as laws
from loop.testing.learners import LAWS, Make
from loop.types import Table

breaks = Breaks()


@dataclass
class Good:
    """A small sound learner; the bad ones differ from it in one place."""

    trees: int = 30
    inner_: ExtraTrees = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.inner_ = ExtraTrees(self.trees).fit(table, rng)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return self.inner_.predict_proba(rows)


@breaks(laws.check_zero_weight_is_absence, laws.check_weight_counts)
class IgnoresWeights(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, weight=np.ones(len(table))), rng)


@breaks(laws.check_no_rows_get_no_answers)
class AnswersNothingWithOneRow(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows) if len(rows) else np.full((1, 2), 0.5)


@breaks(laws.check_soft_labels_are_learnt, laws.check_soft_labels_of_three_classes_are_learnt)
class IgnoresSoftLabels(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, soft=None), rng)


@breaks(laws.check_onehot_equals_hard)
class SmoothsSoftLabelsOnly(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        soft = None if table.soft is None else 0.9 * table.soft + 0.1 / table.n_classes
        return super().fit(replace(table, soft=soft), rng)


@breaks(laws.check_input_is_unchanged)
class ImputesInPlace(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        np.nan_to_num(table.X, copy=False)
        return super().fit(table, rng)


@breaks(laws.check_seed_decides, laws.check_template_can_be_copied)
class Unseeded(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(table, np.random.default_rng())


@breaks(laws.check_global_random_state_is_left_alone)
class UsesTheGlobalGenerator(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(table, np.random.default_rng(np.random.randint(2**31)))  # noqa: NPY002


@breaks(laws.check_absent_class_keeps_its_column, laws.check_single_class)
class ForgetsAbsentClasses(Good):
    classes_: np.ndarray

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.classes_ = np.unique(table.y)
        return super().fit(table, rng)

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows)[:, self.classes_]


@breaks(
    laws.check_probabilities_are_valid, laws.check_three_classes, laws.check_constant_column, laws.check_two_positives
)
class Unnormalised(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows) * 0.9


@breaks(laws.check_settings_are_unchanged)
class ChangesItsSettings(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.trees += 1
        return super().fit(table, rng)


@breaks(laws.check_prediction_is_row_by_row)
class RanksTheBatch(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        share = super().predict_proba(rows)[:, -1].argsort().argsort() / len(rows)
        return np.column_stack([1 - share, share])


@breaks(laws.check_beats_the_prior, laws.check_heavy_tail)
class PredictsTheClassShares(Good):
    shares_: np.ndarray

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.shares_ = table.targets.mean(axis=0)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return np.tile(self.shares_, (len(rows), 1))


@breaks(laws.check_missing_values)
class DropsRowsWithGaps(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows.take(~np.isnan(rows.X).any(axis=1)))


@breaks(
    laws.check_missing_values_first_seen_after_fit,
    laws.check_unseen_and_missing_categories,
    laws.check_every_kind_of_column,
)
class PassesGapsOn(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows) + 0 * rows.X[:, -1:]


@breaks(laws.check_categories_are_used)
class IgnoresTheLastColumn(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, rows=Rows(np.column_stack([table.X[:, :-1], np.zeros(len(table))]))), rng)


@breaks(laws.check_unknown_arrays_are_ignored)
class MovesRowsByWhateverIsThere(Good):
    def predict_proba(self, rows: Rows) -> np.ndarray:
        moved = sum((array.reshape(len(rows), -1).mean(axis=1) for array in rows.arrays.values()), np.zeros(len(rows)))
        return super().predict_proba(Rows(rows.X + moved[:, None]))


@breaks(laws.check_refit_forgets)
class RemembersTheFirstFit(Good):
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return self if hasattr(self, "inner_") else super().fit(table, rng)


UNPROVED = (laws.check_column_all_missing, laws.check_fitted_learner_can_be_copied)
test_the_law_bites, test_nearly_every_law_is_known_to_bite = proofs(breaks.pairs, LAWS, unproved=UNPROVED)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_sound_learner_passes(law: Callable[[Make], None]) -> None:
    law(Good)
