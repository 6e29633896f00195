"""Deliberately bad learners of texts, each of which must fail its law."""

from collections.abc import Callable
from dataclasses import replace
from typing import Self

import numpy as np
import pytest
from texts import text_table

from learners.text.tfidf import Tfidf
from loop.rows import Rows
from loop.testing.arrays import (
    LEARNER_LAWS,
    a_row_has_its_answer_in_any_company,
    absent_classes_keep_their_column,
    new_rows_are_told_apart,
    rows_without_weight_teach_nothing,
    soft_labels_count,
)
from loop.types import Table

TABLE = text_table()


class Bad(Tfidf):
    """A learner to be spoilt."""


class HardLabels(Bad):
    """Looks at hard labels only."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, soft=None), rng)


class NoWeights(Bad):
    """Counts all rows alike."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return super().fit(replace(table, weight=np.ones(len(table))), rng)


class Relative(Bad):
    """Compares each answer with those of the other rows."""

    def predict_proba(self, rows: Rows) -> np.ndarray:
        proba = super().predict_proba(rows) / np.maximum(super().predict_proba(rows).sum(axis=0), 1e-9)
        shares: np.ndarray = proba / np.maximum(proba.sum(axis=1, keepdims=True), 1e-9)
        return shares


class LearntByHeart(Bad):
    """Knows the texts of training and no other."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.seen = set(table.rows.arrays["note"].tolist())
        return super().fit(table, rng)

    def predict_proba(self, rows: Rows) -> np.ndarray:
        proba = super().predict_proba(rows)
        proba[[text not in self.seen for text in rows.arrays["note"].tolist()]] = 1 / proba.shape[1]
        return proba


class OnlyPresent(Bad):
    """Answers for the classes that were there, and no others."""

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return super().predict_proba(rows)[:, self.model_.classes]


BAD: tuple[tuple[type[Tfidf], Callable[..., None]], ...] = (
    (HardLabels, soft_labels_count),
    (NoWeights, rows_without_weight_teach_nothing),
    (Relative, a_row_has_its_answer_in_any_company),
    (LearntByHeart, new_rows_are_told_apart),
    (OnlyPresent, absent_classes_keep_their_column),
)


@pytest.mark.parametrize(("kind", "law"), BAD, ids=lambda each: each.__name__)
def test_the_law_bites(kind: type[Tfidf], law: Callable[..., None]) -> None:
    assert law in LEARNER_LAWS
    law(Tfidf, TABLE)
    with pytest.raises(AssertionError):
        law(kind, TABLE)
