"""Measures of weakness against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss

from loop.regions.weakness import MEASURES, entropy, excess, log_loss, margin, seed_weights, wrong


def _rows(seed: int, n: int = 200, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(k, size=n), rng.dirichlet(np.ones(k), size=n)


def test_log_loss_is_that_of_scikit_learn() -> None:
    y, proba = _rows(0)
    assert log_loss(y, proba).mean() == pytest.approx(sklearn_log_loss(y, proba))


def test_log_loss_of_certain_mistakes_is_finite_and_never_negative() -> None:
    certain = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(log_loss(np.array([0, 1]), certain), [0.0, 15.94], atol=0.01)


def test_entropy_is_the_loss_the_learner_expects() -> None:
    _, proba = _rows(1)
    expected = sum(proba[:, c] * log_loss(np.full(len(proba), c), proba) for c in range(4))
    np.testing.assert_allclose(entropy(proba), expected)
    np.testing.assert_allclose(entropy(np.array([[0.5, 0.5], [1.0, 0.0]])), [np.log(2), 0.0], atol=1e-12)


def test_excess_is_zero_on_average_where_the_learner_is_calibrated() -> None:
    rng = np.random.default_rng(2)
    p = rng.beta(0.5, 2.0, size=100_000)
    proba = np.column_stack([1 - p, p])
    y = (rng.random(len(p)) < p).astype(np.int64)
    assert abs(excess(y, proba).mean()) < 4 * excess(y, proba).std() / np.sqrt(len(p))
    flipped = (rng.random(len(p)) < np.sqrt(p)).astype(np.int64)
    assert excess(flipped, proba).mean() > 0.1


def test_margin_and_wrong_agree() -> None:
    y, proba = _rows(3)
    np.testing.assert_array_equal(margin(y, proba) > 0, wrong(y, proba) == 1.0)
    np.testing.assert_allclose(margin(np.array([0, 1]), np.array([[0.9, 0.1], [0.9, 0.1]])), [-0.8, 0.8])


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.05, 0.95))
def test_less_probability_for_the_true_class_is_never_less_weak(seed: int, k: int, part: float) -> None:
    """Every measure that looks at the label rises when probability moves from the true class to the likeliest other."""
    y, proba = _rows(seed, n=20, k=k)
    rows = np.arange(len(y))
    others = proba.copy()
    others[rows, y] = -1.0
    worse = proba.copy()
    worse[rows, y] -= part * proba[rows, y]
    worse[rows, others.argmax(axis=1)] += part * proba[rows, y]
    for measure in (log_loss, margin, wrong):
        assert (measure(y, worse) >= measure(y, proba)).all()


@pytest.mark.parametrize("name", MEASURES)
def test_measures_give_one_finite_number_a_row_and_change_nothing(name: str) -> None:
    y, proba = _rows(4)
    proba[0] = [0.0, 0.0, 0.0, 1.0]
    before = proba.copy()
    weakness = MEASURES[name](y, proba)
    assert weakness.shape == (200,)
    assert weakness.dtype == np.float64
    assert np.isfinite(weakness).all()
    np.testing.assert_array_equal(proba, before)
    assert MEASURES[name](y[:0], proba[:0]).shape == (0,)


def test_seed_weights_are_the_positive_weakness_or_all_alike() -> None:
    np.testing.assert_array_equal(seed_weights(np.array([2.0, -1.0, np.nan])), [2.0, 0.0, 0.0])
    np.testing.assert_array_equal(seed_weights(np.array([-2.0, -1.0])), [1.0, 1.0])
