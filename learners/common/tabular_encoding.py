"""Encoding of tables for networks: a few well-scaled numbers and one embedding slot for each category."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from scipy.special import ndtri

from loop.errors import DataError
from loop.support.model_files.arrays import Form, checked
from loop.types import Schema, Table

LARGEST = 2**31  # categories of a column
CLIP_SD = 5.0  # standard scores are clipped here

_ARRAYS = ("mean_", "sd_", "gaps_", "categorical_", "sizes_")


@dataclass
class NetInput:
    """Encode numeric columns twice, by rank and by distance, and categories as slots of one embedding table.

    Normal scores (van der Waerden 1952) make every column bell-shaped and keep only the order; tied values share
    their middle rank, so a column that is mostly zero stays centred. Clipped standard scores keep the distances.
    A missing number is the middle of its column plus an indicator; a missing or unknown category has its own slot.
    """

    scores_: list[tuple[np.ndarray, np.ndarray]] = field(init=False, repr=False)  # values and their normal scores
    mean_: np.ndarray = field(init=False, repr=False)  # (p,)
    sd_: np.ndarray = field(init=False, repr=False)  # (p,)
    gaps_: np.ndarray = field(init=False, repr=False)  # (p,) bool: numeric columns that get an indicator
    categorical_: np.ndarray = field(init=False, repr=False)  # (d,) bool
    sizes_: np.ndarray = field(init=False, repr=False)  # (c,) int: categories of each categorical column

    def fit(self, table: Table) -> Self:
        """Learn ranks, means and standard deviations from the rows, weighted by their weights (> 0)."""
        self.categorical_ = table.schema.categorical
        self.sizes_ = np.array([len(c.categories) for c in table.schema.columns if c.kind == "categorical"], dtype=int)
        numeric = table.X[:, ~self.categorical_]
        missing = np.isnan(numeric)
        weight = np.where(missing, 0.0, table.weight[:, None])  # (n, p)
        total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
        values = np.where(missing, 0.0, numeric)
        self.mean_ = (weight * values).sum(axis=0) / total
        sd = np.sqrt((weight * (values - self.mean_) ** 2).sum(axis=0) / total)
        self.sd_ = np.where(sd > 0, sd, 1.0)
        self.gaps_ = missing.any(axis=0)
        self.scores_ = [_normal_scores(x[w > 0], w[w > 0]) for x, w in zip(numeric.T, weight.T, strict=True)]
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learnt as named arrays."""
        held = {name: getattr(self, name) for name in _ARRAYS}
        return held | {f"scores/{j}": np.stack(pair) for j, pair in enumerate(self.scores_)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild from what `arrays` returned; other names are ignored.

        Raises
        ------
        DataError
            If an array is missing or of another type or shape; the caller adds the file and the way out.
        """
        _check(arrays)
        encoding = cls()
        for name in _ARRAYS:
            setattr(encoding, name, arrays[name])
        encoding.scores_ = [(arrays[f"scores/{j}"][0], arrays[f"scores/{j}"][1]) for j in range(len(encoding.mean_))]
        return encoding

    def misfit(self, schema: Schema) -> str | None:
        """Return how the columns of a schema differ from those that it was fitted on, None if they do not."""
        sizes = [len(column.categories) for column in schema.columns if column.kind == "categorical"]
        same = self.categorical_.tolist() == schema.categorical.tolist() and self.sizes_.tolist() == sizes
        return None if same else "other columns of categories"

    @property
    def widths(self) -> tuple[int, int, int]:
        """Columns of the three outputs of `transform`."""
        p = len(self.mean_)
        return p, p + int(self.gaps_.sum()), len(self.sizes_)

    @property
    def n_slots(self) -> int:
        """Rows that the embedding table needs."""
        return int((self.sizes_ + 1).sum())

    def transform(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Encode rows (n, d).

        Returns
        -------
        scores : np.ndarray
            Normal scores, shape (n, p).
        linear : np.ndarray
            Clipped standard scores, then indicators of missing values, shape (n, p + indicators).
        slots : np.ndarray
            Positions in the embedding table, shape (n, c).
        """
        numeric, codes = X[:, ~self.categorical_], X[:, self.categorical_]
        missing = np.isnan(numeric)
        scores = np.empty_like(numeric)
        for j, (values, score) in enumerate(self.scores_):
            scores[:, j] = np.interp(numeric[:, j], values, score)
        standard = np.clip((numeric - self.mean_) / self.sd_, -CLIP_SD, CLIP_SD)
        linear = np.hstack([np.where(missing, 0.0, standard), missing[:, self.gaps_]])
        known = (codes >= 0) & (codes < self.sizes_)  # False where NaN
        slots = np.where(known, codes, self.sizes_).astype(np.int64) + np.cumsum(self.sizes_ + 1) - self.sizes_ - 1
        return np.where(missing, 0.0, scores), linear, slots


def _check(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise a DataError unless arrays are as `NetInput.arrays` returns them."""
    held = {name: array for name, array in arrays.items() if name in _ARRAYS or name.startswith("scores/")}
    if fault := Form("b", (None,)).fault(held.get("categorical_")):
        raise DataError(f"categorical_ must {fault}")
    c, d = int(held["categorical_"].sum()), len(held["categorical_"])
    p = d - c
    forms = {"mean_": Form("f", (p,)), "sd_": Form("f", (p,), np.finfo(float).tiny), "gaps_": Form("b", (p,))}
    forms |= {"categorical_": Form("b", (d,)), "sizes_": Form("iu", (c,), 0, LARGEST)}
    checked(held, forms | {f"scores/{number}": Form("f", (2, None)) for number in range(p)})
    for number in range(p):
        values, scores = held[f"scores/{number}"]
        if not len(values) or (np.diff(values) <= 0).any() or (np.diff(scores) < 0).any():
            raise DataError(f"scores/{number} must rise")


def _normal_scores(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of a column and the normal quantile of the middle rank of each."""
    if len(x) == 0:
        return np.zeros(1), np.zeros(1)
    values, inverse = np.unique(x, return_inverse=True)
    mass = np.bincount(inverse, weights=weight)
    return values, ndtri((np.cumsum(mass) - mass / 2) / mass.sum())
