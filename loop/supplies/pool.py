"""Proposals with the predictions of learner and teacher."""

from dataclasses import dataclass

import numpy as np

from loop.types import Table


@dataclass(frozen=True, eq=False)
class Pool:
    """Proposals with the predictions of learner and teacher: the input of acquisition and labelling.

    The teacher is not asked for a part that says ``needs_teacher = False``.
    """

    table: Table
    learner: np.ndarray  # (n, K) probabilities of the learner
    teacher: np.ndarray | None = None  # (n, K) probabilities of the teacher, None = none, or not asked
    variance: np.ndarray | None = None  # (n,) variance of the positive probability over the teacher's members

    def take(self, rows: np.ndarray) -> "Pool":
        """Return the rows chosen by an index or mask of shape (m,)."""
        return Pool(
            self.table.take(rows),
            self.learner[rows],
            None if self.teacher is None else self.teacher[rows],
            None if self.variance is None else self.variance[rows],
        )
