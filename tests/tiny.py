"""A loop small enough for tests: real parts with little capacity, and a table that they can learn."""

from dataclasses import replace

import numpy as np

from generators import Neighbourhood
from learners import Committee, ExtraTrees, Linear, XGBoost
from loop.cycle.acceptance import Acceptance
from loop.cycle.acquisition import Gap
from loop.cycle.labelling import ByTeacher
from loop.cycle.parts import Parts, Settings
from loop.gates import Copies, Domain
from loop.regions import TreeFinder
from loop.types import Column, Schema, Table

LEARNER = XGBoost(trees=20, depth=3, rate=0.2)
AUGMENTED = replace(LEARNER, trees=30, row_share=0.8, bins=128)
TEACHER = Committee(members=(Linear(), ExtraTrees(trees=20, min_leaf=3)), jobs=1)


def tiny_parts(**changes: object) -> Parts:
    """Parts of a loop of two generations; ``settings`` and others may be changed."""
    parts = Parts(
        learner=LEARNER,
        augmented_learner=AUGMENTED,
        generator=Neighbourhood(),
        finder=TreeFinder(),
        acquisition=Gap(),
        labeller=ByTeacher(),
        teacher=TEACHER,
        gates=(Domain(), Copies()),
        acceptance=Acceptance(replicates=100),
        settings=Settings(generations=2, jobs=1),
    )
    return replace(parts, **changes)  # type: ignore[arg-type]


def rare_table(n: int = 500, seed: int = 0, noise: bool = False) -> Table:
    """A table of four numeric columns with a tenth positives: a smooth ridge, or (noise) labels out of the blue."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    risk = rng.normal(size=n) if noise else X[:, 0] + np.sin(2 * X[:, 1]) + 0.5 * rng.normal(size=n)
    y = (risk > np.quantile(risk, 0.9)).astype(np.int64)
    columns = tuple(
        Column(f"x{number}", "numeric", "float64", float(x.min()), float(x.max())) for number, x in enumerate(X.T)
    )
    return Table.real(X, y, Schema(columns, ("no", "yes")))
