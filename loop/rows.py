"""Features of rows: encoded columns, and beside them arrays for what is no column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loop.errors import DataError


@dataclass(frozen=True, eq=False)
class Rows:
    """What is known of rows but their labels. What predicts, proposes or judges takes these.

    Regions, gates, drift and splits look at the columns alone; arrays travel along for parts that know them.

    Parameters
    ----------
    X : np.ndarray
        Encoded columns, shape (n, d), float64, NaN = missing.
    arrays : mapping of str to np.ndarray
        Name to an array (n, ...): images (n, channels, height, width), series (n, channels, time), texts (n,).

    Raises
    ------
    DataError
        If an array has another number of rows than ``X``.

    Examples
    --------
    >>> rows = Rows(np.zeros((3, 2)), {"image": np.ones((3, 1, 8, 8))})
    >>> rows.take(np.array([0, 2])).arrays["image"].shape
    (2, 1, 8, 8)
    """

    X: np.ndarray  # (n, d)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n, ...)

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.shape[:1] != (len(self.X),):
                raise DataError(
                    f"an array beside the columns must have one entry a row, {len(self.X):,}, and {name[:40]!r} has "
                    f"the shape {array.shape}: give arrays and columns of the same rows."
                )

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: np.ndarray) -> "Rows":
        """Return the rows chosen by an index or mask of shape (m,); these if it chooses all in order."""
        if _is_all(rows, len(self)):
            return self
        return Rows(self.X[rows], {name: array[rows] for name, array in self.arrays.items()})

    @staticmethod
    def concat(parts: Sequence["Rows"]) -> "Rows":
        """Stack rows that have the same columns and the same arrays.

        Raises
        ------
        DataError
            If some have an array that others have not, or arrays of one name have entries of different shapes.
        """
        return Rows(
            np.concatenate([part.X for part in parts]),
            {name: _stacked(parts, name) for name in dict.fromkeys(name for part in parts for name in part.arrays)},
        )


def _is_all(chosen: np.ndarray | Sequence[int], n: int) -> bool:
    """Tell whether an index or mask of shape (m,) chooses all of n rows in their order, which need not be copied."""
    chosen = np.asarray(chosen)
    if len(chosen) != n:
        return False
    return bool(chosen.all()) if chosen.dtype == bool else bool((chosen == np.arange(n)).all())


def _stacked(parts: Sequence[Rows], name: str) -> np.ndarray:
    arrays = [part.arrays[name] for part in parts if name in part.arrays]
    if len(arrays) < len(parts):
        raise DataError(
            f"rows that are put together must all have the array {name[:40]!r}, and {len(parts) - len(arrays)} of "
            f"{len(parts)} parts have not: use a generator that makes it."
        )
    if len(shapes := {array.shape[1:] for array in arrays}) > 1:
        raise DataError(
            f"entries of the array {name[:40]!r} must have one shape, got {sorted(shapes)[:3]}: pad or cut them."
        )
    return np.concatenate(arrays)
