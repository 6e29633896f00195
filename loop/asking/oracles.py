"""Who answers: labels that are known and withheld, for days or until asked for, or a function of the user's rows."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.types import Schema

UNANSWERED = -1
NEVER = np.iinfo(np.int64).max // 2  # days until labels are known, if they never are


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


@dataclass(eq=False)
class Delayed:
    """Labels that are known and given out days after they are asked for: what benchmarks of a stream ask.

    Between two rounds of `loop.asking.rounds.ask` the caller lets days pass; each round begins with what has arrived.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class codes, -1 = nobody knows.
    days : int
        From the question to its answer; 0 = at once.
    day : ndarray of shape (n,), int, optional
        The day of each row, from its column of time and counted like ``today``: an answer then comes so many days
        after the row, or at once if that is past, as frauds are reported however late somebody asks.

    Attributes
    ----------
    today : int
        Days that have passed.
    due : ndarray of shape (n,), int
        The day from which each label is known.

    Raises
    ------
    ConfigError
        If days are negative, or there is not one day for each label.
    """

    y: np.ndarray
    days: int = 1
    day: np.ndarray | None = None
    today: int = field(default=0, init=False)
    due: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        if self.days < 0:
            raise ConfigError(f"answers must arrive after 0 days or more, got {self.days}: 0 is at once.")
        if self.day is not None and np.shape(self.day) != np.shape(self.y):
            raise ConfigError(f"each of {len(self.y)} labels must have its day, got {np.shape(self.day)}: align them.")
        self.due = np.full(len(self.y), NEVER)

    def ask(self, rows: Rows, ids: np.ndarray) -> np.ndarray:
        """Note that the labels at these positions are to come, and return those that are there, (m,)."""
        since = self.today if self.day is None else self.day[ids]
        self.expect(ids, since + self.days - self.today)
        return self.arrived(ids)

    def expect(self, ids: np.ndarray, days: int | np.ndarray) -> None:
        """Let the labels at these positions be known in so many days at the latest, whether they are asked for or not.

        So are frauds that customers report.
        """
        self.due[ids] = np.minimum(self.due[ids], self.today + days)

    def arrived(self, ids: np.ndarray) -> np.ndarray:
        """Return the labels at these positions, (m,), -1 = not yet."""
        return np.where(self.due[ids] <= self.today, self.y[ids], UNANSWERED)

    def wait(self, days: int) -> None:
        """Let days pass."""
        self.today += days


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
