"""Logistic regression: the plain learner that the others must beat."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from learners.copies import weighted_copies, with_all_classes
from loop.types import Schema, Table

CLIP_SD = 5.0  # standardised values are clipped here, so that no single heavy tail steers the fit
MIN_CATEGORY_ROWS = 10  # rarer categories share one column
MAX_CATEGORIES = 50  # columns per categorical feature; keeps the Newton solver's Hessian small


@dataclass
class Linear:
    """Multinomial logistic regression with an L2 penalty.

    Numeric columns are imputed by their median, with an indicator where values were missing, standardised and
    clipped at ±5 standard deviations. Categories are one-hot; rare and unseen ones share a column.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, > 0: smaller is smoother.
    """

    C: float = 1.0
    n_classes_: int = field(init=False, repr=False)
    model_: Any = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit by Newton's method; the problem is convex, so ``rng`` is not used."""
        encode = _encoder(table.schema).fit(table.X[table.weight > 0])
        X, y, weight = weighted_copies(table)
        model = DummyClassifier()  # one class only: there is nothing to separate
        if len(np.unique(y)) > 1:
            model = LogisticRegression(C=self.C, solver="newton-cholesky", max_iter=200)
        model.fit(encode.transform(X), y, sample_weight=weight)
        self.model_, self.n_classes_ = make_pipeline(encode, model), table.n_classes
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        return with_all_classes(self.model_.predict_proba(X), self.model_.classes_, self.n_classes_)


def _encoder(schema: Schema) -> Any:
    numeric = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -CLIP_SD, "a_max": CLIP_SD}),
    )
    onehot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=MIN_CATEGORY_ROWS,
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
    )
    categorical = schema.categorical
    return make_column_transformer((numeric, np.flatnonzero(~categorical)), (onehot, np.flatnonzero(categorical)))
