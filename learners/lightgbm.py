"""Gradient-boosted trees grown leaf by leaf, with random cuts (LightGBM); needs the extra ``boosters``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from learners.common.boosting import ANSWER, MOST, OnlyAnswer, category_codes, n_categories, sizes_misfit
from learners.common.extras import needs_extra
from learners.common.files.lightgbm import read_booster
from learners.common.persistence import FILE as SETTINGS
from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.common.soft_labels import boosting_rows
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

MOST_LEAVES = 131_072  # LightGBM's own limit
FILE = "booster.txt"
LEARNT = ANSWER | {"sizes": checks.listed(checks.count)}


@dataclass(eq=False)
class LightGBM:
    """Trees that split the leaf with the largest gain (Ke et al. 2017), by default at random cuts.

    With two classes soft labels enter the cross-entropy as they are; with more, rows with soft labels become weighted
    copies, one for each probable class. Missing numbers and categories are native; a missing or unknown category is
    one more category. Features keep double precision, so large whole numbers stay apart.

    Parameters
    ----------
    trees, leaves : int
        Boosting rounds and leaves of a tree, 2 to 131,072.
    rate : float
        Learning rate.
    min_leaf : int
        Smallest number of rows in a leaf, and of a category that a split may set apart.
    row_share, column_share : float
        Share of rows and of columns a tree sees.
    extra_trees : bool
        Try one random cut of a column instead of all (Geurts, Ernst & Wehenkel 2006): smoother.
    jobs : int
        Threads.

    Raises
    ------
    ConfigError
        If LightGBM is not installed; if a whole number is below 1 (``leaves``: 2) or above what LightGBM takes; if
        ``rate`` or a share is not above 0 and at most 1.
    """

    trees: int = 300
    leaves: int = 31
    rate: float = 0.05
    min_leaf: int = 5
    row_share: float = 0.8
    column_share: float = 0.8
    extra_trees: bool = True
    jobs: int = 1

    sizes_: list[int] = field(init=False, repr=False)  # (d,) categories of each column, 0 = numbers
    answer_: OnlyAnswer = field(init=False, repr=False)
    booster_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(
            self,
            least={"trees": 1, "leaves": 2, "min_leaf": 1, "jobs": 1},
            most={"trees": MOST, "leaves": MOST_LEAVES, "min_leaf": MOST, "jobs": MOST},
            shares=("rate", "row_share", "column_share"),
        )
        _library()

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Boost trees on the rows with weight above zero."""
        seed = integer(rng)
        self.sizes_ = n_categories(table.schema)
        X, y, weight = boosting_rows(table)  # a class that is absent will get about 1e-15
        self.answer_, self.booster_ = OnlyAnswer.of(X, y, weight, table.n_classes), None
        if self.answer_.shares is not None:
            return self
        library, settings = _library(), self._settings(len(X), seed)
        categorical = np.flatnonzero(self.sizes_).tolist()
        data = library.Dataset(self._coded(X), label=y, weight=weight, categorical_feature=categorical, params=settings)
        self.booster_ = library.train(settings, data, num_boost_round=self.trees)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if (answer := self.answer_.proba(len(rows))) is not None:
            return answer
        proba: np.ndarray = self.booster_.predict(self._coded(rows.X), num_threads=self.jobs)
        return np.column_stack([1.0 - proba, proba]) if self.answer_.n_classes == 2 else proba

    def save(self, folder: Path) -> None:
        """Write settings and trees into a folder, in LightGBM's own format."""
        write_settings(self, folder, sizes=self.sizes_, **asdict(self.answer_))
        if self.booster_ is not None:
            self.booster_.save_model(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.sizes_, learner.answer_ = learnt["sizes"], OnlyAnswer.read(learnt, f"{folder / SETTINGS}: learnt")
        learner.booster_ = None
        if learner.answer_.shares is None:
            outputs = 1 if learnt["n_classes"] == 2 else learnt["n_classes"]
            text = read_booster(folder / FILE, len(learner.sizes_), outputs)
            learner.booster_ = _library().Booster(model_str=text)
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        return sizes_misfit(schema, self.sizes_) or columns_misfit(schema, len(self.sizes_), self.answer_.n_classes)

    def _coded(self, X: np.ndarray) -> np.ndarray:
        """Return features (n, d) with a code for missing categories: LightGBM puts those with the rest of a split."""
        at = np.flatnonzero(self.sizes_)
        if not len(at):
            return X
        X = X.copy()
        for j in at:
            X[:, j] = category_codes(X[:, j], self.sizes_[j])
        return X

    def _settings(self, n: int, seed: int) -> dict[str, Any]:
        return {
            "objective": "cross_entropy" if self.answer_.n_classes == 2 else "multiclass",
            "num_class": 1 if self.answer_.n_classes == 2 else self.answer_.n_classes,
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.min_leaf,
            "min_data_per_group": self.min_leaf,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1 if n * self.row_share >= 1 else 0,  # a tree must see a row
            "feature_fraction": self.column_share,
            "extra_trees": self.extra_trees,
            "num_threads": self.jobs,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,  # otherwise the faster way is timed, and sums are rounded in another order
            "verbosity": -1,
        }


def _library() -> Any:
    with needs_extra("LightGBM"):
        import lightgbm
    return lightgbm


_: type[Learner] = LightGBM
