"""Rows for XGBoost that come piece by piece: each is asked for, put into bins and forgotten."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xgboost as xgb

from loop.types import Table

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]  # features (n, d), label (n,), weight (n,)


class TablePieces(xgb.DataIter):  # type: ignore[misc]  # XGBoost is not typed
    """Pieces of a table as XGBoost asks for them, several times over.

    Parameters
    ----------
    pieces : callable
        Begins anew each time that it is called; the tables are the same each time.
    arrays : callable
        Turns a table into features, label and weight.
    types : sequence of str
        XGBoost's type of each column.
    """

    def __init__(
        self, pieces: Callable[[], Iterator[Table]], arrays: Callable[[Table], Arrays], types: Sequence[str]
    ) -> None:
        self._pieces, self._arrays, self._types = pieces, arrays, list(types)
        self._left: Iterator[Table] = iter(())
        super().__init__()

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Hand over the next piece that has rows; False = there is none."""
        table = next((each for each in self._left if len(each)), None)
        if table is None:
            return False
        X, label, weight = self._arrays(table)
        input_data(data=X.astype(np.float32), label=label, weight=weight, feature_types=self._types)
        return True

    def reset(self) -> None:
        """Begin anew."""
        self._left = self._pieces()
