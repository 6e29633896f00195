"""Which rows of a folder are held out: those that judge and test, their copies and groups, and what is later."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from experiments.data.split import moments
from experiments.run.inputs import RunInputs
from loop.cycle.lanes import Lane
from loop.data.encoding import encode_features
from loop.data.intake import named
from loop.data.split import equal_to
from loop.types import Schema


@dataclass(frozen=True, eq=False)
class Held:
    """The rule by which rows are held out, the same for the rows of the sample and all others.

    The sample's judge rows and test rows are held out; so is every row that equals one of them in all features, has the
    group of one that groups keep apart, or is later than all training rows of a run that was split by time.
    """

    schema: Schema  # of the run
    numbers: np.ndarray  # (h,) of the rows in the folder
    X: np.ndarray  # (h, d) their features
    digests: np.ndarray  # (h,) uint64 of these
    group: str | None
    groups: pd.Index  # ids whose rows are held out
    time: str | None
    latest: object  # time of the latest training row

    @classmethod
    def of(cls, inputs: RunInputs, lane: Lane, numbers: np.ndarray, groups_split: bool) -> Self:
        """Return the rule of a run.

        Parameters
        ----------
        inputs : RunInputs
            Of the sample.
        lane : Lane
            Whose judge rows are held out.
        numbers : ndarray of shape (n,)
            Number in the folder of each row of the sample.
        groups_split : bool
            Whether no group has rows in training and in test; judge rows never share one with rows that are fitted on.
        """
        frame, dataset = named(inputs.dataset.frame), inputs.dataset
        apart = [*lane.judge, *lane.aside]
        judge, test = inputs.train.row_number[apart], inputs.test.row_number
        X = np.concatenate([inputs.train.X[apart], inputs.test.X])
        ids = frame[dataset.group] if dataset.group else pd.Series(index=frame.index, dtype=object)
        known = ids.iloc[np.concatenate([judge, test]) if groups_split else judge].dropna().unique()
        latest = None
        if dataset.time is not None:
            latest = moments(frame[dataset.time].iloc[inputs.train.row_number], dataset.time).max()
        rows = np.sort(numbers[np.concatenate([judge, test])])
        return cls(inputs.schema, rows, X, _digests(X), dataset.group, pd.Index(known), dataset.time, latest)

    @classmethod
    def nobody(cls, schema: Schema) -> Self:
        """Return the rule that holds out no row."""
        nothing = np.empty(0, dtype=np.int64)
        X = np.empty((0, len(schema.columns)))
        return cls(schema, nothing, X, nothing.astype(np.uint64), None, pd.Index([]), None, None)

    def mask(self, frame: pd.DataFrame, first: int) -> np.ndarray:
        """Tell which rows of a frame (n, ...) are held out, the first of which has a number, as a mask (n,)."""
        held = np.isin(np.arange(first, first + len(frame)), self.numbers)
        if self.group is not None:
            held |= frame[self.group].isin(self.groups).to_numpy(dtype=bool)
        if self.time is not None:
            held |= np.asarray(moments(frame[self.time], self.time) > self.latest)
        X = encode_features(self.schema, frame).X
        alike = np.flatnonzero(np.isin(_digests(X), self.digests))  # few: the others need no comparison
        if len(alike):
            held[alike] |= equal_to(X[alike], self.X)
        return held


def _digests(X: np.ndarray) -> np.ndarray:
    """Return a number (n,) for each row of X (n, d), the same for equal rows."""
    found: np.ndarray = pd.util.hash_pandas_object(pd.DataFrame(X + 0.0), index=False).to_numpy()  # -0.0 becomes 0.0
    return found
