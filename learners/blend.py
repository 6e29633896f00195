"""The weighted mean of several learners, a learner like any other."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from learners.common.nested import load_learners, save_learners
from learners.common.persistence import read_record
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import root, stream
from loop.support import record_checks
from loop.support.atomic import write_json
from loop.types import Table

FILE = "blend.json"
_RECORD = record_checks.fields(
    {"weights": record_checks.optional(record_checks.listed(record_checks.amount))}, known_only=True
)


@dataclass(eq=False)
class Blend:
    """Mean of the probabilities of several learners, all fitted on the same rows.

    Learners whose errors differ, such as boosted and random trees, are better together than the better one alone.

    Parameters
    ----------
    members : sequence of Learner
        The learners; they are copied before they are fitted.
    weights : sequence of float, optional
        Weight of each member, in proportion; None = equal weights.

    Raises
    ------
    ConfigError
        If there is no member, or the weights are not one positive number for each.

    Examples
    --------
    >>> from learners import ExtraTrees, XGBoost
    >>> Blend((XGBoost(), ExtraTrees()), weights=(1, 3)).shares.tolist()
    [0.25, 0.75]
    """

    members: Sequence[Learner]
    weights: Sequence[float] | None = None
    members_: Sequence[Learner] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigError("members of a blend must be one learner or more, got none: give some.")
        if self.weights is None:
            return
        if len(self.weights) != len(self.members):
            raise ConfigError(
                f"weights of a blend must be one for each of {len(self.members)} members, got {len(self.weights)}: "
                "give as many, or none for equal weights."
            )
        if wrong := [weight for weight in self.weights if not 0 < weight < math.inf]:
            raise ConfigError(
                f"weights of a blend must be above 0 and finite, got {wrong[0]}: correct it, or leave the member out."
            )

    @classmethod
    def of(cls, fitted: Sequence[Learner], weights: Sequence[float] | None = None) -> Self:
        """Return the fitted blend of learners that are fitted already, on tables of the same schema."""
        blend = cls(fitted, weights)
        blend.members_ = tuple(fitted)
        return blend

    @property
    def shares(self) -> np.ndarray:
        """Share of each member in the mean, shape (m,), with the sum one."""
        weights = np.ones(len(self.members)) if self.weights is None else np.asarray(self.weights, dtype=np.float64)
        shares: np.ndarray = weights / weights.sum()
        return shares

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a copy of each member on the whole table, with random numbers of its own."""
        seed = root(rng)
        self.members_ = tuple(
            copy.deepcopy(member).fit(table, stream(seed, number)) for number, member in enumerate(self.members)
        )
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K): the weighted mean over the members."""
        mean: np.ndarray = np.einsum("m,mnk->nk", self.shares, [each.predict_proba(rows) for each in self.members_])
        return mean

    def nested_learners(self) -> Sequence[Learner]:
        """Return the fitted members; before the fit, the members to be fitted."""
        return getattr(self, "members_", self.members)

    def save(self, folder: Path) -> None:
        """Write the weights into a folder, and each member into a folder inside.

        Errors are those of `learners.common.nested.save_learners`.
        """
        save_learners(self.members_, folder)
        weights = None if self.weights is None else [float(weight) for weight in self.weights]
        write_json(folder / FILE, {"weights": weights})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written.

        Errors are those of `learners.common.nested.load_learners`, also for the weights.
        """
        weights = read_record(folder / FILE, _RECORD)["weights"]
        members = load_learners(folder)
        try:
            return cls.of(members, weights)
        except ConfigError as error:
            raise DataError(f"{folder / FILE} must suit the saved members, and {error}") from error


_learner: type[Learner] = Blend
