"""Out-of-fold probabilities of a learner or teacher, averaged over several ways to deal the folds."""

import copy

import numpy as np

from loop.data.split import duplicate_groups, folds, merge_groups
from loop.errors import ConfigError, DataError
from loop.protocols import Learner, Teacher
from loop.seeds import root, stream
from loop.types import Table


def repeated_folds(
    table: Table, rng: np.random.Generator, *, k: int = 5, repeats: int = 2, groups: np.ndarray | None = None
) -> np.ndarray:
    """Deal the rows into k folds several times, stratified by class; equal rows are always in one fold.

    A row with a wrong label is then never judged by a model that has learnt the same label from its copy.

    Parameters
    ----------
    table : Table, n rows
    rng : numpy.random.Generator
        Deals the rows.
    k : int
        Number of folds, at least 2.
    repeats : int
        How often the rows are dealt, at least 1.
    groups : numpy.ndarray, shape (n,), optional
        Ids of rows that must stay together as well, such as those of one card.

    Returns
    -------
    numpy.ndarray, shape (repeats, n), int
        Fold ids 0..k-1.

    Raises
    ------
    DataError
        If a class has too few distinct rows for k folds.
    ConfigError
        If ``k`` or ``repeats`` is too small.
    """
    if repeats < 1:
        raise ConfigError(f"the number of repeats must be at least 1, got {repeats}: 2 is usual.")
    together = duplicate_groups(table.X)
    together = together if groups is None else merge_groups(together, groups)
    return np.stack([folds(table.y, rng, k=k, groups=together) for _ in range(repeats)])


def out_of_fold(model: Learner | Teacher, table: Table, folds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the mean probabilities of each row (n, K) from models that have not seen it.

    Parameters
    ----------
    model : Learner or Teacher
        Unfitted; a copy is fitted for each repeat, a learner once for each fold.
    table : Table, n rows
    folds : numpy.ndarray, shape (n,) or (repeats, n), int
        Fold ids from 0; rows with -1 are neither learnt from nor answered.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (n, K), float64
        NaN in rows that are in no fold of any repeat.

    Raises
    ------
    DataError
        If the folds do not fit the table, or a repeat has fewer than two folds.
    """
    dealt = _checked(folds, len(table))
    seed = root(rng)
    total, count = np.zeros((len(table), table.n_classes)), np.zeros(len(table))
    for repeat, fold in enumerate(dealt):
        answered = fold >= 0
        total[answered] += _once(model, table, fold, stream(seed, repeat))[answered]
        count += answered
    mean: np.ndarray = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
    return mean


def _once(model: Learner | Teacher, table: Table, fold: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the probabilities (n, K) with the rows dealt once; NaN in rows of no fold."""
    if hasattr(model, "fit_folds"):
        return copy.deepcopy(model).fit_folds(table, fold, rng).oof_
    seed, proba = root(rng), np.full((len(table), table.n_classes), np.nan)
    for own in np.unique(fold[fold >= 0]).tolist():
        fitted = copy.deepcopy(model).fit(table.take((fold >= 0) & (fold != own)), stream(seed, own))
        proba[fold == own] = fitted.predict_proba(table.rows.take(fold == own))
    return proba


def _checked(folds: np.ndarray, n: int) -> np.ndarray:
    """Return fold ids as (repeats, n)."""
    dealt = np.atleast_2d(np.asarray(folds))
    if dealt.ndim != 2 or dealt.shape[1] != n or not np.issubdtype(dealt.dtype, np.integer):
        raise DataError(
            f"folds must be whole numbers of shape ({n},) or (repeats, {n}), one for each row of the table, got "
            f"{dealt.dtype} of shape {np.shape(folds)}: deal them with repeated_folds."
        )
    few = min((len(np.unique(fold[fold >= 0])) for fold in dealt), default=0)
    if few < 2:
        raise DataError(f"every repeat must have at least two folds, got {few}: deal them with repeated_folds.")
    return dealt
