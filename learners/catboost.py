"""Gradient-boosted symmetric trees (CatBoost), for tables with many categories; needs the extra ``boosters``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from learners.common.boosting import MOST, category_codes, n_categories, only_answer
from learners.common.column_offsets import ColumnOffsets
from learners.common.extras import needs_extra
from learners.common.persistence import read_settings, write_settings
from learners.common.soft_labels import boosting_rows, with_all_classes
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support.setting_checks import check_bounds
from loop.types import Table

DEEPEST = 16  # CatBoost's own limit
FEW = 16  # columns of at most so many categories are split one by one where labels are soft
FILE = "booster.cbm"


@dataclass(eq=False)
class CatBoost:
    """Symmetric trees on categories replaced by label means of earlier rows (Prokhorenkova et al. 2018).

    With two classes soft labels enter the cross-entropy as they are; with more, rows with soft labels become weighted
    copies, one for each probable class. Missing numbers are native; a missing or unknown category is one more category.

    The label means of categories count rows, whatever their weight, and take a soft label as one side of a threshold.
    So where any label is soft, columns of at most 16 categories are split category by category instead.

    Parameters
    ----------
    trees, depth : int
        Boosting rounds and depth of a tree, at most 16.
    rate : float
        Learning rate.
    l2 : float
        Leaf penalty.
    jobs : int
        Threads.

    Raises
    ------
    ConfigError
        If a setting is out of its range, or CatBoost is not installed.
    """

    trees: int = 300
    depth: int = 6
    rate: float = 0.06
    l2: float = 3.0
    jobs: int = 1

    offsets_: ColumnOffsets = field(init=False, repr=False)
    sizes_: list[int] = field(init=False, repr=False)  # (d,) categories of each column, 0 = numbers
    present_: list[int] = field(init=False, repr=False)  # classes that the booster knows
    n_classes_: int = field(init=False, repr=False)
    shares_: list[float] | None = field(init=False, repr=False)  # the answer for every row; None = ask the booster
    booster_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(
            self,
            least={"trees": 1, "depth": 1, "l2": 0, "jobs": 1},
            most={"trees": MOST, "depth": DEEPEST, "jobs": MOST},
            shares=("rate",),
        )
        _library()

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Boost trees on the rows with weight above zero."""
        seed = integer(rng)
        self.n_classes_, self.sizes_ = table.n_classes, n_categories(table.schema)
        self.offsets_ = ColumnOffsets.of(table)
        X, y, weight = boosting_rows(table)
        self.shares_ = only_answer(self._rounded(X), y, weight, self.n_classes_)
        self.present_, self.booster_ = list(range(self.n_classes_)), None
        if self.shares_ is not None:
            return self
        if self.n_classes_ > 2:
            present, y = np.unique(y, return_inverse=True)
            self.present_ = present.tolist()
        self.booster_ = _library().CatBoost(self._settings(table, seed)).fit(self._pool(X, label=y, weight=weight))
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if self.shares_ is not None or not len(rows):
            return np.tile(self.shares_ or np.zeros(self.n_classes_), (len(rows), 1))
        pool = self._pool(rows.X)
        proba = self.booster_.predict(pool, prediction_type="Probability", thread_count=self.jobs)
        return with_all_classes(proba, np.array(self.present_), self.n_classes_)

    def save(self, folder: Path) -> None:
        """Write settings and trees into a folder, in CatBoost's own format."""
        learnt = {"sizes": self.sizes_, "present": self.present_, "n_classes": self.n_classes_, "shares": self.shares_}
        write_settings(self, folder, offsets=self.offsets_.to_json(), **learnt)
        if self.booster_ is not None:
            self.booster_.save_model(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        settings, learnt = read_settings(folder)
        learner = cls(**settings)
        learner.offsets_ = ColumnOffsets.from_json(learnt["offsets"])
        learner.sizes_, learner.present_ = learnt["sizes"], learnt["present"]
        learner.n_classes_, learner.shares_ = learnt["n_classes"], learnt["shares"]
        learner.booster_ = None if learner.shares_ else _library().CatBoost().load_model(str(folder / FILE))
        return learner

    def _rounded(self, X: np.ndarray) -> np.ndarray:
        """Return features (n, d) in the precision in which CatBoost tells them apart."""
        moved: np.ndarray = self.offsets_.moved(X).astype(np.float32)
        return moved

    def _pool(self, X: np.ndarray, **labels: np.ndarray) -> Any:
        X, at = self._rounded(X), np.flatnonzero(self.sizes_)
        if not len(at):
            return _library().Pool(X, thread_count=self.jobs, **labels)
        from pandas import Categorical, DataFrame, Index

        # Of a categorical column CatBoost converts the few categories; of other columns every cell, ten times slower.
        columns = {
            str(j): Categorical.from_codes(category_codes(x, size), Index(range(size + 1))) if size else x
            for j, (x, size) in enumerate(zip(X.T, self.sizes_, strict=True))
        }
        frame = DataFrame(columns, copy=False)
        return _library().Pool(frame, cat_features=at.tolist(), thread_count=self.jobs, **labels)

    def _settings(self, table: Table, seed: int) -> dict[str, Any]:
        soft = table.soft is not None and ((table.soft > 0) & (table.soft < 1)).any()
        return {
            "one_hot_max_size": FEW if soft else 2,
            "loss_function": "CrossEntropy" if self.n_classes_ == 2 else "MultiClass",
            "iterations": self.trees,
            "depth": self.depth,
            "learning_rate": self.rate,
            "l2_leaf_reg": self.l2,
            "random_seed": seed,
            "thread_count": self.jobs,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }


def _library() -> Any:
    with needs_extra("CatBoost"):
        import catboost
    return catboost


_: type[Learner] = CatBoost
