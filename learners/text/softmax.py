"""Multinomial logistic regression on sparse or dense features, from soft labels, kept as three arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from learners.common.soft_labels import NEGLIGIBLE, with_all_classes
from loop.errors import DataError
from loop.support.model_files.arrays import Form, checked
from loop.types import Table

LARGEST = 1e6  # of a coefficient
MOST_STEPS = 1_000
_NAMES = ("coef", "intercept", "classes")


@dataclass(frozen=True, eq=False)
class Softmax:
    """Coefficients of the classes that were there; one class alone has the probability one."""

    coef: np.ndarray  # (k, p)
    intercept: np.ndarray  # (k,)
    classes: np.ndarray  # (k,) codes of classes, rising

    @classmethod
    def fit(cls, features: Any, table: Table, C: float, balanced: bool) -> Self:
        """Fit on features (n, p) of the rows of a table, for ``table.targets`` with ``table.weight``.

        Parameters
        ----------
        features : ndarray or sparse matrix of shape (n, p)
        table : Table
            Its labels and weights.
        C : float
            Inverse strength of the L2 penalty.
        balanced : bool
            Whether each class has the same total weight.
        """
        targets = np.where(table.targets > NEGLIGIBLE, table.targets, 0.0)
        shares = table.weight[:, None] * targets / targets.sum(axis=1, keepdims=True)
        mass = shares.sum(axis=0)
        classes = np.flatnonzero(mass > 0)
        shares = shares[:, classes]
        if balanced:
            shares = shares * (mass.sum() / len(classes) / mass[classes])
        if len(classes) == 1:
            return cls(np.zeros((1, features.shape[1])), np.zeros(1), classes)
        found = _minimised(features, shares, C)
        return cls(found[:-1].T.copy(), found[-1].copy(), classes)

    def proba(self, features: Any, n_classes: int) -> np.ndarray:
        """Return probabilities (n, K) of features (n, p)."""
        if len(self.classes) == 1:
            known = np.ones((features.shape[0], 1))
        else:
            known = softmax(np.asarray(features @ self.coef.T) + self.intercept, axis=1)
        return with_all_classes(known, self.classes, n_classes)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return it as named arrays."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], width: int, n_classes: int) -> Self:
        """Rebuild from what `arrays` returned, for so many features and classes.

        Raises
        ------
        DataError
            If an array is missing, of another shape, or not finite.
        """
        held = {name: arrays[name] for name in _NAMES if name in arrays}
        checked(held, {**_forms(width, None), "classes": Form("iu", (None,), 0, n_classes - 1)})
        classes = held["classes"].astype(np.int64)
        if not len(classes) or (np.diff(classes) <= 0).any():
            raise DataError("classes must be rising numbers, one at least")
        checked(held, _forms(width, len(classes)), more=("classes",))
        return cls(held["coef"], held["intercept"], classes)


def _minimised(features: Any, shares: np.ndarray, C: float) -> np.ndarray:
    """Return coefficients and, last, intercepts (p + 1, k) that minimise the penalised cross-entropy, by L-BFGS.

    Soft labels are taken as they are: scikit-learn would need a copy of each row for each class.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, p)
    shares : ndarray of shape (n, k)
        Weight of each row for each class.
    C : float
        Inverse strength of the L2 penalty of the coefficients.
    """
    shape = (features.shape[1] + 1, shares.shape[1])
    total, transposed = shares.sum(), features.T.tocsr() if hasattr(features, "tocsr") else features.T
    shares, weight = shares / total, shares.sum(axis=1, keepdims=True) / total
    penalty = 1 / (C * total)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        held = flat.reshape(shape)
        logs = log_softmax(np.asarray(features @ held[:-1]) + held[-1], axis=1)
        error = weight * np.exp(logs) - shares
        slope = np.vstack([np.asarray(transposed @ error) + penalty * held[:-1], error.sum(axis=0)])
        return float(0.5 * penalty * (held[:-1] ** 2).sum() - (shares * logs).sum()), slope.ravel()

    settings = {"maxiter": MOST_STEPS, "gtol": 1e-4, "ftol": 1e-9}
    found: np.ndarray = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=settings).x
    return found.reshape(shape)


def _forms(width: int, lines: int | None) -> dict[str, Form]:
    return {
        "coef": Form("f", (lines, width), -LARGEST, LARGEST),
        "intercept": Form("f", (lines,), -LARGEST, LARGEST),
    }
