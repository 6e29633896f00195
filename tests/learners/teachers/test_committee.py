"""The teacher: no member answers rows it has seen, weights find the better kind, and thinning costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from learners import Committee, ExtraTrees, Linear, XGBoost
from loop.rows import Rows
from loop.testing.learners import blobs
from loop.testing.tables import numeric_table
from loop.testing.teachers import LAWS, Make
from loop.types import Column, Schema, Table

TABLE = numeric_table(300)
FOLDS = np.random.default_rng(0).permutation(np.arange(300) % 3)
MEMBERS = (Linear(), ExtraTrees(trees=20, min_leaf=3))


@dataclass
class Constant:
    """Answers the class shares it was shown, moved by a bias."""

    bias: float = 0.0
    share_: float = field(init=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.share_ = float(np.clip(table.y.mean() + self.bias, 0.01, 0.99))
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return np.tile([1 - self.share_, self.share_], (len(rows), 1))


@dataclass
class RightWhere:
    """Answers the truth for some rows of `TABLE`, and its opposite for all others."""

    right: np.ndarray  # (300,) bool

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        at = (rows.X[:, None] == TABLE.X).all(axis=2).argmax(axis=1)
        return np.where(self.right[at, None], TABLE.targets[at], 1 - TABLE.targets[at])


@dataclass
class Remembers(Constant):
    """Keeps the rows it was shown."""

    seen_: Table = field(init=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.seen_ = table
        return super().fit(table, rng)


def committee(table: Table = TABLE, folds: np.ndarray = FOLDS, jobs: int = 1, members: tuple = MEMBERS) -> Committee:
    return Committee(members=members, jobs=jobs).fit_folds(table, folds, np.random.default_rng(0))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Make], None]) -> None:
    law(lambda: Committee(members=MEMBERS, jobs=1))


# Nothing leaks


def test_members_without_a_fold_do_not_know_its_labels() -> None:
    honest = committee()
    for fold in range(3):
        flipped = committee(replace(TABLE, y=np.where(fold == FOLDS, 1 - TABLE.y, TABLE.y)))
        for number in range(len(MEMBERS)):
            (one, _), (other, _) = honest.fitted_[fold][number], flipped.fitted_[fold][number]
            np.testing.assert_array_equal(one.predict_proba(TABLE.rows), other.predict_proba(TABLE.rows))
            (one, _), (other, _) = (each.fitted_[(fold + 1) % 3][number] for each in (honest, flipped))
            assert not np.array_equal(one.predict_proba(TABLE.rows), other.predict_proba(TABLE.rows))


def test_out_of_fold_answers_are_those_of_the_view_without_the_fold() -> None:
    fitted = committee()
    for fold in range(3):
        view, _ = fitted.views(TABLE.rows.take(fold == FOLDS), without=fold)
        np.testing.assert_allclose(fitted.oof_[fold == FOLDS], view)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_where_some_rows_weigh_the_members(law: Callable[[Make], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learners.teachers.committee.WEIGHED", 100)
    law(lambda: Committee(members=MEMBERS, jobs=1))


def test_members_are_weighed_on_some_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = np.where(np.arange(300) < 50, -1, FOLDS)
    monkeypatch.setattr("learners.teachers.committee.WEIGHED", 200)
    fitted = committee(folds=folds, members=(Constant(), Constant(bias=0.3), Linear()))
    assert "oof_" not in vars(fitted)  # it takes long, and is not always asked for
    assert (fitted.weights_[:, 2] > 0.8).all()
    for fold in range(3):
        np.testing.assert_array_equal(fitted.oof_[folds == fold], fitted.views(TABLE.rows.take(folds == fold), fold)[0])
    assert np.isnan(fitted.oof_[folds < 0]).all()


def test_answers_out_of_fold_are_those_of_the_last_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = committee()
    monkeypatch.setattr("learners.teachers.committee.WEIGHED", 100)
    fitted.fit_folds(TABLE.take(np.arange(200)), FOLDS[:200], np.random.default_rng(0))
    assert fitted.oof_.shape == (200, 2)


def test_out_of_fold_answers_to_noise_know_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = replace(TABLE, y=rng.permutation(TABLE.y))
    memorising = committee(noise, members=(ExtraTrees(trees=20),))
    oof = memorising.oof_[:, 1]
    assert average_precision_score(noise.y, oof) < 2 * noise.y.mean()
    assert average_precision_score(noise.y, memorising.predict_proba(noise.rows)[:, 1]) > 0.9


def test_rows_of_no_fold_are_never_used() -> None:
    folds = np.where(np.arange(300) < 50, -1, FOLDS)
    spoilt = replace(TABLE, rows=Rows(np.where(folds[:, None] < 0, 1e6, TABLE.X)), y=np.where(folds < 0, 1, TABLE.y))
    one, other = committee(folds=folds), committee(spoilt, folds)
    np.testing.assert_array_equal(one.predict_proba(TABLE.rows), other.predict_proba(TABLE.rows))
    assert np.isnan(one.oof_[folds < 0]).all()
    assert np.isfinite(one.oof_[folds >= 0]).all()


# Weights


def test_weights_sum_to_one_and_those_of_a_fold_come_from_the_others() -> None:
    fitted = committee()
    assert fitted.weights_.shape == (4, 2)
    np.testing.assert_allclose(fitted.weights_.sum(axis=1), 1)
    # Right only in fold 0: in its view, which knows the other fold alone, this member must count for nothing.
    folds = (FOLDS > 0).astype(int)
    weights = committee(folds=folds, members=(Constant(), RightWhere(folds == 0))).weights_
    np.testing.assert_array_equal(weights[:2], [[1, 0], [0, 1]])


def test_weights_prefer_the_better_member() -> None:
    weights = committee(members=(Constant(), Constant(bias=0.3), Linear())).weights_
    assert (weights[:, 2] > 0.8).all()
    assert (weights[:, 1] < 0.05).all()


def test_row_weights_steer_the_choice() -> None:
    first = np.arange(300) < 150
    for side, expected in ((first, [1, 0]), (~first, [0, 1])):
        weighed = replace(TABLE, weight=np.where(side, 1.0, 1e-6))
        weights = committee(weighed, members=(RightWhere(first), RightWhere(~first))).weights_
        np.testing.assert_array_equal(weights[-1], expected)


# Views


@pytest.mark.parametrize("without", [None, 0, 2])
def test_views_are_probabilities_with_a_variance(without: int | None) -> None:
    X = numeric_table(40, seed=1).X
    proba, variance = committee().views(Rows(X), without)
    assert proba.shape == (40, 2)
    assert variance.shape == (40,)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (variance >= 0).all()
    assert without is not None or variance.max() > 0


def test_arrays_beside_the_columns_change_nothing() -> None:
    beside = Rows(TABLE.X, {"image": np.random.default_rng(9).normal(size=(len(TABLE), 1, 2, 2))})
    plain, other = committee(), committee(replace(TABLE, rows=beside))
    np.testing.assert_array_equal(other.oof_, plain.oof_)
    for mine, theirs in zip(other.views(beside, 1), plain.views(TABLE.rows, 1), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_members_that_agree_have_no_variance() -> None:
    folds = np.empty(300, dtype=np.int64)
    order = np.argsort(TABLE.y, kind="stable")
    folds[order] = np.arange(300) % 3  # the same class shares without each fold
    _, variance = committee(folds=folds, members=(Constant(), Constant())).views(TABLE.rows, None)
    np.testing.assert_allclose(variance, 0, atol=1e-12)


def test_variance_is_that_of_the_weighted_members() -> None:
    fitted = committee()
    fitted.weights_ = np.full((4, 2), 0.5)
    answers = np.stack([member.predict_proba(TABLE.rows)[:, 1] for member, _ in fitted.fitted_[1]])
    _, variance = fitted.views(TABLE.rows, without=1)
    np.testing.assert_allclose(variance, answers.var(axis=0))


def test_three_classes() -> None:
    table = blobs(n_classes=3)
    fitted = committee(table, np.arange(len(table)) % 3)
    assert fitted.views(table.rows, None)[0].shape == (len(table), 3)
    assert average_precision_score(table.y == 2, fitted.oof_[:, 2]) > 0.4  # prevalence is 0.1


# Thinning


def rare(n: int, seed: int) -> Table:
    """One positive in two hundred, along the first of four columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    risk = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.7 * rng.normal(size=n)
    y = (risk > np.sort(risk)[-n // 200]).astype(np.int64)
    return Table.real(X, y, Schema(tuple(Column(name, "numeric", "float64") for name in "abcd"), ("no", "yes")))


@pytest.fixture(scope="module")
def thinned_and_full() -> tuple[np.ndarray, np.ndarray, Table]:
    table, test = rare(24_000, seed=0), rare(20_000, seed=1)
    folds = np.arange(len(table)) % 2
    members = (XGBoost(trees=60, depth=4, rate=0.15), ExtraTrees(trees=40))
    answers = []
    for small in (6000, 10**6):  # half of the majority rows stay, or all
        fitted = Committee(members=members, majority_ratio=20, small=small, jobs=1)
        answers.append(fitted.fit_folds(table, folds, np.random.default_rng(0)).predict_proba(test.rows))
    return answers[0], answers[1], test


def test_thinned_members_predict_the_prevalence(thinned_and_full: tuple[np.ndarray, np.ndarray, Table]) -> None:
    thinned, full, test = thinned_and_full
    for proba in (thinned, full):
        assert proba[:, 1].mean() == pytest.approx(test.y.mean(), rel=0.15)


def test_thinning_costs_nothing(thinned_and_full: tuple[np.ndarray, np.ndarray, Table]) -> None:
    thinned, full, test = thinned_and_full
    assert not np.array_equal(thinned, full)
    precision = [average_precision_score(test.y, proba[:, 1]) for proba in (thinned, full)]
    assert precision[0] > precision[1] - 0.03
    assert log_loss(test.y, thinned) < 1.05 * log_loss(test.y, full)


def test_only_a_huge_majority_is_thinned() -> None:
    table = rare(4000, seed=0)
    folds = np.arange(len(table)) % 2

    def shown(committee: Committee) -> tuple[Table, np.ndarray]:
        """Return the rows that the member without fold 1 was shown, and the share of each class."""
        member, shares = committee.fit_folds(table, folds, np.random.default_rng(0)).fitted_[1][0]
        assert isinstance(member, Remembers)
        return member.seen_, shares

    counts = np.bincount(table.y[folds == 0])
    left, shares = shown(Committee(members=(Remembers(),), majority_ratio=10, small=50, jobs=1))
    np.testing.assert_array_equal(np.bincount(left.y), [10 * counts[1], counts[1]])
    np.testing.assert_allclose(shares, [10 * counts[1] / counts[0], 1])
    for settings in ({"small": 4000}, {"majority_ratio": 500, "small": 200}):
        left, shares = shown(Committee(members=(Remembers(),), jobs=1, **settings))
        np.testing.assert_array_equal(left.X, table.X[folds == 0])
        np.testing.assert_array_equal(shares, 1)
    left, shares = shown(Committee(members=(Remembers(),), small=50, most=150, jobs=1))  # few rows in all
    np.testing.assert_array_equal(np.bincount(left.y), [150 - counts[1], counts[1]])
    np.testing.assert_allclose(shares, [(150 - counts[1]) / counts[0], 1])
    left, _ = shown(Committee(members=(Remembers(),), small=10, most=10, jobs=1))  # fewer than there are positives
    np.testing.assert_array_equal(np.bincount(left.y), [5, 5])


# Reproducible


def test_side_by_side_equals_one_by_one() -> None:
    one, two = committee(jobs=1), committee(jobs=2)
    np.testing.assert_array_equal(one.oof_, two.oof_)
    np.testing.assert_array_equal(one.weights_, two.weights_)
    np.testing.assert_array_equal(one.predict_proba(TABLE.rows), two.predict_proba(TABLE.rows))


def test_own_folds_hold_every_class() -> None:
    table = blobs()
    fitted = Committee(members=(Linear(),), folds=4, jobs=1).fit(table, np.random.default_rng(0))
    assert len(fitted.fitted_) == 4
    assert np.isfinite(fitted.oof_).all()


def test_the_members_given_stay_unfitted() -> None:
    members = (Linear(), ExtraTrees(trees=5))
    committee(members=members)
    assert not any(hasattr(member, "n_classes_") for member in members)
