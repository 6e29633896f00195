"""Any scikit-learn classifier as a learner."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from learners.common.soft_labels import weighted_copies, with_all_classes
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.types import Table


@dataclass(eq=False)
class SklearnAdapter:
    """Wrap a classifier or pipeline that has ``predict_proba``.

    The estimator is cloned for each fit, and its ``random_state`` parameters are seeded from ``rng``. Soft labels
    become weighted copies of rows. Where ``fit`` takes no ``sample_weight``, unequal weights are respected by drawing
    n of the n rows in proportion to them (systematic resampling, Kitagawa 1996). Missing values are passed on where
    the estimator's tags allow them, else replaced by medians.

    Parameters
    ----------
    estimator : sklearn classifier
        Settings only; it is never fitted itself. Categories reach it as codes.

    Raises
    ------
    ConfigError
        If the estimator has no ``predict_proba``.
    """

    estimator: Any
    n_classes_: int = field(init=False, repr=False)
    impute_: Any = field(init=False, repr=False)
    model_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not hasattr(self.estimator, "predict_proba"):
            raise ConfigError(
                f"a learner must give probabilities, and {self.estimator!r} has no predict_proba: "
                "wrap it in sklearn.calibration.CalibratedClassifierCV."
            )

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a seeded clone on the rows with weight above zero."""
        X, y, weight = weighted_copies(table)
        options = {"sample_weight": weight}
        if not has_fit_parameter(self.estimator, "sample_weight"):
            rows, options = resampled(y, weight, rng), {}
            X, y = X[rows], y[rows]
        # Most classifiers refuse a single class.
        model = _seeded_clone(self.estimator, rng) if len(np.unique(y)) > 1 else DummyClassifier()
        self.impute_ = _imputer(self.estimator).fit(X)
        self.model_ = model.fit(self.impute_.transform(X), y, **options)
        self.n_classes_ = table.n_classes
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if not len(rows):  # scikit-learn refuses tables without rows
            return np.empty((0, self.n_classes_))
        proba = self.model_.predict_proba(self.impute_.transform(rows.X))
        return with_all_classes(proba, self.model_.classes_, self.n_classes_)


def resampled(y: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw n of n rows with replacement, each as often as its share of the weight says, rounded up or down.

    Rows are sorted by class, in random order within a class, so that the rounding evens out within each class.
    """
    order = np.lexsort((rng.random(len(y)), y))
    cumulative = np.cumsum(weight[order])
    ticks = (np.arange(len(y)) + rng.random()) * (cumulative[-1] / len(y))
    rows: np.ndarray = order[np.searchsorted(cumulative, ticks, side="right").clip(max=len(y) - 1)]
    return rows


def _seeded_clone(estimator: Any, rng: np.random.Generator) -> Any:
    model = clone(estimator)
    names = sorted(name for name in model.get_params() if name.split("__")[-1] == "random_state")
    return model.set_params(**{name: integer(rng) for name in names})


def _takes_gaps(estimator: Any) -> bool:
    """Tell whether missing values may be left in; a pipeline's tags do not tell, even if a step fills them."""
    for _, step in getattr(estimator, "steps", [("", estimator)]):
        if step in (None, "passthrough"):
            continue
        if type(step).__module__.startswith("sklearn.impute"):
            return True
        if not get_tags(step).input_tags.allow_nan:
            return False
    return True


def _imputer(estimator: Any) -> Any:
    if _takes_gaps(estimator):
        return FunctionTransformer()
    return SimpleImputer(strategy="median", keep_empty_features=True)


_learner: type[Learner] = SklearnAdapter
