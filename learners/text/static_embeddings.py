"""Mean word vectors of texts, trained elsewhere, with a linear model or boosted trees on them."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np

from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.text.arrays import Beside, chosen_columns, columns_alone, texts_of
from learners.text.columns import ColumnFeatures
from learners.text.softmax import Softmax
from learners.text.word_vectors import DIMENSIONS, vectors_of
from learners.xgboost import XGBoost
from loop.encoders import array_of
from loop.errors import DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import record_checks as checks
from loop.support.model_files.arrays import read_npz
from loop.support.setting_checks import check_bounds
from loop.types import Column, Schema, Table

ARRAYS, TREES = "embeddings.npz", "trees"
LEARNT = {
    "array": checks.text,
    "n_classes": checks.integer(2),
    "columns": checks.count,
    "chosen": checks.listed(checks.count),
}
VECTOR = tuple(Column(f"vector_{number + 1}", "numeric", "float64", -1.0, 1.0) for number in range(DIMENSIONS))


@dataclass(eq=False)
class StaticEmbeddings:
    """A linear model or XGBoost on the mean vector of a text's tokens; the vectors come with wordllama.

    They were taken from large language models and trained further (Miller 2024), so they know words that the rows do
    not hold. Nothing is downloaded. Needs the extra ``text``.

    Parameters
    ----------
    head : {"linear", "xgboost"}
        What is fitted on the vectors.
    C : float
        Inverse strength of the L2 penalty of the linear head, > 0.
    columns : {"none", "others", "all"}
        Columns of the table that are read beside the texts: none, those that are not made of arrays, or all.
    balanced : bool
        Whether each class has the same total weight.

    Raises
    ------
    ConfigError
        If ``C`` is not positive; in the fit, if wordllama is not installed.
    """

    reads: ClassVar[str] = "words"

    head: Literal["linear", "xgboost"] = "linear"
    C: float = 10.0
    columns: Beside = "none"
    balanced: bool = False

    array_: str = field(init=False, repr=False)
    n_classes_: int = field(init=False, repr=False)
    n_columns_: int = field(init=False, repr=False)
    chosen_: np.ndarray = field(init=False, repr=False)  # (m,) positions of the columns beside the texts
    columns_: ColumnFeatures = field(init=False, repr=False)  # of the linear head
    model_: Softmax = field(init=False, repr=False)
    trees_: XGBoost = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={}, positive=["C"])

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit the head on rows with weight above zero."""
        self.array_ = array_of(table, self.reads)
        counted = table.take(table.weight > 0)
        self.n_classes_, self.n_columns_ = table.n_classes, table.X.shape[1]
        self.chosen_ = chosen_columns(table.schema, self.columns)
        if self.head == "xgboost":
            self.trees_ = XGBoost(trees=200, depth=4, rate=0.08, column_share=0.5).fit(self._vector_table(counted), rng)
            return self
        self.columns_ = ColumnFeatures.of(counted, self.columns)
        self.model_ = Softmax.fit(self._features(counted.rows), counted, self.C, self.balanced)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if self.head == "xgboost":
            return self.trees_.predict_proba(Rows(self._beside(rows)))
        return self.model_.proba(self._features(rows), self.n_classes_)

    def _features(self, rows: Rows) -> np.ndarray:
        return np.hstack([vectors_of(texts_of(rows, self.array_)), self.columns_.features(rows)])

    def _beside(self, rows: Rows) -> np.ndarray:
        """Return the columns, then the vectors (n, m + 256)."""
        return np.hstack([rows.X[:, self.chosen_], vectors_of(texts_of(rows, self.array_))])

    def _vector_table(self, table: Table) -> Table:
        """Return a table of the columns and the vectors, as `XGBoost` takes it."""
        alone = columns_alone(table, self.chosen_)
        schema = replace(alone.schema, columns=(*alone.schema.columns, *VECTOR))
        weight = table.weight
        if self.balanced:
            mass = np.bincount(table.y, weight, minlength=table.n_classes)
            weight = weight * (weight.sum() / (mass > 0).sum() / mass[table.y])
        return replace(table, rows=Rows(self._beside(table.rows)), schema=schema, weight=weight)

    def save(self, folder: Path) -> None:
        """Write settings and the head into a folder, without pickle; the vectors stay in wordllama."""
        learnt = {"n_classes": self.n_classes_, "columns": self.n_columns_, "chosen": self.chosen_.tolist()}
        write_settings(self, folder, array=self.array_, **learnt)
        if self.head == "xgboost":
            self.trees_.save(folder / TREES)
        else:
            np.savez(folder / ARRAYS, allow_pickle=False, **self.columns_.arrays(), **self.model_.arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written, each array checked."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.array_, learner.n_classes_ = learnt["array"], learnt["n_classes"]
        learner.n_columns_, learner.chosen_ = learnt["columns"], np.array(learnt["chosen"], dtype=np.int64)
        try:
            learner._read_head(folder)
        except DataError as error:
            raise DataError(
                f"{folder} must hold a whole model of texts, and does not ({error}): save the model again."
            ) from error
        return learner

    def _read_head(self, folder: Path) -> None:
        if (self.chosen_ >= self.n_columns_).any():
            raise DataError(f"chosen must be below {self.n_columns_}")
        if self.head == "xgboost":
            self.trees_ = XGBoost.load(folder / TREES)
            if (len(self.trees_.feature_types_), self.trees_.n_classes_) != (
                len(self.chosen_) + DIMENSIONS,
                self.n_classes_,
            ):
                raise DataError("its trees are for other columns or classes")
            return
        arrays = read_npz(folder / ARRAYS)
        self.columns_ = ColumnFeatures.read(arrays, self.n_columns_)
        self.model_ = Softmax.read(arrays, DIMENSIONS + self.columns_.width, self.n_classes_)

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.array_ not in [array.column for array in schema.arrays]:
            return f"texts {self.array_[:40]!r}"
        return columns_misfit(schema, self.n_columns_, self.n_classes_)


_learner: type[Learner] = StaticEmbeddings
