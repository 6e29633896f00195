"""MiniRocket: thousands of fixed convolutions of a series, each as one number, under a linear head or boosted trees."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from learners.common.nested import load_learners, save_learners
from learners.common.persistence import unfitted, write_settings
from learners.series.heads import Head, linear_head
from learners.series.kernels import MOST_CHANNELS, PLACES, Kernels
from learners.series.reading import evened, filled_of
from learners.xgboost import XGBoost
from loop.encoders import array_of
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import record_checks as checks
from loop.support.model_files.arrays import Form, checked, read_npz
from loop.support.setting_checks import check_bounds
from loop.types import Column, Schema, Table

FILE, TREES = "minirocket.npz", "trees"
CHUNK = 4096  # series predicted at once: bounds memory
HEADS = ("ridge", "logistic", "xgboost")
BOOSTED = XGBoost(trees=120, depth=4, rate=0.1, row_share=0.8, column_share=0.05, bins=64)
LEARNT = {"array": checks.text, "channels": checks.integer(1), "n_classes": checks.integer(2)}


@dataclass(eq=False)
class MiniRocket:
    """Shares of positive values of fixed dilated kernels, and a head that is fitted on them.

    Dempster, Schmidt, Webb: MINIROCKET, KDD 2021, arXiv 2012.08791; for several channels each kernel reads a few of
    them, and for several lengths a share is taken over the series' own steps. A missing value is put on the line
    between its neighbours.

    Parameters
    ----------
    features : int
        About how many shares, at least 84: time and memory are in proportion to it.
    head : {"ridge", "logistic", "xgboost"}
        Ridge regression with a penalty by rows left out one by one and calibrated answers, logistic regression with a
        penalty out of fold, or boosted trees.
    balanced : bool
        Whether all classes count alike, as with class weights.

    Raises
    ------
    ConfigError
        If ``features`` is not between 84 and 100,000, or the head unknown.
    """

    features: int = 10_000
    head: str = "ridge"
    balanced: bool = False

    reads: ClassVar[str] = "curves"

    array_: str = field(init=False, repr=False)
    channels_: int = field(init=False, repr=False)
    n_classes_: int = field(init=False, repr=False)
    kernels_: Kernels = field(init=False, repr=False)
    head_: Head | XGBoost = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"features": len(PLACES)}, most={"features": 100_000})
        if self.head not in HEADS:
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, got {self.head!r}: choose one of these.")

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn biases from the series, and the head from their features; rows without weight are not used."""
        self.array_ = array_of(table, self.reads)
        table = table.take(table.weight > 0)
        table = evened(table) if self.balanced else table
        values, lengths = filled_of(table.rows, self.array_)
        self.channels_, self.n_classes_ = values.shape[1], table.n_classes
        self.kernels_ = Kernels.of(values, lengths, self.features, rng)
        features = self.kernels_.features(values, lengths)
        if self.head == "xgboost":
            self.head_ = replace(BOOSTED).fit(_as_columns(features, table), rng)
        else:
            self.head_ = linear_head(self.head, features, table, rng)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        values, lengths = filled_of(rows, self.array_, self.channels_)
        made = [np.empty((0, self.n_classes_))]
        for first in range(0, len(values), CHUNK):
            features = self.kernels_.features(values[first : first + CHUNK], lengths[first : first + CHUNK])
            if isinstance(self.head_, XGBoost):
                made.append(self.head_.predict_proba(Rows(features.astype(np.float64))))
            else:
                made.append(self.head_.proba(features, self.n_classes_))
        return np.concatenate(made)

    def save(self, folder: Path) -> None:
        """Write settings, kernels and head into a folder, without pickle."""
        write_settings(self, folder, array=self.array_, channels=self.channels_, n_classes=self.n_classes_)
        head = self.head_.arrays() if isinstance(self.head_, Head) else {}
        np.savez(folder / FILE, allow_pickle=False, **self.kernels_.arrays(), **head)
        if isinstance(self.head_, XGBoost):
            save_learners([self.head_], folder / TREES)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written, each array checked."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.array_, learner.channels_, learner.n_classes_ = (learnt[name] for name in LEARNT)
        try:
            arrays = read_npz(folder / FILE)
            _check(arrays, learner)
        except DataError as error:
            raise DataError(
                f"{folder / FILE} must hold kernels and a head, and does not ({error}): save the model again."
            ) from error
        learner.kernels_ = Kernels.from_arrays(arrays)
        if learner.head == "xgboost":
            (head,) = load_learners(folder / TREES)
            if not isinstance(head, XGBoost):
                raise DataError(f"{folder / TREES} must hold boosted trees, and does not: save the model again.")
            learner.head_ = head
        else:
            learner.head_ = Head.from_arrays(arrays)
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.array_ not in [each.column for each in schema.arrays]:
            return f"series in {self.array_!r}"
        return None if schema.n_classes == self.n_classes_ else f"{self.n_classes_} classes, not {schema.n_classes}"


def _as_columns(features: np.ndarray, table: Table) -> Table:
    """Return a table whose columns are the features (n, f)."""
    columns = tuple(Column(f"f{number}", "numeric", "float64", 0.0, 1.0) for number in range(features.shape[1]))
    schema = replace(table.schema, columns=columns, arrays=(), date_parts=())
    return replace(table, rows=Rows(features.astype(np.float64)), schema=schema)


def _check(arrays: Mapping[str, np.ndarray], learner: MiniRocket) -> None:
    """Raise a DataError unless arrays are those of kernels and of the head, and fit together."""
    n_classes, linear = learner.n_classes_, learner.head != "xgboost"
    dilations = arrays.get("dilations", np.zeros(0))
    pairs, most = len(dilations) * len(PLACES), min(learner.channels_, MOST_CHANNELS)
    forms = {
        "dilations": Form("iu", (None,), 1, 2**31),
        "counts": Form("iu", (len(dilations),), 1, learner.features),
        "channels": Form("iu", (pairs, most), -1, learner.channels_ - 1),
        "biases": Form("f", (None,)),
    }
    if linear:
        forms |= {"weights": Form("f", (None, None)), "offset": Form("f", (None,))}
        forms["classes"] = Form("iu", (None,), 0, n_classes - 1)
    checked(arrays, forms)
    size = int(arrays["counts"].sum()) * len(PLACES)
    if not len(dilations) or len(arrays["biases"]) != size or (arrays["channels"][:, 0] < 0).any():
        raise DataError("biases and channels must be as many as the kernels need")
    if linear:
        classes = arrays["classes"]
        rising = len(classes) > 0 and (np.diff(classes) > 0).all()
        if not rising or arrays["weights"].shape != (size, len(classes)) or len(arrays["offset"]) != len(classes):
            raise DataError("weights must be as many as features and classes")


_learner: type[Learner] = MiniRocket
