"""The tuned arm: the learner on real rows alone, tuned with Optuna for as long as the loop took."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import optuna
from joblib import Parallel, delayed

from learners import CatBoost, ExtraTrees, Forest, LightGBM, Linear, XGBoost
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner
from loop.seeds import integer, root, stream
from loop.types import Table

Space = Callable[[optuna.Trial], Mapping[str, object]]


def _xgboost(trial: optuna.Trial) -> Mapping[str, object]:
    return {
        "trees": trial.suggest_int("trees", 100, 1000, log=True),
        "depth": trial.suggest_int("depth", 2, 10),
        "rate": trial.suggest_float("rate", 0.01, 0.3, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 20, log=True),
        "row_share": trial.suggest_float("row_share", 0.5, 1.0),
        "column_share": trial.suggest_float("column_share", 0.3, 1.0),
        "l2": trial.suggest_float("l2", 0.1, 20, log=True),
    }


def _catboost(trial: optuna.Trial) -> Mapping[str, object]:
    return {
        "trees": trial.suggest_int("trees", 100, 1000, log=True),
        "depth": trial.suggest_int("depth", 3, 10),
        "rate": trial.suggest_float("rate", 0.01, 0.3, log=True),
        "l2": trial.suggest_float("l2", 0.5, 30, log=True),
    }


def _lightgbm(trial: optuna.Trial) -> Mapping[str, object]:
    return {
        "trees": trial.suggest_int("trees", 100, 1000, log=True),
        "leaves": trial.suggest_int("leaves", 4, 127, log=True),
        "rate": trial.suggest_float("rate", 0.01, 0.3, log=True),
        "min_leaf": trial.suggest_int("min_leaf", 1, 100, log=True),
        "row_share": trial.suggest_float("row_share", 0.5, 1.0),
        "column_share": trial.suggest_float("column_share", 0.3, 1.0),
        "extra_trees": trial.suggest_categorical("extra_trees", [True, False]),
    }


def _forest(trial: optuna.Trial) -> Mapping[str, object]:
    return {
        "trees": trial.suggest_int("trees", 100, 600, log=True),
        "min_leaf": trial.suggest_int("min_leaf", 1, 20, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }


def _linear(trial: optuna.Trial) -> Mapping[str, object]:
    return {"C": trial.suggest_float("C", 1e-3, 1e2, log=True)}


SPACES: Mapping[type, Space] = {
    XGBoost: _xgboost,
    CatBoost: _catboost,
    LightGBM: _lightgbm,
    Forest: _forest,
    ExtraTrees: _forest,
    Linear: _linear,
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
    candidates: dict[int, Learner] = {}

    def objective(trial: optuna.Trial) -> float:
        candidate = learner if trial.number == 0 else replace(learner, **space(trial))  # type: ignore[type-var]
        candidates[trial.number] = candidate
        return out_of_fold(candidate, table, folds, seed, trial.number, jobs)

    started = time.perf_counter()
    study.optimize(objective, n_trials=1)  # at least one trial, even if the time is over
    left = seconds - (time.perf_counter() - started)
    if left > 0:
        study.optimize(objective, timeout=left)
    return candidates[study.best_trial.number], len(study.trials)


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

    answers = Parallel(n_jobs=jobs, backend="threading")(delayed(answer)(fold) for fold in ids)
    at = np.concatenate([np.flatnonzero(folds == fold) for fold in ids])
    return score("average_precision", JudgeRows.of(table, at), np.concatenate(answers))
