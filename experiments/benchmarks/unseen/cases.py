"""One case of the benchmark: training rows without a pattern, and test rows with all of them."""

from dataclasses import dataclass

import numpy as np

from experiments.data.sources import Dataset
from experiments.data.split import Split

NONE = 0  # number of the rows that are no positives, and of no pattern hidden
OTHER = -1  # number of the positives of no pattern that is ever hidden


@dataclass(frozen=True, eq=False)
class Case:
    """Training rows that may lack a pattern, and test rows that do not."""

    split: Split
    kind: np.ndarray  # (j,) number of the pattern of each test row, `NONE` or `OTHER`

    @classmethod
    def at(cls, dataset: Dataset, train: np.ndarray, test: np.ndarray, kind: np.ndarray, hidden: int) -> "Case":
        """Split a table at given row positions and leave out of training the rows of a pattern.

        Parameters
        ----------
        dataset : Dataset
        train, test : np.ndarray of shapes (m,) and (j,), int
            Row positions.
        kind : np.ndarray of shape (n,), int
            Number of the pattern of each row of the table.
        hidden : int
            Number of the pattern that is left out, `NONE` = none.
        """
        kept = train if hidden == NONE else train[kind[train] != hidden]
        return cls(Split.at(dataset, kept, test), kind[test])
