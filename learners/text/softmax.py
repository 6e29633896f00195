"""Multinomial logistic regression on sparse or dense features, from soft labels, kept as two arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.special import softmax

from learners.common.soft_labels import weighted_copies, with_all_classes
from loop.errors import DataError
from loop.rows import Rows
from loop.support.model_files.arrays import Form, checked
from loop.types import Table

LARGEST = 1e6  # of a coefficient
_NAMES = ("coef", "intercept", "classes")


@dataclass(frozen=True, eq=False)
class Softmax:
    """Coefficients of the classes that were there; one class alone has the probability one."""

    coef: np.ndarray  # (c, p), for two classes (1, p)
    intercept: np.ndarray  # (c,), for two classes (1,)
    classes: np.ndarray  # (k,) codes of classes, rising

    @classmethod
    def fit(cls, features: Any, table: Table, C: float, balanced: bool) -> Self:
        """Fit by L-BFGS on features (n, p) of the rows of a table, for ``table.targets`` with ``table.weight``.

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
        from sklearn.linear_model import LogisticRegression

        places = replace(table, rows=Rows(np.arange(len(table), dtype=np.float64)[:, None]))
        at, y, weight = weighted_copies(places)
        classes = np.unique(y)
        if len(classes) == 1:
            return cls(np.zeros((1, features.shape[1])), np.zeros(1), classes)
        if balanced:
            weight = weight * (weight.sum() / len(classes) / np.bincount(y, weight)[y])
        width = features.shape[1]
        seen = features[at[:, 0].astype(int)] if width else np.zeros((len(y), 1))  # scikit-learn wants a feature
        model = LogisticRegression(C=C, max_iter=2_000).fit(seen, y, sample_weight=weight)
        return cls(model.coef_[:, :width], model.intercept_, classes)

    def proba(self, features: Any, n_classes: int) -> np.ndarray:
        """Return probabilities (n, K) of features (n, p)."""
        if len(self.classes) == 1:
            known = np.ones((features.shape[0], 1))
        else:
            scores = np.asarray(features @ self.coef.T) + self.intercept
            known = softmax(np.hstack([0 * scores, scores]) if len(self.classes) == 2 else scores, axis=1)
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
        checked(held, _forms(width, len(classes) if len(classes) > 2 else 1), more=("classes",))
        return cls(held["coef"], held["intercept"], classes)


def _forms(width: int, lines: int | None) -> dict[str, Form]:
    return {
        "coef": Form("f", (lines, width), -LARGEST, LARGEST),
        "intercept": Form("f", (lines,), -LARGEST, LARGEST),
    }
