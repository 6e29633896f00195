"""Boosted trees that predict every column from the others, at a cost linear in the number of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Self

import numpy as np
import xgboost as xgb

from loop.seeds import integer
from loop.support.model_files.xgboost_trees import Shape, read_booster

MOST_TOGETHER = 32  # columns in a group


@dataclass(frozen=True, eq=False)
class FlowTrees:
    """The trees of one noise level: one booster for each group of columns, which uses that group alone.

    A narrow table is one group. On a wide one groups are drawn again for each level, so that over the levels every
    column is grouped with many others; correlations with the rest are handled without trees.
    In an exploratory run that no command repeats, groups of 32 took a third of the time on 72 and 100 columns, and
    a learner trained on their rows scored about as well.
    """

    group: np.ndarray  # (d,) int64 number of each column's group
    boosters: tuple[xgb.Booster, ...]  # by group

    @classmethod
    def fit(
        cls,
        mixed: np.ndarray,
        target: np.ndarray,
        rng: np.random.Generator,
        *,
        rounds: int,
        settings: Mapping[str, float],
    ) -> Self:
        """Learn the target of every column.

        Parameters
        ----------
        mixed, target : np.ndarray
            Inputs of the trees and what they predict, both (n, d).
        rng : np.random.Generator
            Draws groups and seeds.
        rounds : int
            Trees for each column.
        settings : mapping of str to float
            Parameters of XGBoost, including ``max_bin`` and ``nthread``.
        """
        group = _groups(mixed.shape[1], rng)
        boosters = []
        for number in range(group.max() + 1):
            mine = group == number
            data = xgb.QuantileDMatrix(
                mixed[:, mine].astype(np.float32),
                label=target[:, mine].astype(np.float32),
                max_bin=int(settings["max_bin"]),
                nthread=int(settings["nthread"]),
            )
            # At equal cost one tree for each column fits far better than one tree for all of them.
            fixed = {"tree_method": "hist", "multi_strategy": "one_output_per_tree", "base_score": 0.0}
            boosters.append(xgb.train({**settings, **fixed, "seed": integer(rng)}, data, num_boost_round=rounds))
        return cls(group, tuple(boosters))

    def predict(self, mixed: np.ndarray) -> np.ndarray:
        """Return the predicted targets (n, d) of rows (n, d)."""
        predicted = np.empty(mixed.shape)
        for number, booster in enumerate(self.boosters):
            mine = self.group == number
            seen = mixed[:, mine].astype(np.float32)
            predicted[:, mine] = booster.inplace_predict(seen).reshape(seen.shape)
        return predicted

    def save(self, folder: Path, level: int) -> None:
        """Write the trees in XGBoost's own format, a file for each group."""
        for number, booster in enumerate(self.boosters):
            booster.save_model(folder / _file(level, number))

    @classmethod
    def load(cls, folder: Path, level: int, group: np.ndarray, jobs: int) -> Self:
        """Read back what `save` has written, given the groups (d,)."""
        widths = np.bincount(group).tolist()
        files = [read_booster(folder / _file(level, at), Shape(width, width)) for at, width in enumerate(widths)]
        return cls(group, tuple(xgb.Booster({"nthread": jobs}, model_file=file) for file in files))


def _groups(columns: int, rng: np.random.Generator) -> np.ndarray:
    """Divide columns evenly among the fewest possible groups; return the group number of each column (d,)."""
    groups = ceil(columns / MOST_TOGETHER)
    group: np.ndarray = np.arange(columns) % groups
    return rng.permutation(group) if groups > 1 else group


def _file(level: int, group: int) -> str:
    return f"level_{level}_{group}.ubj"
