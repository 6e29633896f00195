"""What a saved committee holds beside its members: settings, weights and kept shares, checked as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from learners.common.persistence import read_record
from loop.errors import DataError
from loop.support import record_checks
from loop.support.atomic import write_json

FILE = "committee.json"
_SETTINGS = record_checks.fields(
    {
        "folds": record_checks.integer(2),
        "majority_ratio": record_checks.amount,
        "small": record_checks.count,
        "jobs": record_checks.integer(1),
    },
    {"most": record_checks.integer(1)},  # 0.4.0 knew none
    known_only=True,
)
_RECORD = record_checks.fields(
    {
        "settings": _SETTINGS,
        "positive": record_checks.count,
        "weights": record_checks.listed(record_checks.amount),
        "shares": record_checks.listed(record_checks.listed(record_checks.listed(record_checks.amount))),
    },
    known_only=True,
)


@dataclass(frozen=True)
class CommitteeRecord:
    """Numbers of a committee that is served: M members that count, each fitted once without each fold.

    Parameters
    ----------
    settings : mapping of str to number
        Arguments of `Committee` but its members.
    positive : int
        Code of the class whose variance the views tell.
    weights : sequence of float
        Weight of each member, M numbers.
    shares : nested sequence of float
        By fold and member, the share of each class that the member was fitted on: folds x M x K numbers.
    """

    settings: Mapping[str, float]
    positive: int
    weights: Sequence[float]
    shares: Sequence[Sequence[Sequence[float]]]

    def write(self, folder: Path) -> None:
        """Write the record into a folder, which is made."""
        write_json(folder / FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path, learners: int) -> Self:
        """Read the record of a committee with so many saved learners.

        Raises
        ------
        DataError
            If it is missing or altered, or does not fit the learners.
        """
        record = cls(**read_record(folder / FILE, _RECORD))
        if fault := record._fault(learners):
            raise DataError(f"{folder / FILE} must {fault}: save the committee again.")
        return record

    def _fault(self, learners: int) -> str | None:
        """Return the rule that parts of the record break together."""
        kept = [each for of_fold in self.shares for each in of_fold]
        members, folds = len(self.weights), len(self.shares)
        if not kept or any(len(of_fold) != members for of_fold in self.shares) or len(kept) != learners:
            return (
                "have a weight and shares for each member in each fold, "
                f"got {members} weights for {learners} learners in {folds} folds"
            )
        if not all(weight > 0 for weight in self.weights) or not np.isclose(sum(self.weights), 1):
            return f"have weights above 0 with the sum 1, got the sum {sum(self.weights):.3f}"
        classes = {len(each) for each in kept}
        if len(classes) > 1 or not all(0 < share <= 1 for each in kept for share in each):
            return "have shares above 0 and at most 1, as many as classes for each member"
        if self.positive >= max(classes):
            return f"name a class to catch below {max(classes)}, got {self.positive}"
        return None
