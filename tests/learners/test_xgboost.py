"""What boosted trees promise beyond the laws of learners: soft labels, native categories, growth with the data."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from learners import XGBoost
from learners.xgboost import augmented
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.rows import Rows
from loop.testing.learners import blobs, with_category
from loop.types import Table

SMALL = XGBoost(trees=30, depth=3, rate=0.2)


def fitted(table: Table, learner: XGBoost = SMALL) -> XGBoost:
    return replace(learner).fit(table, np.random.default_rng(0))


def softened(table: Table, doubt: float = 0.2) -> Table:
    """Take a share of the belief in every label away and give it to all classes alike."""
    soft = (1 - doubt) * table.targets + doubt / table.n_classes
    return replace(table, soft=soft)


def weighted_copies_of(table: Table) -> Table:
    """Spell soft labels out as one hard row for each class, weighted by its probability."""
    copies = [
        replace(table, soft=None, y=np.full(len(table), code), weight=table.weight * table.targets[:, code])
        for code in range(table.n_classes)
    ]
    return Table.concat(copies)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_soft_labels_equal_weighted_copies(n_classes: int) -> None:
    table = softened(blobs(n=600, n_classes=n_classes))
    soft, hard = (fitted(each).predict_proba(table.rows) for each in (table, weighted_copies_of(table)))
    np.testing.assert_allclose(soft, hard, atol=0.03)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_doubtful_labels_teach_doubt(n_classes: int) -> None:
    table = blobs(n=600, n_classes=n_classes)
    sure, unsure = (fitted(each).predict_proba(table.rows) for each in (table, softened(table, 0.4)))
    assert unsure.max(axis=1).mean() < sure.max(axis=1).mean() - 0.1
    assert unsure.max() < 0.95


def test_soft_labels_with_all_belief_in_one_class_are_hard_labels() -> None:
    table = blobs()
    soft, hard = (fitted(each).predict_proba(table.rows) for each in (replace(table, soft=table.targets), table))
    np.testing.assert_array_equal(soft, hard)


def test_three_classes_are_told_apart() -> None:
    table, test = blobs(n=600, n_classes=3), blobs(n=600, n_classes=3, seed=1)
    proba = fitted(table).predict_proba(test.rows)
    assert proba.shape == (600, 3)
    assert (proba.argmax(axis=1) == test.y).mean() > 0.8


def test_the_trail_of_the_rows_changes_nothing() -> None:
    table = blobs()
    synthetic = replace(table, generation=np.ones(len(table), dtype=np.int64))
    np.testing.assert_array_equal(fitted(table).predict_proba(table.rows), fitted(synthetic).predict_proba(table.rows))


def test_the_augmented_learner_has_deeper_and_faster_trees_of_fewer_rows_and_bins() -> None:
    assert repr(augmented(XGBoost(l2=3.0))) == repr(
        XGBoost(200, 7, 0.08, 2.0, row_share=0.8, column_share=0.6, bins=128, l2=3.0)
    )
    assert repr(augmented(XGBoost(row_share=0.5, bins=64))) == repr(
        XGBoost(200, 7, 0.08, 2.0, row_share=0.5, column_share=0.6, bins=64)
    )


def test_categories_are_native_not_ordered_codes() -> None:
    """One split by set tells alternating codes apart; a split by order cannot."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 10, size=300)
    table = with_category(replace(blobs(), y=(codes % 2).astype(np.int64)), codes)
    stump = XGBoost(trees=1, depth=1, rate=1.0, l2=0.0)
    as_categories = fitted(table, stump).predict_proba(table.rows)[:, 1]
    assert average_precision_score(table.y, as_categories) == 1
    column = replace(table.schema.columns[-1], kind="numeric", categories=())
    ordered = replace(table, schema=replace(table.schema, columns=(*table.schema.columns[:-1], column)))
    as_numbers = fitted(ordered, stump).predict_proba(table.rows)[:, 1]
    assert average_precision_score(table.y, as_numbers) < 0.7


def test_a_category_never_seen_counts_as_missing() -> None:
    rng = np.random.default_rng(0)
    table = with_category(blobs(), rng.integers(0, 5, size=300))
    X = np.repeat(table.X[:1], 3, axis=0)
    X[:, -1] = (7, 9, np.nan)
    proba = fitted(table).predict_proba(Rows(X))
    assert np.isfinite(proba).all()


def test_rows_of_weight_zero_are_absent() -> None:
    table = softened(blobs())
    half = np.arange(len(table)) < 150
    spoilt = replace(table, rows=Rows(np.where(half[:, None], table.X, 1e9)), weight=half.astype(float))
    np.testing.assert_array_equal(
        fitted(spoilt).predict_proba(table.rows), fitted(table.take(half)).predict_proba(table.rows)
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_pieces_give_the_trees_of_the_whole(n_classes: int) -> None:
    """To the last byte: with a sample of all rows, for hard and soft labels, weights, gaps and categories."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["x", "y", "z"], 300)})
    frame.loc[rng.random(300) < 0.1, "a"] = np.nan
    frame["target"] = rng.integers(0, n_classes, 300)
    table = encode(infer(frame, "target"), frame)
    soft = rng.dirichlet(np.ones(n_classes), 300)
    table = replace(table, soft=soft, y=soft.argmax(axis=1), weight=rng.uniform(0.1, 2, 300))
    whole = XGBoost(trees=5).fit(table, np.random.default_rng(1))

    def pieces() -> Iterator[Table]:
        for low, high in ((0, 0), (0, 120), (120, 121), (121, 300)):
            yield table.take(np.arange(low, high))

    parts = XGBoost(trees=5).fit_pieces(pieces, table, np.random.default_rng(1))
    assert parts.booster_.save_raw() == whole.booster_.save_raw()
    other = XGBoost(trees=5).fit_pieces(lambda: iter([table.take(np.arange(250))]), table, np.random.default_rng(1))
    assert other.booster_.save_raw() != whole.booster_.save_raw()
