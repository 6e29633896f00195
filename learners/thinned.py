"""A learner that is fitted on fewer rows of the large classes, for models that take long to fit."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from learners.common.nested import load_learners, save_learners
from learners.common.persistence import read_record
from loop.data.thinning import thinned, undo_thinning
from loop.errors import DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import record_checks
from loop.support.atomic import write_json
from loop.support.setting_checks import check_bounds
from loop.types import Table

FILE = "thinned.json"
_RECORD = record_checks.fields(
    {"most": record_checks.integer(1), "shares": record_checks.listed(record_checks.amount)}, known_only=True
)


@dataclass(eq=False)
class Thinned:
    """A learner that is fitted on at most ``most`` rows, with its probabilities corrected for it.

    Parameters
    ----------
    learner : Learner
        It is copied before it is fitted.
    most : int
        Most rows, see `loop.data.thinning.thinned`.

    Raises
    ------
    ConfigError
        If ``most`` is below 1.
    """

    learner: Learner
    most: int = 20_000
    fitted_: Learner = field(init=False, repr=False)
    shares_: np.ndarray = field(init=False, repr=False)  # (K,) share of each class that was kept

    def __post_init__(self) -> None:
        check_bounds(self, least={"most": 1})

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a copy of the learner on the rows with weight above zero that are drawn."""
        rows, self.shares_ = thinned(table.take(table.weight > 0), self.most, rng)
        self.fitted_ = copy.deepcopy(self.learner).fit(rows, rng)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        return undo_thinning(self.fitted_.predict_proba(rows), self.shares_)

    def nested_learners(self) -> tuple[Learner, ...]:
        """Return the fitted learner; before the fit, the one to be fitted."""
        return (getattr(self, "fitted_", self.learner),)

    def save(self, folder: Path) -> None:
        """Write the shares into a folder, and the learner into a folder inside.

        Errors are those of `learners.common.nested.save_learners`.
        """
        save_learners((self.fitted_,), folder)
        write_json(folder / FILE, {"most": self.most, "shares": self.shares_.tolist()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written.

        Errors are those of `learners.common.nested.load_learners`, also for the shares.
        """
        record, learners = read_record(folder / FILE, _RECORD), load_learners(folder)
        shares = np.array(record["shares"], dtype=np.float64)
        if len(learners) != 1 or not (shares > 0).all() or not (shares <= 1).all():
            raise DataError(f"{folder / FILE} must hold shares above 0 of one learner, got others: save it again.")
        thinned_learner = cls(learners[0], record["most"])
        thinned_learner.fitted_, thinned_learner.shares_ = learners[0], shares
        return thinned_learner


_learner: type[Learner] = Thinned
