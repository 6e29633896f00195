"""Labels to check: planted errors are found, clean labels are left alone, and bad input is refused in one sentence."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TEACHER, rare_table

from learners import Linear, XGBoost
from loop.asking.out_of_fold import out_of_fold, repeated_folds
from loop.asking.suspects import Suspects, by_mean_confidence, error_rates, find_suspects
from loop.data.split import duplicate_groups
from loop.errors import ConfigError, DataError
from loop.types import Column, Schema, Table

NAMES = ("no", "yes", "maybe")


def labelled(n: int, shares: tuple[float, ...], gap: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw classes (n,) and their true probabilities (n, K) given a normal feature around a corner for each class."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), size=n, p=shares)
    x = rng.normal(size=(n, len(shares)))
    x[np.arange(n), y] += gap
    raised = np.exp(gap * x) * np.asarray(shares)
    return y, raised / raised.sum(axis=1, keepdims=True)


def with_errors(
    y: np.ndarray, proba: np.ndarray, share: float, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Move a share of the labels to the next class; return labels, the probabilities of these, and which are wrong."""
    rng, n_classes = np.random.default_rng(seed), proba.shape[1]
    wrong = rng.random(len(y)) < share
    moved = (1 - share) * proba + share * np.roll(proba, 1, axis=1)
    return np.where(wrong, (y + 1) % n_classes, y), moved, wrong


def found_in(proba: np.ndarray, y: np.ndarray, copies: np.ndarray | None = None) -> Suspects:
    return find_suspects(proba, y, NAMES[: proba.shape[1]], np.random.default_rng(0), copies=copies)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.977, 0.023), (0.3, 0.3, 0.4), (0.9, 0.08, 0.02)])
def test_planted_errors_are_found(shares: tuple[float, ...]) -> None:
    y, proba = labelled(12_000, shares, 3.5, seed=0)
    y, proba, wrong = with_errors(y, proba, 0.03)
    found = found_in(proba, y)
    hits = wrong[found.positions]
    assert hits.mean() > 0.85
    assert hits.sum() > 0.6 * wrong.sum()
    assert hits[: len(hits) // 2].mean() >= hits.mean() - 0.01  # the surest come first
    np.testing.assert_array_equal(found.given, y[found.positions])
    assert (found.suspected[hits] == (found.given[hits] - 1) % len(shares)).mean() > 0.95
    assert found.error_share == pytest.approx(0.03, abs=0.012)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.977, 0.023), (0.998, 0.002), (0.3, 0.3, 0.4)])
@pytest.mark.parametrize("gap", [0.0, 1.0, 2.0, 3.5])
def test_clean_labels_are_left_alone(shares: tuple[float, ...], gap: float) -> None:
    """Whether nothing can be learnt (gap 0), little (1: ROC AUC 0.84) or nearly all."""
    for seed in range(3):
        y, proba = labelled(10_000, shares, gap, seed)
        found = found_in(proba, y)
        # Two classes of equal size of which the best model mistakes a quarter look most like errors.
        assert len(found) < (0.01 if gap == 1 and shares == (0.5, 0.5) else 0.005) * len(y)
        assert found.error_share < (0.06 if gap == 1 else 0.03)


def test_errors_are_found_where_positives_are_two_in_a_thousand() -> None:
    y, proba = labelled(30_000, (0.998, 0.002), 4.0, seed=0)
    y, proba, wrong = with_errors(y, proba, 0.002)
    found = found_in(proba, y)
    assert wrong[found.positions].mean() > 0.7
    assert np.isin(np.flatnonzero(wrong), found.positions).mean() > 0.6


def test_the_probabilities_are_calibrated_first() -> None:
    """Log-odds three times too flat change nothing."""
    y, proba = labelled(8_000, (0.9, 0.1), 3.5, seed=2)
    y, proba, _ = with_errors(y, proba, 0.03)
    flat = proba ** (1 / 3) / (proba ** (1 / 3)).sum(axis=1, keepdims=True)
    straight, again = found_in(proba, y), found_in(flat, y)
    assert len(again) > 100
    assert len(np.intersect1d(again.positions, straight.positions)) > 0.97 * len(straight) > 0.8 * len(again)


def test_confident_learning_s_own_thresholds_list_clean_rows_too() -> None:
    y, proba = labelled(10_000, (0.9, 0.1), 2.0, seed=0)
    assert len(by_mean_confidence(proba, y)) > 5 * len(found_in(proba, y))
    four = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    # Means are 0.5 and 0.55: rows 1 and 2 lie above that of the other class, row 2 less far.
    np.testing.assert_array_equal(by_mean_confidence(four, np.array([0, 1, 0, 1])), [1, 2])


def test_error_rates_are_those_planted() -> None:
    y, proba = labelled(20_000, (0.7, 0.3), 4.0, seed=0)
    y, proba, _ = with_errors(y, proba, 0.05)
    rates, limits = error_rates(proba, y)
    np.testing.assert_allclose(rates, [[0, 0.05], [0.05, 0]], atol=0.012)
    assert (np.diag(limits) == 0).all()
    assert (limits <= rates).all()
    assert limits[0, 1] > 0.04
    assert error_rates(np.full((500, 2), 0.5), np.arange(500) % 2)[0].sum() == 0


def test_copies_with_another_label_come_first() -> None:
    #  rows 0-2: one against two; 3-4: a pair; 5-6: a pair that agrees; 7-10: two against two, which tells nothing
    copies = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3])
    y = np.array([0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1])
    proba = np.tile([0.6, 0.4], (11, 1))
    found = found_in(proba, y, copies)
    assert set(found.positions) == {0, 4}
    assert found.copies.all()
    np.testing.assert_array_equal(found.suspected, 1 - found.given)
    assert len(found_in(proba, y)) == 0

    y, proba = labelled(4_000, (0.5, 0.5), 3.5, seed=0)
    y, proba, _ = with_errors(y, proba, 0.03)
    ids = np.arange(4_000)
    doubted = int(np.flatnonzero((y == 0) & (proba[:, 1] > 0.4) & (proba[:, 1] < 0.6))[0])
    same = np.flatnonzero(y == 1)[:2]
    ids[same] = ids[doubted]
    found = found_in(proba, y, ids)
    assert found.positions[0] == doubted
    assert found.copies.sum() == 1
    assert len(found) > 20
    assert (np.diff(found.score[1:]) <= 0).all()


def test_the_list_as_a_frame_names_the_classes() -> None:
    found = found_in(np.tile([0.6, 0.4], (3, 1)), np.array([0, 0, 1]), np.zeros(3, dtype=int))
    frame = found.frame()
    assert frame.drop(columns="score").to_dict("records") == [
        {"row": 2, "given": "yes", "suspected": "no", "copies": True}
    ]
    assert found_in(np.tile([0.6, 0.4], (3, 1)), np.array([0, 0, 1])).frame().empty


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(40, 600),
    st.sampled_from([(0.5, 0.5), (0.9, 0.1), (0.3, 0.3, 0.4)]),
)
def test_the_order_of_rows_does_not_matter(seed: int, n: int, shares: tuple[float, ...]) -> None:
    y, proba = labelled(n, shares, 4.0, seed)
    y, proba, _ = with_errors(y, proba, 0.08, seed)
    rng = np.random.default_rng(seed)
    proba[rng.random(n) < 0.1] = np.nan
    copies = rng.integers(0, 3 * n, n)
    order = rng.permutation(n)
    straight, moved = found_in(proba, y, copies), found_in(proba[order], y[order], copies[order])
    np.testing.assert_array_equal(order[moved.positions], straight.positions)
    np.testing.assert_allclose(moved.score, straight.score, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(moved.suspected, straight.suspected)
    assert len(np.unique(straight.positions)) == len(straight)
    assert not np.isnan(proba[straight.positions]).any()
    assert (straight.suspected != straight.given).all()


def test_rows_of_no_fold_change_nothing() -> None:
    y, proba = labelled(5_000, (0.5, 0.5), 3.5, seed=0)
    y, proba, _ = with_errors(y, proba, 0.03)
    alone = found_in(proba, y)
    more = np.concatenate([np.full((500, 2), np.nan), proba])
    found = found_in(more, np.concatenate([np.arange(500) % 2, y]), np.append(np.zeros(500), np.arange(1, 5_001)))
    assert len(alone) > 50
    np.testing.assert_array_equal(found.positions, alone.positions + 500)
    assert found.error_share == alone.error_share


@pytest.mark.parametrize("n", [1, 2, 3, 10, 29])
def test_tiny_tables_give_empty_lists(n: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (np.arange(n) % 2, np.zeros(n, dtype=int)):
            assert len(found_in(np.tile([0.97, 0.03], (n, 1)), y)) == 0


HALVES = np.full((4, 2), 0.5)
CODES = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("proba", "labels", "classes", "copies", "rule"),
    [
        (HALVES[:, 0], CODES, NAMES[:2], None, "one column for each of two or more classes"),
        (HALVES, CODES, NAMES, None, r"shape \(4, 2\) for 3 classes"),
        (HALVES[:, :1], CODES, NAMES[:1], None, "two or more classes"),
        (HALVES, CODES[:3], NAMES[:2], None, r"labels must be one for each of 4 rows, got shape \(3,\)"),
        (HALVES, CODES, NAMES[:2], CODES[:3], "copies must be one for each of 4 rows"),
        (HALVES, CODES + 1, NAMES[:2], None, "class codes from 0 to 1"),
        (HALVES, CODES - 1, NAMES[:2], None, "class codes from 0 to 1"),
        (HALVES, CODES.astype(float), NAMES[:2], None, "class codes from 0 to 1"),
        (HALVES * np.nan, CODES, NAMES[:2], None, "some rows must have probabilities"),
        (HALVES * 2, CODES, NAMES[:2], None, "sum to one"),
        (HALVES + np.array([1, -1]), CODES, NAMES[:2], None, "must not be negative"),
        (HALVES * np.inf, CODES, NAMES[:2], None, "sum to one"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    proba: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], copies: np.ndarray | None, rule: str
) -> None:
    with pytest.raises(DataError, match=rule) as refusal:
        find_suspects(proba, labels, classes, np.random.default_rng(0), copies=copies)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


def doubled() -> Table:
    """A table in which the last 50 rows are copies of the first 50."""
    table = rare_table(400)
    return Table.concat([table, table.take(np.arange(50))])


def test_copies_are_in_one_fold_in_every_repeat() -> None:
    table = doubled()
    dealt = repeated_folds(table, np.random.default_rng(0), repeats=3)
    assert dealt.shape == (3, 450)
    np.testing.assert_array_equal(dealt[:, :50], dealt[:, 400:])
    assert (dealt[0] != dealt[1]).any()
    grouped = repeated_folds(table, np.random.default_rng(0), groups=np.arange(450) // 2)
    np.testing.assert_array_equal(grouped[:, 0:400:2], grouped[:, 1:400:2])
    np.testing.assert_array_equal(grouped[:, :50], grouped[:, 400:])


@pytest.mark.parametrize("model", [Linear(), TEACHER], ids=["learner", "teacher"])
def test_no_row_is_answered_by_a_model_that_has_learnt_it(model: Linear) -> None:
    """The labels of one fold may be anything: its own probabilities stay the same."""
    table, seen = rare_table(300), np.random.default_rng
    folds = repeated_folds(table, seen(0), repeats=1)[0]
    own = folds == 0
    changed = replace(table, y=np.where(own, 1 - table.y, table.y))
    fitted = replace(model)
    before, after = (out_of_fold(fitted, each, folds, seen(1)) for each in (table, changed))
    assert not hasattr(fitted, "oof_")
    assert not hasattr(fitted, "model_")
    if isinstance(model, Linear):
        np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).any()
    np.testing.assert_allclose(before.sum(axis=1), 1)


def test_repeats_are_averaged_and_rows_of_no_fold_are_unknown() -> None:
    table = rare_table(300)
    folds = repeated_folds(table, np.random.default_rng(0), repeats=2)
    folds[:, :5] = -1
    folds[1, 5:10] = -1
    both = out_of_fold(Linear(), table, folds, np.random.default_rng(1))
    first, second = (out_of_fold(Linear(), table, each, np.random.default_rng(1)) for each in folds)
    assert np.isnan(both[:5]).all()
    assert not np.isnan(both[5:]).any()
    np.testing.assert_allclose(both[5:10], first[5:10])
    np.testing.assert_allclose(both[10:], (first[10:] + second[10:]) / 2)


@pytest.mark.parametrize(
    "folds",
    [np.zeros(3, int), np.zeros(300, int), np.full(300, -1), np.arange(300) % 2 * 0.5, np.zeros((0, 300), int)],
)
def test_bad_folds_are_refused(folds: np.ndarray) -> None:
    with pytest.raises(DataError, match="repeated_folds"):
        out_of_fold(Linear(), rare_table(300), folds, np.random.default_rng(0))


def test_too_few_repeats_are_refused() -> None:
    with pytest.raises(ConfigError, match="repeats must be at least 1, got 0"):
        repeated_folds(rare_table(300), np.random.default_rng(0), repeats=0)


def test_from_a_table_to_the_list() -> None:
    """Errors in a table are found by a learner; a wrong label whose copies are right is found by these."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 3))
    X[-300:] = X[:300]
    y = (X[:, 0] + X[:, 1] > 1.2).astype(np.int64)
    wrong = rng.random(3_000) < 0.03
    columns = tuple(Column(name, "numeric", "float64", -5.0, 5.0) for name in "abc")
    table = Table.real(X, np.where(wrong, 1 - y, y), Schema(columns, ("no", "yes")))
    folds = repeated_folds(table, rng)
    proba = out_of_fold(XGBoost(trees=100, depth=3, row_share=0.8), table, folds, rng)
    found = found_in(proba, table.y, duplicate_groups(table.X))
    assert wrong[found.positions].mean() > 0.8
    assert wrong[found.positions][found.copies].mean() > 0.9
    assert found.copies.sum() > 10
    assert np.isin(np.flatnonzero(wrong), found.positions).mean() > 0.5
