"""Gradient-boosted trees (XGBoost): the default downstream learner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost as xgb

from learners.common.column_offsets import OFFSETS, ColumnOffsets
from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.common.soft_labels import boosting_rows
from learners.common.table_pieces import Arrays, TablePieces
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support import record_checks as checks
from loop.support.model_files.xgboost_trees import Shape, read_booster
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

FILE = "booster.ubj"
LEARNT = {
    "feature_types": checks.listed(checks.text_in(("c", "float"))),
    "n_classes": checks.integer(2),
    "offsets": OFFSETS,
}


@dataclass(eq=False)
class XGBoost:
    """Boosted trees with native missing values, native categories and soft labels.

    With two classes soft labels enter the logistic loss as they are; with more, rows with soft labels become
    weighted copies, one for each probable class.

    Tables with many soft-labelled rows support more capacity: see `augmented`.

    Parameters
    ----------
    trees, depth : int
        Boosting rounds and depth of a tree.
    rate : float
        Learning rate.
    min_child_weight, row_share, column_share, l2 : float
        Regularisation: smallest sum of hessians in a leaf, share of rows and of columns a tree sees, leaf penalty.
    bins : int
        Histogram bins for each column.
    jobs : int
        Threads. One is best for small tables, as lanes and members already run in parallel.

    Raises
    ------
    ConfigError
        If ``trees`` or ``depth`` is below 1, ``bins`` below 2, or ``min_child_weight`` or ``l2`` below 0; if ``rate``
        or a share is not above 0 and at most 1.
    """

    trees: int = 300
    depth: int = 6
    rate: float = 0.05
    min_child_weight: float = 1.0
    row_share: float = 1.0
    column_share: float = 1.0
    l2: float = 1.0
    bins: int = 256
    jobs: int = 1

    offsets_: ColumnOffsets = field(init=False, repr=False)
    booster_: xgb.Booster = field(init=False, repr=False)
    feature_types_: list[str] = field(init=False, repr=False)
    n_classes_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        least = {"trees": 1, "depth": 1, "bins": 2, "min_child_weight": 0, "l2": 0}
        check_bounds(self, least=least, shares=("rate", "row_share", "column_share"))

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Boost trees on the rows with weight above zero."""
        data = self._binned(table)
        self.booster_ = xgb.train(self._settings() | {"seed": integer(rng)}, data, num_boost_round=self.trees)
        return self

    def fit_pieces(
        self,
        pieces: Callable[[], Iterator[Table]],
        sample: Table,
        rng: np.random.Generator,
        *,
        among: AbstractContextManager[Any] | None = None,
    ) -> Self:
        """Boost the trees of `fit` on rows that come piece by piece, of which no more than their bins are held.

        The bins of the columns are those of a sample. If it is all rows, the trees are those of `fit`.

        Parameters
        ----------
        pieces : callable
            Yields the rows as tables, the same each time that it is called; at least one row.
        sample : Table
            Rows like these, with the whole range of each column and all categories in its schema.
        rng : numpy.random.Generator
        among : context manager, optional
            Within it other processes boost the same trees, each on rows of its own: one of
            `xgboost.collective.CommunicatorContext`. They need the same settings, sample and random numbers.
        """
        bins = self._binned(sample)  # outside of `among`, where the samples of all would be taken for different rows
        with among or nullcontext():
            data = xgb.QuantileDMatrix(
                TablePieces(pieces, self._arrays, self.feature_types_), ref=bins, **self._matrix_settings()
            )
            self.booster_ = xgb.train(self._settings() | {"seed": integer(rng)}, data, num_boost_round=self.trees)
        return self

    def _binned(self, table: Table) -> xgb.QuantileDMatrix:
        """Learn what there is to know of the columns of a table, and put its rows into bins."""
        self.n_classes_ = table.n_classes
        self.feature_types_ = _feature_types(table.schema)
        self.offsets_ = ColumnOffsets.of(table)
        X, target, weight = self._arrays(table)
        settings = {"feature_types": self.feature_types_, **self._matrix_settings()}
        return xgb.QuantileDMatrix(X, label=target, weight=weight, **settings)

    def _arrays(self, table: Table) -> Arrays:
        X, target, weight = boosting_rows(table)
        return self.offsets_.moved(X), target, weight

    def _matrix_settings(self) -> dict[str, Any]:
        return {"enable_categorical": True, "max_bin": self.bins, "nthread": self.jobs}

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        X = self.offsets_.moved(rows.X)
        proba = self.booster_.inplace_predict(X) if "c" not in self.feature_types_ else self._predict_categories(X)
        proba = proba.astype(np.float64)
        if self.n_classes_ == 2:
            return np.column_stack([1.0 - proba, proba])
        proba = proba.reshape(len(rows), self.n_classes_)  # for no rows the library gives no columns
        normalised: np.ndarray = proba / proba.sum(axis=1, keepdims=True)
        return normalised

    def contributions(self, rows: Rows, code: int) -> np.ndarray:
        """Return what each column adds to the margin of a class, and the constant last: (n, d + 1), in log-odds.

        These are Shapley values by XGBoost's own ``pred_contribs``. With more than two classes the margin is that of
        the class before it is compared with the others.
        """
        X = self.offsets_.moved(rows.X)
        data = xgb.DMatrix(X, feature_types=self.feature_types_, enable_categorical=True, nthread=self.jobs)
        found: np.ndarray = self.booster_.predict(data, pred_contribs=True).astype(np.float64)
        if self.n_classes_ > 2:
            return found[:, code]
        return found if code == 1 else -found

    def save(self, folder: Path) -> None:
        """Write settings and trees into a folder, in XGBoost's own format."""
        write_settings(
            self, folder, feature_types=self.feature_types_, n_classes=self.n_classes_, offsets=self.offsets_.to_json()
        )
        self.booster_.save_model(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.offsets_ = ColumnOffsets.from_json(learnt["offsets"])
        types, n_classes = learnt["feature_types"], learnt["n_classes"]
        learner.feature_types_, learner.n_classes_ = types, n_classes
        shape = Shape(len(types), 1 if n_classes == 2 else n_classes, [each == "c" for each in types])
        learner.booster_ = xgb.Booster({"nthread": learner.jobs}, model_file=read_booster(folder / FILE, shape))
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.feature_types_ != _feature_types(schema) and len(self.feature_types_) == len(schema.columns):
            return "other columns of categories"
        misfit = columns_misfit(schema, len(self.feature_types_), self.n_classes_)
        return misfit or self.offsets_.beyond(schema)

    def _predict_categories(self, X: np.ndarray) -> np.ndarray:
        data = xgb.DMatrix(X, feature_types=self.feature_types_, enable_categorical=True, nthread=self.jobs)
        predicted: np.ndarray = self.booster_.predict(data)
        return predicted

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "objective": "binary:logistic" if self.n_classes_ == 2 else "multi:softprob",
            "max_depth": self.depth,
            "eta": self.rate,
            "subsample": self.row_share,
            "min_child_weight": self.min_child_weight,
            "colsample_bytree": self.column_share,
            "lambda": self.l2,
            "max_bin": self.bins,
            "nthread": self.jobs,
            "verbosity": 0,
        }
        if self.n_classes_ > 2:
            settings["num_class"] = self.n_classes_
        return settings


def augmented(learner: XGBoost) -> XGBoost:
    """Return the learner with the capacity for tables that hold new rows: fewer, deeper and faster trees.

    Many soft-labelled rows support more capacity; on real rows alone the same capacity overfits. A tree sees at most
    80 % of the rows, as new rows resemble others, and 60 % of the columns, so that trees differ like the teacher's
    members. Fewer trees make up for their depth in the time to score; columns have at most 128 bins, for speed.
    """
    return replace(
        learner,
        trees=200,
        depth=7,
        rate=0.08,
        min_child_weight=max(learner.min_child_weight, 2.0),
        row_share=min(learner.row_share, 0.8),
        column_share=min(learner.column_share, 0.6),
        bins=min(learner.bins, 128),
    )


def _feature_types(schema: Schema) -> list[str]:
    return ["c" if categorical else "float" for categorical in schema.categorical]


_: type[Learner] = XGBoost
