"""Who answers: labels that are known and withheld, or a function of rows as the user knows them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.errors import DataError
from loop.rows import Rows
from loop.types import Schema

UNANSWERED = -1


@dataclass(frozen=True, eq=False)
class Withheld:
    """Labels that are known and given out only when asked for: what benchmarks ask.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class codes of the pool's rows, -1 = nobody knows.
    """

    y: np.ndarray

    def ask(self, rows: Rows, ids: np.ndarray) -> np.ndarray:
        """Return the labels of the rows at these positions, (m,)."""
        answers: np.ndarray = self.y[ids]
        return answers


@dataclass(frozen=True, eq=False)
class ByFunction:
    """A function that labels rows as the user knows them.

    Parameters
    ----------
    function : callable
        Takes a DataFrame of m rows of the pool, and returns m labels; a missing value is no answer.
    pool : DataFrame, N rows
        All rows as the user knows them.
    schema : Schema
        Names the classes.
    """

    function: Callable[[pd.DataFrame], object]
    pool: pd.DataFrame
    schema: Schema

    def ask(self, rows: Rows, ids: np.ndarray) -> np.ndarray:
        """Return the class code of each answer, (m,).

        Raises
        ------
        DataError
            If the function gives another number of answers, or a class that does not exist, or a series of other rows.
        """
        asked = self.pool.iloc[ids].copy()
        answers = _in_order(self.function(asked.copy()), asked.index)
        if len(answers) != len(rows):
            raise DataError(
                f"an oracle must answer each of the {len(rows)} rows it is asked about, got {len(answers)} answers: "
                "return a missing value where there is none."
            )
        codes = {name: code for code, name in enumerate(self.schema.classes)}
        unknown = [each for each in answers[answers.notna()] if not isinstance(each, Hashable) or each not in codes]
        if unknown:
            names = ", ".join(map(str, self.schema.classes))[:80]
            raise DataError(f"an oracle must answer with one of the classes {names}, got {str(unknown[0])[:40]!r}.")
        return np.array([codes[each] if pd.notna(each) else UNANSWERED for each in answers], dtype=np.int64)


def _in_order(answers: object, index: pd.Index) -> pd.Series:
    """Return answers line by line; a series that is indexed by the rows asked about is put into their order."""
    if isinstance(answers, pd.Series):
        own = answers.index
        counted = own.equals(pd.RangeIndex(len(own)))  # an index that says nothing
        if not counted and not own.equals(index) and index.is_unique and own.is_unique and own.isin(index).all():
            answers = answers.reindex(index)  # rows that are left out are not answered
        return answers.reset_index(drop=True)
    if isinstance(answers, (str, bytes)) or np.ndim(answers) != 1:  # type: ignore[arg-type]
        raise DataError(
            f"an oracle must return a list, an array or a series of answers, got {type(answers).__name__}: "
            "return one answer for each row."
        )
    return pd.Series(answers)
