"""A loop small enough for tests: real parts with little capacity, and a table that they can learn."""

from dataclasses import replace

import numpy as np

from generators import Neighbourhood
from learners import Committee, ExtraTrees, Linear, XGBoost
from loop.cycle.acceptance import Acceptance
from loop.cycle.parts import Parts, Settings
from loop.gates import Copies, Domain
from loop.regions import TreeFinder
from loop.supplies.acquisition import Gap
from loop.supplies.labelling import ByTeacher
from loop.supplies.supply import Supply
from loop.types import Column, Schema, Table

LEARNER = XGBoost(trees=20, depth=3, rate=0.2)
AUGMENTED = replace(LEARNER, trees=30, row_share=0.8, bins=128)
TEACHER = Committee(members=(Linear(), ExtraTrees(trees=20, min_leaf=3)), jobs=1)


def tiny_parts(**changes: object) -> Parts:
    """Parts of a loop of two generations; ``settings`` and others, also those of the supply, may be changed."""
    own = {name: changes.pop(name) for name in ("generator", "acquisition", "labeller", "gates") if name in changes}
    taught = Supply(Neighbourhood(), Gap(), ByTeacher(), (Domain(), Copies()))
    parts = Parts(
        learner=LEARNER,
        augmented_learner=AUGMENTED,
        supplies=(replace(taught, **own),),  # type: ignore[arg-type]
        finder=TreeFinder(),
        teacher=TEACHER,
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
