"""Weakness of a learner on each row, from out-of-fold probabilities.

Higher is weaker in every measure. ``y`` holds class codes (n,), ``proba`` class probabilities (n, K).
"""

from collections.abc import Callable

import numpy as np

from loop.errors import DataError
from loop.types import Table

# Learners with float32 output cannot distinguish smaller probabilities from zero; bounds a row's loss to 15.9 nats.
_SMALLEST = float(np.finfo(np.float32).eps)


def log_loss(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return minus the log probability of the true class, in nats, shape (n,), between 0 and 15.9."""
    loss: np.ndarray = -np.log(np.clip(_of_true_class(y, proba), _SMALLEST, 1.0))
    return loss


def entropy(proba: np.ndarray) -> np.ndarray:
    """Return the Shannon entropy of each row, in nats, shape (n,): the log-loss that the learner expects."""
    surprise: np.ndarray = -np.log(np.clip(proba, _SMALLEST, 1.0))
    expected: np.ndarray = (np.clip(proba, 0.0, 1.0) * surprise).sum(axis=1)
    return expected


def excess(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return log-loss minus the entropy, in nats, shape (n,).

    Its mean is near zero where the learner is calibrated, however hard the rows are, and positive where the learner is
    overconfident. It is negative where the learner did better than it expected.
    """
    surplus: np.ndarray = log_loss(y, proba) - entropy(proba)
    return surplus


def margin(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the best other class's probability minus the true class's, shape (n,), between -1 and 1."""
    others = np.array(proba, dtype=np.float64)
    others[np.arange(len(y)), y] = -np.inf
    lead: np.ndarray = others.max(axis=1) - _of_true_class(y, proba)
    return lead


def wrong(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return 1.0 where the most likely class is not the true one, else 0.0, shape (n,)."""
    mistaken: np.ndarray = (proba.argmax(axis=1) != y).astype(np.float64)
    return mistaken


def seed_weights(weakness: np.ndarray) -> np.ndarray:
    """Return how often each row should start a proposal, (n,): its weakness, or all equal if none is positive."""
    weight: np.ndarray = np.clip(np.nan_to_num(weakness), 0.0, None)
    return weight if weight.any() else np.ones_like(weight)


def measured_rows(table: Table, weakness: np.ndarray) -> np.ndarray:
    """Return the positions (m,) of the real rows whose weakness (n,) is known, that is, not NaN.

    Raises
    ------
    DataError
        If the weakness has another length than the table or is infinite somewhere.
    """
    if weakness.shape != (len(table),):
        raise DataError(
            f"weakness must have one number for each of {len(table)} rows, got {weakness.shape}: pass one per row."
        )
    if np.isinf(weakness).any():
        raise DataError(
            f"weakness must be finite, got {np.isinf(weakness).sum()} infinities: clip probabilities first."
        )
    return np.flatnonzero(table.is_real & ~np.isnan(weakness))


def _of_true_class(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    true: np.ndarray = np.asarray(proba, dtype=np.float64)[np.arange(len(y)), y]
    return true


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "log_loss": log_loss,
    "entropy": lambda y, proba: entropy(proba),
    "excess": excess,
    "margin": margin,
    "wrong": wrong,
}
