"""Reasons for scores: the columns that push a row most towards the class to catch, or away from it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from learners import XGBoost
from learners.common.nested import Composite
from loop.errors import ConfigError
from loop.model import Model
from loop.rows import Rows


@dataclass(frozen=True, eq=False)
class Reasons:
    """The trees that explain a model, and how many columns are named."""

    trees: XGBoost
    inside: bool  # whether they are the first member of the model, not all of it
    most: int

    @classmethod
    def of(cls, model: Model, most: int) -> Self:
        """Take the model's own trees, or those of its first member.

        Raises
        ------
        ConfigError
            If neither is XGBoost.
        """
        learner = model.learner
        while not isinstance(learner, XGBoost) and isinstance(learner, Composite) and learner.nested_learners():
            learner = learner.nested_learners()[0]
        if not isinstance(learner, XGBoost):
            raise ConfigError(
                f"--reasons needs a model whose trees, or whose first member's, are XGBoost's, and this one is "
                f"{type(model.learner).__name__}: leave it out, or run again with deliver: loop."
            )
        return cls(learner, learner is not model.learner, most)

    def names(self, columns: int) -> list[str]:
        """Return the names of the columns that hold reasons, for a table of so many features."""
        return [f"{what}_{number + 1}" for number in range(min(self.most, columns)) for what in ("reason", "effect")]

    def frame(self, rows: Rows, model: Model) -> pd.DataFrame:
        """Return pairs of columns: ``reason_1``, the feature of most effect, and ``effect_1``, its signed log-odds.

        The effects are Shapley values of the trees (Lundberg et al. 2020, *Nature Machine Intelligence* 2, 56-67),
        before calibration: with the constant they add up to the margin of the class to catch.
        """
        effects = self.trees.contributions(rows, model.schema.positive)[:, :-1]
        order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, : self.most]
        names = np.array(model.schema.names, dtype=object)
        told: dict[str, np.ndarray] = {}
        for number, at in enumerate(order.T):
            told[f"reason_{number + 1}"] = names[at]
            told[f"effect_{number + 1}"] = np.take_along_axis(effects, at[:, None], axis=1)[:, 0].round(4)
        return pd.DataFrame(told).astype({name: "str" for name in told if name.startswith("reason")})
