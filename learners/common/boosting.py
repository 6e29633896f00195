"""What learners share whose boosting library comes with the extra ``boosters``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from loop.support import record_checks as checks
from loop.types import Schema

ANSWER = {  # checks of the fields of `OnlyAnswer`
    "n_classes": checks.integer(2),
    "shares": checks.optional(checks.listed(checks.amount)),
}
MOST = 2**31 - 1  # the largest whole number that the libraries hold


def n_categories(schema: Schema) -> list[int]:
    """Return the number of categories of each column, 0 for a column of numbers."""
    return [len(column.categories) if column.kind == "categorical" else 0 for column in schema.columns]


def sizes_misfit(schema: Schema, sizes: Sequence[int]) -> str | None:
    """Return how the categories of a schema differ from so many of each column, None if they do not."""
    return None if len(sizes) != len(schema.columns) or list(sizes) == n_categories(schema) else "other categories"


def category_codes(x: np.ndarray, size: int) -> np.ndarray:
    """Return whole codes (n,) of a column of ``size`` categories; a missing or unknown one has the code ``size``."""
    return np.where((x >= 0) & (x < size), x, size).astype(np.int32)  # a comparison with NaN is False


@dataclass(frozen=True)
class OnlyAnswer:
    """The answer of a fit for every row, if there was nothing to tell rows apart by.

    So it is if all labels are the same or no column varies, which CatBoost refuses and LightGBM may refuse.
    """

    n_classes: int
    shares: Sequence[float] | None  # (K,) class shares; None = there is more to learn, so ask the fitted model

    @classmethod
    def read(cls, learnt: Mapping[str, Any], place: str) -> Self:
        """Rebuild from learnt values that the checks of `ANSWER` have taken.

        Raises
        ------
        DataError
            If the shares are not one for each class, with the sum one.
        """
        n_classes, shares = learnt["n_classes"], learnt["shares"]
        if shares is not None and (len(shares) != n_classes or not np.isclose(sum(shares), 1)):
            checks.refuse(f"{place}.shares", f"shares of {n_classes} classes with the sum 1", shares)
        return cls(n_classes, shares)

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, weight: np.ndarray, n_classes: int) -> Self:
        """Find out whether the class shares are all that can be learnt.

        Parameters
        ----------
        X : np.ndarray
            Features as the library gets them, shape (n, d).
        y, weight : np.ndarray
            Labels and weights as `boosting_rows` gives them, shape (n,).
        n_classes : int
            Number of classes K.
        """
        same = (X[:1] == X) | (np.isnan(X) & np.isnan(X[:1]))
        if not same.all() and (y != y[0]).any():
            return cls(n_classes, None)
        if n_classes == 2:
            share = float(np.average(y, weights=weight))
            return cls(n_classes, (1 - share, share))
        return cls(n_classes, tuple((np.bincount(y, weight, minlength=n_classes) / weight.sum()).tolist()))

    def proba(self, n: int) -> np.ndarray | None:
        """Return the probabilities (n, K) of n rows, None if the fitted model must be asked."""
        if self.shares is None:
            return None if n else np.empty((0, self.n_classes))
        return np.tile(self.shares, (n, 1))
