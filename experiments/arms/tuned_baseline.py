"""The tuned arm: the learner on real rows alone, tuned with Optuna for as long as the loop took."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from learners import CatBoost, ExtraTrees, Forest, LightGBM, Linear, XGBoost
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner
from loop.seeds import integer, root, stream
from loop.support.parallel.side_by_side import side_by_side
from loop.types import Table

Space = Mapping[str, BaseDistribution]  # by setting; in each trial they are drawn in this order

TREES, SHARE_OF_COLUMNS = IntDistribution(100, 1000, log=True), FloatDistribution(0.3, 1.0)
RATE, SHARE_OF_ROWS = FloatDistribution(0.01, 0.3, log=True), FloatDistribution(0.5, 1.0)
FOREST: Space = {
    "trees": IntDistribution(100, 600, log=True),
    "min_leaf": IntDistribution(1, 20, log=True),
    "max_features": FloatDistribution(0.1, 1.0),
}
SPACES: Mapping[type, Space] = {
    XGBoost: {
        "trees": TREES,
        "depth": IntDistribution(2, 10),
        "rate": RATE,
        "min_child_weight": FloatDistribution(0.5, 20, log=True),
        "row_share": SHARE_OF_ROWS,
        "column_share": SHARE_OF_COLUMNS,
        "l2": FloatDistribution(0.1, 20, log=True),
    },
    CatBoost: {
        "trees": TREES,
        "depth": IntDistribution(3, 10),
        "rate": RATE,
        "l2": FloatDistribution(0.5, 30, log=True),
    },
    LightGBM: {
        "trees": TREES,
        "leaves": IntDistribution(4, 127, log=True),
        "rate": RATE,
        "min_leaf": IntDistribution(1, 100, log=True),
        "row_share": SHARE_OF_ROWS,
        "column_share": SHARE_OF_COLUMNS,
        "extra_trees": CategoricalDistribution([True, False]),
    },
    Forest: FOREST,
    ExtraTrees: FOREST,
    Linear: {"C": FloatDistribution(1e-3, 1e2, log=True)},
}


def tunable(learner: Learner) -> bool:
    """Tell whether there is a search space for the learner."""
    return type(learner) in SPACES


def tune(
    learner: Learner, table: Table, folds: np.ndarray, seconds: float, rng: np.random.Generator, *, jobs: int = 2
) -> tuple[Learner, int]:
    """Search settings of the learner for a given time; return it unfitted with the best ones, and the number of trials.

    The score is the average precision of the pooled out-of-fold predictions; the first trial is the learner as it is.
    The budget is time, as the loop's is, so two runs may differ in their number of trials.

    Parameters
    ----------
    learner : Learner
    table : Table, n rows
        Training rows.
    folds : ndarray of shape (n,)
        Fold ids.
    seconds : float
        Time after which no trial is begun.
    rng : numpy.random.Generator
    jobs : int
        Folds fitted side by side.

    Raises
    ------
    KeyError
        If there is no search space for the learner: ask `tunable` first.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space, seed = SPACES[type(learner)], root(rng)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=integer(rng)))
    candidates = [learner]
    started = time.perf_counter()
    study.tell(study.ask(), out_of_fold(learner, table, folds, seed, 0, jobs))  # even if there is no time
    while time.perf_counter() - started < seconds:
        trial = study.ask(dict(space))
        candidates.append(replace(learner, **trial.params))  # type: ignore[type-var]
        study.tell(trial, out_of_fold(candidates[-1], table, folds, seed, trial.number, jobs))
    return candidates[study.best_trial.number], len(candidates)


def out_of_fold(
    learner: Learner,
    table: Table,
    folds: np.ndarray,
    seed: int,
    number: int,
    jobs: int,
    rows: Callable[[Table, np.random.Generator], Table] = lambda table, _: table,
) -> float:
    """Return the average precision of the pooled out-of-fold predictions of a learner.

    Parameters
    ----------
    learner : Learner
    table : Table, n rows
    folds : ndarray of shape (n,)
        Fold ids.
    seed, number : int
        Key of the random stream: the same pair gives every learner the same draws.
    jobs : int
        Folds fitted side by side.
    rows : callable
        Turns the rows of the other folds into the table that the learner is fitted on.
    """
    ids = [int(fold) for fold in np.unique(folds)]

    def answer(fold: int) -> np.ndarray:
        draws = stream(seed, number, fold + 1)
        fitted = copy.deepcopy(learner).fit(rows(table.take(folds != fold), draws), draws)
        return fitted.predict_proba(table.rows.take(folds == fold))

    answers = side_by_side(answer, ids, jobs)
    at = np.concatenate([np.flatnonzero(folds == fold) for fold in ids])
    return score("average_precision", JudgeRows.of(table, at), np.concatenate(answers))
