"""Soft labels and absent classes for libraries that know only hard labels."""

import numpy as np

from loop.types import Table

NEGLIGIBLE = 1e-3  # less probable classes get no copy: so little weight is not worth a row


def weighted_copies(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace each soft row by one hard row per likely class, weighted by the probability of that class.

    The weighted log-loss of the copies is the cross-entropy to the soft labels. Rows of weight zero are left out;
    a hard row stays one row, and row order is kept.

    Returns
    -------
    X : np.ndarray
        Rows, shape (m, d).
    y : np.ndarray
        Class codes, shape (m,).
    weight : np.ndarray
        Weights above zero, shape (m,); the copies of one row add up to the weight of that row.
    """
    targets = np.where(table.targets > NEGLIGIBLE, table.targets, 0.0)  # (n, K)
    shares = table.weight[:, None] * targets / targets.sum(axis=1, keepdims=True)
    rows, y = np.nonzero(shares)
    return table.X[rows], y, shares[rows, y]


def boosting_rows(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, label and weight of the rows of weight above zero, as libraries of boosted trees take them.

    With two classes the label is the probability of the second one; with more it is a code, see `weighted_copies`.
    """
    table = table.take(table.weight > 0) if (table.weight <= 0).any() else table
    if table.n_classes == 2:
        return table.X, np.clip(table.targets[:, 1], 0, 1), table.weight  # a rounding may have left a share above one
    return weighted_copies(table)


def with_all_classes(proba: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Spread probabilities (n, len(classes)) over all ``n_classes`` columns; an absent class gets zero."""
    full = np.zeros((len(proba), n_classes))
    full[:, classes] = proba
    return full
