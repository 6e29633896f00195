"""Gradient-boosted symmetric trees (CatBoost), for tables with many categories; needs the extra ``boosters``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from learners.common.boosting import ANSWER, MOST, OnlyAnswer, category_codes, n_categories, sizes_misfit
from learners.common.column_offsets import OFFSETS, ColumnOffsets
from learners.common.extras import needs_extra
from learners.common.files.catboost import read_booster
from learners.common.persistence import FILE as SETTINGS
from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.common.soft_labels import boosting_rows, with_all_classes
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

DEEPEST = 16  # CatBoost's own limit
FEW = 16  # columns of at most so many categories are split one by one where labels are soft
TRIED = 300  # columns that a tree tries at each level, of more some drawn anew: time grows with them
FILE = "booster.cbm"
LEARNT = ANSWER | {
    "offsets": OFFSETS,
    "sizes": checks.listed(checks.count),
    "present": checks.listed(checks.count),
}


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
        If ``trees``, ``depth`` or ``jobs`` is below 1 or above what CatBoost takes, ``rate`` is not above 0 and at most
        1, ``l2`` is below 0, or CatBoost is not installed.
    """

    trees: int = 300
    depth: int = 6
    rate: float = 0.06
    l2: float = 3.0
    jobs: int = 1

    offsets_: ColumnOffsets = field(init=False, repr=False)
    sizes_: list[int] = field(init=False, repr=False)  # (d,) categories of each column, 0 = numbers
    present_: list[int] = field(init=False, repr=False)  # classes that the booster knows
    answer_: OnlyAnswer = field(init=False, repr=False)
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
        self.sizes_, self.offsets_ = n_categories(table.schema), ColumnOffsets.of(table)
        X, y, weight = boosting_rows(table)
        self.answer_ = OnlyAnswer.of(self._rounded(X), y, weight, table.n_classes)
        self.present_, self.booster_ = list(range(table.n_classes)), None
        if self.answer_.shares is not None:
            return self
        if table.n_classes > 2:
            present, y = np.unique(y, return_inverse=True)
            self.present_ = present.tolist()
        self.booster_ = _library().CatBoost(self._settings(table, seed)).fit(self._pool(X, label=y, weight=weight))
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if (answer := self.answer_.proba(len(rows))) is not None:
            return answer
        pool = self._pool(rows.X)
        proba = self.booster_.predict(pool, prediction_type="Probability", thread_count=self.jobs)
        return with_all_classes(proba, np.array(self.present_), self.answer_.n_classes)

    def save(self, folder: Path) -> None:
        """Write settings and trees into a folder, in CatBoost's own format."""
        learnt = {"offsets": self.offsets_.to_json(), "sizes": self.sizes_, "present": self.present_}
        write_settings(self, folder, **learnt, **asdict(self.answer_))
        if self.booster_ is not None:
            self.booster_.save_model(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.offsets_ = ColumnOffsets.from_json(learnt["offsets"])
        learner.sizes_, learner.present_ = learnt["sizes"], learnt["present"]
        learner.answer_ = OnlyAnswer.read(learnt, f"{folder / SETTINGS}: learnt")
        n, present = learner.answer_.n_classes, learner.present_
        if not present or sorted(set(present)) != present or present[-1] >= n:
            checks.refuse(
                f"{folder / SETTINGS}: learnt.present", f"different classes of 0 to {n - 1} in order", present
            )
        learner.booster_ = None
        if learner.answer_.shares is None:
            learner.booster_ = read_booster(folder / FILE, learner.sizes_, len(learner.present_))
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        misfit = sizes_misfit(schema, self.sizes_) or columns_misfit(schema, len(self.sizes_), self.answer_.n_classes)
        return misfit or self.offsets_.beyond(schema)

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
            "loss_function": "CrossEntropy" if table.n_classes == 2 else "MultiClass",
            "iterations": self.trees,
            "depth": self.depth,
            "learning_rate": self.rate,
            "rsm": min(1.0, TRIED / max(1, table.X.shape[1])),
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
