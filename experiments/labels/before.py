"""What a run has asked before: a row without an answer is asked about again only where that is wanted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from experiments.labels.columns import ASK, AUDIT, TO_JUDGE, key
from experiments.labels.store import ASKED, Batch


@dataclass(frozen=True, eq=False)
class Before:
    """Questions of earlier queues.

    Parameters
    ----------
    asked : DataFrame, (n, 2)
        The first question about each row, and its kind, by what names the row, see `experiments.labels.columns.key`.
    answered : collection of str
        Questions with an answer.
    again : bool
        Whether the others may be asked again.
    """

    asked: pd.DataFrame
    answered: Collection[str]
    again: bool

    @classmethod
    def of(cls, batches: Sequence[Batch], answers: pd.DataFrame, again: bool) -> Self:
        """Gather the questions of all batches."""
        told = pd.concat([pd.DataFrame(columns=list(ASKED)), *(batch.questions[list(ASKED)] for batch in batches)])
        rows = told["question"].map(key).astype(object)
        first = told.assign(row=rows).drop_duplicates("row").set_index("row")[["question", "kind"]]
        return cls(first, frozenset(answers["question"]), again)

    @property
    def closed(self) -> Collection[str]:
        """Questions that are not asked again."""
        return self.answered if self.again else frozenset(self.asked["question"])

    def open(self, rows: np.ndarray) -> np.ndarray:
        """Mark the rows of a pool, by their names (N,), that may be asked about, (N,) bool."""
        return ~np.isin(rows, [key(question) for question in self.closed])

    def told(self, rows: np.ndarray) -> tuple[str, ...]:
        """Say how many rows of a pool, by their names (N,), were asked about and have no answer."""
        open_ = self.asked.index.difference([key(question) for question in self.answered])
        waiting = int(np.isin(rows, open_.to_numpy()).sum())
        if not waiting:
            return ()
        how = "may be asked about again" if self.again else "are not asked about again; --again asks"
        return (f"{waiting:,} rows that were asked about before have no answer, and {how}",)

    def shown(self, questions: pd.DataFrame) -> pd.DataFrame:
        """Return questions as people see them: one asked again keeps its name and kind, so that one answer is enough.

        If it belongs to an audit now or did so first, nothing is said that could lead an answer.
        """
        first = self.asked.reindex(questions["question"].map(key)).set_axis(questions.index)
        again = first["question"].notna()
        audit = again & ((first["kind"] == AUDIT) | (questions["kind"] == AUDIT))
        return questions.assign(
            question=first["question"].where(again, questions["question"]),
            kind=first["kind"].where(again, questions["kind"]),
            reason=questions["reason"].mask(audit, TO_JUDGE),
            score=questions["score"].mask(audit & (first["kind"] == ASK)),  # else shown as the likely answer
        )
