"""Logistic regression: the simplest learner."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from learners.common import linear_file, skops_file
from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.common.soft_labels import weighted_copies, with_all_classes
from loop.errors import DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

CLIP_SD = 5.0  # standardised values are clipped here, so that outliers do not dominate the fit
MIN_CATEGORY_ROWS = 10  # rarer categories share one column
MAX_CATEGORIES = 50  # columns per categorical feature; keeps the Newton solver's Hessian small

FILE = "linear.skops"
LEARNT = {"n_classes": checks.integer(2), "categorical": checks.listed(checks.flag)}


@dataclass(eq=False)
class Linear:
    """Multinomial logistic regression with an L2 penalty.

    Numeric columns are imputed by their median, with an indicator where values were missing, standardised and
    clipped at ±5 standard deviations. Categories are one-hot; rare and unseen ones share a column.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, > 0: smaller is smoother.

    Raises
    ------
    ConfigError
        If ``C`` is not positive.
    """

    C: float = 1.0
    n_classes_: int = field(init=False, repr=False)
    categorical_: np.ndarray = field(init=False, repr=False)  # (d,) bool
    encoders_: tuple[Any, Any] = field(init=False, repr=False)  # of the numeric and of the categorical columns
    model_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={}, positive=["C"])

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit by Newton's method; the problem is convex, so ``rng`` is not used."""
        self.categorical_ = table.schema.categorical
        counted = table.X[table.weight > 0]
        self.encoders_ = (
            _numeric_encoder().fit(counted[:, ~self.categorical_]) if not self.categorical_.all() else None,
            _category_encoder().fit(counted[:, self.categorical_]) if self.categorical_.any() else None,
        )
        X, y, weight = weighted_copies(table)
        model = DummyClassifier()  # one class only: there is nothing to separate
        if len(np.unique(y)) > 1:
            model = LogisticRegression(C=self.C, solver="newton-cholesky", max_iter=200)
        self.model_ = model.fit(self._encode(X), y, sample_weight=weight)
        self.n_classes_ = table.n_classes
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if not len(rows):  # scikit-learn refuses tables without rows
            return np.empty((0, self.n_classes_))
        return with_all_classes(self.model_.predict_proba(self._encode(rows.X)), self.model_.classes_, self.n_classes_)

    def _encode(self, X: np.ndarray) -> np.ndarray:
        """Return the rows as the model sees them, shape (n, p)."""
        # Not a ColumnTransformer: it changes the global warning filters while other threads need them.
        parts = zip(self.encoders_, (~self.categorical_, self.categorical_), strict=True)
        return np.hstack([encoder.transform(X[:, columns]) for encoder, columns in parts if encoder is not None])

    def save(self, folder: Path) -> None:
        """Write settings and coefficients into a folder, without pickle."""
        import skops.io

        write_settings(self, folder, n_classes=self.n_classes_, categorical=self.categorical_.tolist())
        skops.io.dump((*self.encoders_, self.model_), folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written, each array checked."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.n_classes_ = learnt["n_classes"]
        learner.categorical_ = np.array(learnt["categorical"], dtype=bool)
        n, c = int((~learner.categorical_).sum()), int(learner.categorical_.sum())
        told, columns = skops_file.read(folder / FILE), linear_file.Columns(n, c, learner.n_classes_)
        try:
            *encoders, learner.model_ = linear_file.rebuilt(told, columns, (_numeric_encoder(), _category_encoder()))
        except DataError as error:
            raise DataError(
                f"{folder / FILE} must hold a whole linear model, and does not ({error}): save the model again."
            ) from error
        learner.encoders_ = (encoders[0], encoders[1])
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.categorical_.tolist() != schema.categorical.tolist() and len(self.categorical_) == len(schema.columns):
            return "other columns of categories"
        return columns_misfit(schema, len(self.categorical_), self.n_classes_)


def _numeric_encoder() -> Any:
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -CLIP_SD, "a_max": CLIP_SD}),
    )


def _category_encoder() -> Any:
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=MIN_CATEGORY_ROWS,
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
    )


_learner: type[Learner] = Linear
