"""Lanes: which rows a copy of the cycle is fitted on, and which rows it is judged on.

A lane is one split of the real training rows: learner and generator are fitted on its fit rows, and new rows are made
from these only. Its judge rows are held out. All scores and decisions use the judge rows of all lanes, pooled.
The deliverable lane is fitted on all training rows and has no judge rows; its model is delivered.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from loop.data.split import duplicate_groups, folds, holdout, merge_groups
from loop.errors import ConfigError, DataError
from loop.types import Table

USUAL = 5  # default number of lanes
TEACHER_FOLDS = 5  # of the fit rows of a hold-out lane
MANY = 500_000  # training rows from which half of them are enough to fit a teacher's member
FOLDS_OF_MANY = 2
DELIVERABLE = -1


@dataclass(frozen=True, eq=False)
class Lane:
    """One copy of the cycle. Its learner, generator and teacher's members are never fitted on its judge rows.

    Two things depend on them indirectly, as all k lanes share them: the weights of the teacher's members, and the
    weakness of the learner. Both are measured out of fold on all rows.

    Parameters
    ----------
    index : int
        Number of the lane; `DELIVERABLE` for the lane that is fitted on all rows and has no judge rows.
    fit, judge : ndarray of shapes (m,) and (j,), int
        Row positions in the training table.
    without : int or None
        Fold id that the lane's teacher must not have seen; None = a teacher that may use all its members.
    aside : ndarray of shape (a,), int
        Rows of its fold that no score counts, as a model chose them to be labelled: held out with their copies and
        groups, so that the lane may still be asked where it is weak among them.
    """

    index: int
    fit: np.ndarray
    judge: np.ndarray
    without: int | None
    aside: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def delivers(self) -> bool:
        """Whether this is the deliverable lane."""
        return self.index == DELIVERABLE


def lanes(folds: np.ndarray, judging: np.ndarray | None = None) -> tuple[Lane, ...]:
    """Return the lanes of fold ids (n,), the deliverable lane last.

    Ids 0..k-1 make k lanes, each judged on its own fold. If some rows have the id -1, these are the judge rows of a
    single hold-out lane, and no member of the teacher is ever fitted on them. Rows whose weight in ``judging`` (n,) is
    zero are set aside in their lane.
    """
    rows = np.arange(len(folds))
    counts = np.ones(len(folds), dtype=bool) if judging is None else judging > 0

    def lane(index: int, held: np.ndarray, without: int | None) -> Lane:
        return Lane(index, rows[~held], rows[held & counts], without, rows[held & ~counts])

    if (folds < 0).any():
        ways = [lane(0, folds < 0, None)]
    else:
        ways = [lane(fold, folds == fold, fold) for fold in range(int(folds.max()) + 1)]
    return (*ways, Lane(DELIVERABLE, rows, rows[:0], None))


def training_spread(lanes: Sequence[Lane]) -> float:
    """Return the factor by which intervals on pooled judge rows are too narrow for models of other training rows.

    With J lanes, each judging n_j of its n_f + n_j rows, the variance of a mean over lanes is (1 / J + n_j / n_f) s²
    instead of s² / J, since their training rows overlap (Nadeau and Bengio 2003, *Machine Learning* 52, equation 9).

    Parameters
    ----------
    lanes : sequence of Lane
        Those with judge rows.
    """
    ratio = sum(len(lane.judge) for lane in lanes) / max(1, sum(len(lane.fit) for lane in lanes))
    return math.sqrt(1 + len(lanes) * ratio)


def deal(table: Table, rng: np.random.Generator, *, k: int = USUAL, groups: np.ndarray | None = None) -> np.ndarray:
    """Assign the training rows to k lanes, or (k = 1) to a single hold-out lane; return fold ids (n,).

    Exact duplicates stay together, as do rows of one group (n,).

    Raises
    ------
    DataError
        If a class has fewer rows than there are lanes.
    ConfigError
        If k is below 1.
    """
    if k < 1:
        raise ConfigError(f"lanes must be at least 1, got {k}: {USUAL} is usual, 1 is a single hold-out")
    together = duplicate_groups(table.X)
    if groups is not None:
        together = merge_groups(together, groups)
    of_teacher = TEACHER_FOLDS if len(table) < MANY else FOLDS_OF_MANY
    _check_spread(table, together, k if k > 1 else of_teacher + 1)
    if k > 1:
        return folds(table.y, rng, k=k, groups=together)
    ids = holdout(table.y, rng, groups=together)
    fit = ids >= 0
    ids[fit] = folds(table.y[fit], rng, k=of_teacher, groups=together[fit])
    return ids


def _check_spread(table: Table, together: np.ndarray, least: int) -> None:
    for code in np.unique(table.y):
        spread = len(np.unique(together[table.y == code]))
        if spread < least:
            raise DataError(
                f"each class must have at least {least} rows, copies and rows of one group counted once, got {spread} "
                f"of class {table.schema.classes[code]!r}: use fewer lanes or add rows of it."
            )
