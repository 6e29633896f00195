"""Laws that every teacher must obey. Each takes a function that makes an unfitted one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.metrics import average_precision_score

from loop.protocols import Teacher
from loop.rows import Rows
from loop.testing.held import entered, hold, leaves_the_global_random_state, leaves_unchanged
from loop.testing.tables import numeric_table
from loop.types import Table

Make = Callable[[], Teacher]
LAWS: list[Callable[[Make], None]] = []
law = entered(LAWS)
ROWS, FOLD_IDS = 300, 3
FOLDS = np.arange(ROWS) % (FOLD_IDS + 1) - 1  # (n,) every fourth row is of no fold


@law
def views_are_probabilities_and_variances(make: Make) -> None:
    table = numeric_table(ROWS)
    teacher = _fitted(make, table)
    for without in (None, *range(FOLD_IDS)):
        proba, variance = teacher.views(table.rows.take(np.arange(50)), without)
        assert proba.shape == (50, 2), f"probabilities of shape {proba.shape} for 50 rows of 2 classes"
        assert variance.shape == (50,), f"variances of shape {variance.shape} for 50 rows"
        assert ((proba >= 0) & (proba <= 1)).all(), "a value is no probability"
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)
        assert ((variance >= 0) & (variance <= 0.25)).all(), "a value is no variance of probabilities"


@law
def out_of_fold_answers_are_the_views_without_the_fold(make: Make) -> None:
    table = numeric_table(ROWS)
    teacher = _fitted(make, table)
    assert teacher.oof_.shape == (ROWS, 2), f"out-of-fold answers of shape {teacher.oof_.shape} for {ROWS} rows"
    assert np.isnan(teacher.oof_[FOLDS < 0]).all(), "rows of no fold have an out-of-fold answer"
    for fold in range(FOLD_IDS):
        view, _ = teacher.views(table.rows.take(np.flatnonzero(fold == FOLDS)), fold)
        np.testing.assert_allclose(teacher.oof_[fold == FOLDS], view, atol=1e-6)


@law
def rows_of_no_fold_are_never_used(make: Make) -> None:
    table, outside = numeric_table(ROWS), FOLDS < 0
    spoilt = replace(table, rows=Rows(np.where(outside[:, None], 1e6, table.X)), y=np.where(outside, 1, table.y))
    one, other = (_fitted(make, each).views(table.rows, None)[0] for each in (table, spoilt))
    np.testing.assert_array_equal(one, other)


@law
def out_of_fold_answers_to_noise_know_nothing(make: Make) -> None:
    """A teacher that has seen the rows it answers would know labels that follow from nothing."""
    table = numeric_table(ROWS)
    noise = replace(table, y=np.random.default_rng(0).permutation(table.y))
    measured = FOLDS >= 0
    seen = average_precision_score(noise.y[measured], _fitted(make, noise).oof_[measured, 1])
    assert seen < 2 * noise.y.mean(), f"average precision {seen:.2f} out of fold on random labels"


@law
def beats_the_prior(make: Make) -> None:
    table, fresh = numeric_table(ROWS), numeric_table(ROWS, seed=1)
    seen = average_precision_score(fresh.y, _fitted(make, table).views(fresh.rows, None)[0][:, 1])
    assert seen > 2 * fresh.y.mean(), f"average precision {seen:.2f} with a fifth of the rows positive"


@law
def same_seed_same_answers(make: Make) -> None:
    table = numeric_table(ROWS)
    for one, other in zip(*(_fitted(make, table).views(table.rows, 0) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(one, other)


@law
def global_random_state_is_left_alone(make: Make) -> None:
    leaves_the_global_random_state(lambda: _fitted(make, numeric_table(ROWS)))


@law
def inputs_are_unchanged(make: Make) -> None:
    table, folds = numeric_table(ROWS), FOLDS.copy()
    leaves_unchanged(
        (table, folds),
        lambda: make().fit_folds(table, folds, np.random.default_rng(0)).views(table.rows, 0),
        "the table or the folds have changed",
    )


def check_teacher(make: Make) -> None:
    """Hold a teacher to the laws of teachers, on a table of three hundred rows in three folds.

    Parameters
    ----------
    make : callable
        Makes an unfitted teacher, such as the class itself.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold(LAWS, make)


def _fitted(make: Make, table: Table) -> Teacher:
    return make().fit_folds(table, FOLDS.copy(), np.random.default_rng(0))
