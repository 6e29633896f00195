"""What learners share whose boosting library comes with the extra ``boosters``."""

import numpy as np

from loop.types import Schema

MOST = 2**31 - 1  # the largest whole number that the libraries hold


def n_categories(schema: Schema) -> list[int]:
    """Return the number of categories of each column, 0 for a column of numbers."""
    return [len(column.categories) if column.kind == "categorical" else 0 for column in schema.columns]


def category_codes(x: np.ndarray, size: int) -> np.ndarray:
    """Return whole codes (n,) of a column of ``size`` categories; a missing or unknown one has the code ``size``."""
    return np.where((x >= 0) & (x < size), x, size).astype(np.int32)  # a comparison with NaN is False


def only_answer(X: np.ndarray, y: np.ndarray, weight: np.ndarray, n_classes: int) -> list[float] | None:
    """Return the class shares if they are all that can be learnt, None if there is more.

    So it is if all labels are the same or no column varies, which CatBoost refuses and LightGBM may refuse.

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
        return None
    if n_classes == 2:
        share = float(np.average(y, weights=weight))
        return [1 - share, share]
    shares: list[float] = (np.bincount(y, weight, minlength=n_classes) / weight.sum()).tolist()
    return shares
