"""Forests on label distributions: random forest and extremely randomised trees."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from loop.seeds import integer
from loop.types import Table


@dataclass
class Forest:
    """Random forest (Breiman 2001).

    Grown as regression trees on the label distributions: on one-hot labels the squared error is half the Gini
    impurity, so hard labels give the classification forest, and soft labels need no copies of rows. Missing values
    go to the better side of each split; categories are split as ordered codes.

    Parameters
    ----------
    trees : int
        Number of trees.
    min_leaf : int
        Smallest number of rows in a leaf.
    max_features : float or "sqrt" or "log2"
        Columns tried at each split, as a share or a rule.
    jobs : int
        Threads for fitting and predicting, -1 = all cores.
    """

    trees: int = 300
    min_leaf: int = 1
    max_features: float | Literal["sqrt", "log2"] = "sqrt"
    jobs: int = 1
    n_classes_: int = field(init=False, repr=False)
    model_: Any = field(init=False, repr=False)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Grow the trees on the rows with weight above zero."""
        table = table.take(table.weight > 0)
        targets = table.targets[:, 1] if table.n_classes == 2 else table.targets
        self.model_, self.n_classes_ = self._estimator(integer(rng)), table.n_classes
        self.model_.fit(table.X, targets, sample_weight=table.weight)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n, K): the mean of the leaves' label distributions."""
        mean: np.ndarray = self.model_.predict(X)
        return np.column_stack([1 - mean, mean]) if self.n_classes_ == 2 else mean

    def _estimator(self, seed: int) -> Any:
        return RandomForestRegressor(**self._settings(seed))

    def _settings(self, seed: int) -> dict[str, Any]:
        return {
            "n_estimators": self.trees,
            "min_samples_leaf": self.min_leaf,
            "max_features": self.max_features,
            "n_jobs": self.jobs,
            "random_state": seed,
        }


@dataclass
class ExtraTrees(Forest):
    """Extremely randomised trees (Geurts, Ernst & Wehenkel 2006): random cut points, no bootstrap.

    Smoother than a random forest, and faster to grow. The settings are those of `Forest`.
    """

    def _estimator(self, seed: int) -> Any:
        return ExtraTreesRegressor(**self._settings(seed))
