"""Checks of any score, on frames alone; the pytest file that stress writes holds this code as it stands here."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

Score = Callable[[pd.DataFrame], np.ndarray]  # of n rows: (n,) scores of the class to catch
VALUES = 16  # of a column that are tried at most
ROUNDING = 1e-6  # change of the score that counts as none


class Found(NamedTuple):
    """How many rows break a check, and the row that breaks it most."""

    rows: int
    broken: int
    row: int  # position of the worst row
    low: object  # value of the column before and after
    high: object
    before: float  # score before and after
    after: float

    def __str__(self) -> str:
        moved = f"score {self.before:.3f}"
        if self.low is not None:
            moved = f"from {self.low} to {self.high}: {moved} to {self.after:.3f}"
        return f"{self.broken:,} of {self.rows:,} rows break it, most of all row {self.row}, {moved}"


def tried_values(values: pd.Series) -> pd.Series:
    """Return the distinct values of a column in order, or some of them, evenly spread."""
    found = values.dropna().drop_duplicates().sort_values()
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), VALUES)).round().astype(int))
    return found.iloc[chosen]


def swept(score: Score, frame: pd.DataFrame, column: str, values: pd.Series) -> np.ndarray:
    """Score all n rows with each of v values of a column in place of their own; return the scores (n, v)."""
    places = [np.full(len(frame), position) for position in range(len(values))]
    tried = (frame.assign(**{column: values.iloc[place].set_axis(frame.index)}) for place in places)
    return np.column_stack([np.asarray(score(each), dtype=float) for each in tried])


def check_monotone(score: Score, frame: pd.DataFrame, column: str, up: bool) -> Found:
    """Find rows whose score falls as the column rises (``up``), or rises, everything else fixed."""
    values = tried_values(frame[column])
    if values.empty:
        return Found(len(frame), 0, 0, None, None, np.nan, np.nan)
    path = swept(score, frame, column, values) * (1 if up else -1)
    fall = np.maximum.accumulate(path, axis=1) - path
    row, end = np.unravel_index(int(fall.argmax()), fall.shape)
    start = int(path[row, : end + 1].argmax())
    before, after = abs(float(path[row, start])), abs(float(path[row, end]))
    broken = int((fall.max(axis=1) > ROUNDING).sum())
    return Found(len(frame), broken, int(row), values.iloc[start], values.iloc[end], before, after)


def check_invariant(score: Score, frame: pd.DataFrame, column: str, within: float) -> Found:
    """Find rows whose score another value of the column moves by more than ``within``."""
    values, own = tried_values(frame[column]), np.asarray(score(frame), dtype=float)
    if values.empty:
        return Found(len(frame), 0, 0, None, None, np.nan, np.nan)
    path = swept(score, frame, column, values)
    move = np.abs(path - own[:, None])
    row, end = np.unravel_index(int(move.argmax()), move.shape)
    broken = int((move.max(axis=1) > within + ROUNDING).sum())
    told = frame[column].iloc[row], values.iloc[end], float(own[row]), float(path[row, end])
    return Found(len(frame), broken, int(row), *told)


def check_limits(score: Score, frame: pd.DataFrame, inside: np.ndarray, at_least: float, at_most: float) -> Found:
    """Find the rows of a mask (n,) whose score is below or above the limits."""
    own = np.asarray(score(frame), dtype=float)
    beyond = np.where(inside, np.maximum(at_least - own, own - at_most), -np.inf)
    row = int(beyond.argmax())
    broken = int((beyond > ROUNDING).sum())
    return Found(int(inside.sum()), broken, row, None, None, float(own[row]), float(own[row]))
