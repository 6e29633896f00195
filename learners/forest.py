"""Forests on label distributions: random forest and extremely randomised trees."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from learners.common.column_offsets import ColumnOffsets
from learners.common.one_hot import OneHot
from learners.common.persistence import read_settings, write_settings
from loop.catalogue import check_name
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support.setting_checks import check_bounds, told
from loop.types import Table

TRUSTED = ["sklearn.tree._tree.Tree"]  # beyond what skops trusts by itself


@dataclass(eq=False)
class Forest:
    """Random forest (Breiman 2001).

    Fitted as regression trees on the label distributions: on one-hot labels the squared error is half the Gini
    impurity, so hard labels give the classification forest, and soft labels need no copies of rows. Missing values
    go to the better side of each split.

    Parameters
    ----------
    trees : int
        Number of trees.
    min_leaf : int
        Smallest number of rows in a leaf.
    max_features : float or "sqrt" or "log2"
        Columns tried at each split, as a share or a rule.
    categories : {"codes", "one_hot"}
        How categories are split: as ordered codes, or one by one, each in a column of its own, where a missing or
        unknown category is none of them. Columns that hold more than 32 stay ordered codes.
    jobs : int
        Threads for fitting and predicting, -1 = all cores.

    Raises
    ------
    ConfigError
        If ``trees`` or ``min_leaf`` is below 1, or ``categories`` is neither of the two.
    """

    trees: int = 300
    min_leaf: int = 1
    max_features: float | Literal["sqrt", "log2"] = "sqrt"
    jobs: int = 1
    categories: Literal["codes", "one_hot"] = "codes"
    n_classes_: int = field(init=False, repr=False)
    offsets_: ColumnOffsets = field(init=False, repr=False)
    one_hot_: OneHot = field(init=False, repr=False)
    model_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"trees": 1, "min_leaf": 1})
        if isinstance(self.max_features, (int, float)):
            _check_features(self.max_features)
        check_name("categories", self.categories, ("codes", "one_hot"))

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Grow the trees on the rows with weight above zero."""
        table = table.take(table.weight > 0)
        targets = table.targets[:, 1] if table.n_classes == 2 else table.targets
        self.offsets_ = ColumnOffsets.of(table)
        self.one_hot_ = OneHot.of(table) if self.categories == "one_hot" else OneHot()
        X = self._encoded(table.X)
        # Not scikit-learn's own loop over trees: it changes the global warning filters while other threads need them.
        self.model_ = Parallel(n_jobs=self.jobs, backend="threading")(
            delayed(self._grow)(X, targets, table.weight, own) for own in rng.spawn(self.trees)
        )
        self.n_classes_ = table.n_classes
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K): the mean of the leaves' label distributions."""
        X = self._encoded(rows.X)
        total = sum(tree.predict(X, check_input=False) for tree in self.model_)
        mean: np.ndarray = total / len(self.model_)
        return np.column_stack([1 - mean, mean]) if self.n_classes_ == 2 else mean

    def _encoded(self, X: np.ndarray) -> np.ndarray:
        return self.one_hot_.encoded(self.offsets_.moved(X).astype(np.float32))

    def _grow(self, X: np.ndarray, targets: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Any:
        """Grow one tree on rows drawn with replacement, in proportion to their weight."""
        drawn = rng.choice(len(X), size=len(X), p=weight / weight.sum())
        counts = np.bincount(drawn, minlength=len(X))
        return DecisionTreeRegressor(**self._settings(rng)).fit(X, targets, sample_weight=counts)

    def save(self, folder: Path) -> None:
        """Write settings and trees into a folder, without pickle."""
        import skops.io

        learnt = {"offsets": self.offsets_.to_json(), "one_hot": self.one_hot_.to_json()}
        write_settings(self, folder, n_classes=self.n_classes_, **learnt)
        skops.io.dump(self.model_, folder / "forest.skops")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written; types that a forest does not need are refused."""
        import skops.io

        settings, learnt = read_settings(folder)
        learner = cls(**settings)
        learner.n_classes_, learner.offsets_ = learnt["n_classes"], ColumnOffsets.from_json(learnt["offsets"])
        learner.one_hot_ = OneHot.from_json(learnt.get("one_hot", ()))  # 0.2.0 knew none
        learner.model_ = skops.io.load(folder / "forest.skops", trusted=TRUSTED)
        return learner

    def _settings(self, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "min_samples_leaf": self.min_leaf,
            "max_features": self.max_features,
            "random_state": integer(rng),
        }


@dataclass(eq=False)
class ExtraTrees(Forest):
    """Extremely randomised trees (Geurts, Ernst & Wehenkel 2006): random cut points, no bootstrap.

    Smoother than a random forest, and faster to grow. The settings are those of `Forest`.
    """

    def _grow(self, X: np.ndarray, targets: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Any:
        """Grow one tree on all rows."""
        return ExtraTreeRegressor(**self._settings(rng)).fit(X, targets, sample_weight=weight)


_learner: type[Learner] = Forest


def _check_features(most: float) -> None:
    """Raise ConfigError unless a number is a count of columns or a share of them."""
    if not (most >= 1 if isinstance(most, int) else 0 < most <= 1):
        rule = "a count of columns from 1 on, or a share above 0 and at most 1"
        raise ConfigError(f"max_features must be {rule}, got {told(most)}: correct it.")
