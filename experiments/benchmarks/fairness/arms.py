"""Ways to help a group that is short of rows, from the simplest on: weights, copies, and generated rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments.trust.fairness.balance import Balance, balanced
from experiments.trust.fairness.groups import cells_of
from generators import ForestFlow, Resample, TreeChain
from learners import Committee, XGBoost
from loop.protocols import Generator, Learner
from loop.types import Table

NEW = 0.5  # generated rows, as a share of the real ones
REAL, WEIGHTED = "real rows alone", "reweighted"
Arm = Callable[[Table, Sequence[str], np.random.Generator], Learner]


def real_alone(train: Table, columns: Sequence[str], rng: np.random.Generator) -> Learner:
    """Fit the learner on real rows."""
    return XGBoost().fit(train, rng)


def reweighted(train: Table, columns: Sequence[str], rng: np.random.Generator) -> Learner:
    """Weight rows so that class and group are independent (Kamiran, Calders 2012, "Data preprocessing techniques")."""
    weight = train.weight.copy()
    for group in cells_of(train, columns):
        for code in range(train.n_classes):
            of_class, own = train.y == code, group.inside & (train.y == code)
            if own.any():
                weight[own] *= group.inside.mean() * of_class.mean() / own.mean()
    return XGBoost().fit(replace(train, weight=weight), rng)


def with_rows(make: Callable[[], Generator], taught: bool) -> Arm:
    """Return the way that adds rows of a generator, labelled by a teacher or as the generator says."""

    def arm(train: Table, columns: Sequence[str], rng: np.random.Generator) -> Learner:
        generator = make().fit(train, rng)
        made: Balance = balanced(generator, train, columns, int(NEW * len(train)), None, rng)
        rows = made.rows
        if taught:
            soft = Committee(folds=2).fit(train, rng).predict_proba(rows.rows)
            rows = replace(rows, y=soft.argmax(axis=1), soft=soft)
        return XGBoost().fit(Table.concat([train, rows]), rng)

    return arm


ARMS: Mapping[str, Arm] = {
    REAL: real_alone,
    WEIGHTED: reweighted,
    "copies": with_rows(Resample, taught=False),
    "tree chain": with_rows(TreeChain, taught=False),
    "tree chain, taught": with_rows(TreeChain, taught=True),
    "forest flow, taught": with_rows(ForestFlow, taught=True),
}
