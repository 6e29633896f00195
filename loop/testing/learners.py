"""Laws that every learner must obey. Each takes a function that makes an unfitted learner."""

import copy
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
from sklearn.metrics import average_precision_score

from loop.protocols import Learner
from loop.rows import Rows
from loop.testing.held import hold
from loop.testing.tables import mixed_table
from loop.types import Column, Schema, Table

Make = Callable[[], Learner]


def blobs(n: int = 300, n_classes: int = 2, seed: int = 0) -> Table:
    """Make rows of which the last class is rare (about a tenth) and lies apart in the first two of three columns."""
    rng = np.random.default_rng(seed)
    shares = np.append(np.full(n_classes - 1, 0.9 / (n_classes - 1)), 0.1)
    y = rng.permutation(np.repeat(np.arange(n_classes), np.round(shares * n).astype(int)))
    X = rng.normal(size=(len(y), 3))
    X[:, :2] += 2.5 * np.column_stack([np.cos(y), np.sin(y)]) * (y > 0)[:, None]
    columns = tuple(Column(name, "numeric", "float64") for name in "abc")
    return Table.real(X, y, Schema(columns, tuple(range(n_classes)), positive=n_classes - 1))


def with_category(table: Table, codes: np.ndarray) -> Table:
    """Put a categorical column of ten possible categories in the place of the last column."""
    categories = tuple("abcdefghij")
    columns = (*table.schema.columns[:-1], Column("kind", "categorical", "str", categories=categories))
    X = np.column_stack([table.X[:, :-1], codes])
    return replace(table, rows=Rows(X), schema=replace(table.schema, columns=columns))


def fitted_proba(make: Make, table: Table, X: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Fit a new learner and return its probabilities for X, or for the rows of the table."""
    learner = make().fit(table, np.random.default_rng(seed))
    return learner.predict_proba(Rows(table.X if X is None else X))


def assert_valid(proba: np.ndarray, n: int, n_classes: int) -> None:
    assert proba.shape == (n, n_classes)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)


def check_probabilities_are_valid(make: Make) -> None:
    table = blobs()
    assert_valid(fitted_proba(make, table), len(table), 2)


def check_no_rows_get_no_answers(make: Make) -> None:
    for n_classes in (2, 3):
        table = blobs(n_classes=n_classes)
        assert fitted_proba(make, table, table.X[:0]).shape == (0, n_classes)


def check_three_classes(make: Make) -> None:
    table = blobs(n_classes=3)
    proba = fitted_proba(make, table)
    assert_valid(proba, len(table), 3)
    assert (proba.argmax(axis=1) == table.y).mean() > 0.7


def check_absent_class_keeps_its_column(make: Make) -> None:
    table = blobs(n_classes=3)
    proba = fitted_proba(make, table.take(table.y != 1), table.X)
    assert_valid(proba, len(table), 3)
    assert proba[:, 1].mean() < 0.05


def check_single_class(make: Make) -> None:
    table = blobs()
    proba = fitted_proba(make, table.take(table.y == 0), table.X)
    assert_valid(proba, len(table), 2)
    assert proba[:, 1].mean() < 0.1


def check_two_positives(make: Make) -> None:
    table = blobs()
    rows = np.sort(np.concatenate([np.flatnonzero(table.y == 0), np.flatnonzero(table.y == 1)[:2]]))
    assert_valid(fitted_proba(make, table.take(rows), table.X), len(table), 2)


def check_beats_the_prior(make: Make) -> None:
    test = blobs(seed=1)
    proba = fitted_proba(make, blobs(), test.X)
    assert average_precision_score(test.y, proba[:, 1]) > 0.5  # prevalence is 0.1


def check_seed_decides(make: Make) -> None:
    table, fresh = blobs(), blobs(seed=1).X
    np.testing.assert_array_equal(fitted_proba(make, table, fresh, seed=3), fitted_proba(make, table, fresh, seed=3))


def check_global_random_state_is_left_alone(make: Make) -> None:
    before = repr(np.random.get_state())  # noqa: NPY002 (the global generator is what is watched)
    fitted_proba(make, blobs())
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def check_input_is_unchanged(make: Make) -> None:
    table = blobs()
    table = replace(table, soft=table.targets, rows=Rows(np.where(table.X > 2.5, np.nan, table.X)))
    names = ("X", "y", "weight", "soft")
    before = {name: getattr(table, name).copy() for name in names}
    fitted_proba(make, table)
    for name in names:
        np.testing.assert_array_equal(before[name], getattr(table, name), err_msg=name)


def check_settings_are_unchanged(make: Make) -> None:
    learner = make()
    settings = [f.name for f in fields(learner) if f.init]  # type: ignore[arg-type]
    before = copy.deepcopy({name: vars(learner)[name] for name in settings})
    learner.fit(blobs(), np.random.default_rng(0))
    for name in settings:
        assert repr(vars(learner)[name]) == repr(before[name]), name


def check_template_can_be_copied(make: Make) -> None:
    table, fresh, template = blobs(), blobs(seed=1).X, make()
    copied = fitted_proba(lambda: copy.deepcopy(template), table, fresh)
    np.testing.assert_array_equal(copied, fitted_proba(make, table, fresh))


def check_fitted_learner_can_be_copied(make: Make) -> None:
    table = blobs()
    learner = make().fit(table, np.random.default_rng(0))
    np.testing.assert_array_equal(copy.deepcopy(learner).predict_proba(table.rows), learner.predict_proba(table.rows))


def check_unknown_arrays_are_ignored(make: Make) -> None:
    table = blobs()
    beside = Rows(table.X, {"unknown": np.random.default_rng(9).normal(size=(len(table), 2, 3))})
    learner = make().fit(replace(table, rows=beside), np.random.default_rng(0))
    np.testing.assert_array_equal(learner.predict_proba(beside), fitted_proba(make, table))


def check_refit_forgets(make: Make) -> None:
    table, fresh, learner = blobs(), blobs(seed=1).X, make()
    learner.fit(blobs(n_classes=3, seed=5), np.random.default_rng(1))
    again = learner.fit(table, np.random.default_rng(0)).predict_proba(Rows(fresh))
    np.testing.assert_array_equal(again, fitted_proba(make, table, fresh))


def check_prediction_is_row_by_row(make: Make) -> None:
    table = blobs()
    learner = make().fit(table, np.random.default_rng(0))
    parts = np.concatenate([learner.predict_proba(Rows(table.X[:7])), learner.predict_proba(Rows(table.X[7:]))])
    np.testing.assert_allclose(parts, learner.predict_proba(table.rows), atol=1e-6)


def check_zero_weight_is_absence(make: Make) -> None:
    table = blobs()
    flipped = replace(table, y=1 - table.y, weight=np.zeros(len(table)))
    fresh = blobs(seed=1).X
    both = fitted_proba(make, Table.concat([table, flipped]), fresh)
    # Folds may be dealt over all rows: what is asked is no influence of the labels, up to the noise of a refit.
    gap = np.abs(both - fitted_proba(make, table, fresh))[:, 1].mean()
    noise = np.abs(fitted_proba(make, table, fresh, seed=1) - fitted_proba(make, table, fresh, seed=2))[:, 1].mean()
    assert gap <= 2 * noise + 0.01


def check_weight_counts(make: Make) -> None:
    """Contradicting copies of each row, one three times as heavy: the heavy label gets three quarters."""
    table = blobs()
    zeros, ones = replace(table, y=np.zeros_like(table.y)), replace(table, y=np.ones_like(table.y))
    table = Table.concat(
        [replace(zeros, weight=np.full(len(table), 0.5)), replace(ones, weight=np.full(len(table), 1.5))]
    )
    assert abs(fitted_proba(make, table)[:, 1].mean() - 0.75) < 0.05


def check_soft_labels_are_learnt(make: Make) -> None:
    table = blobs()
    table = replace(table, y=np.zeros_like(table.y), soft=np.tile([0.7, 0.3], (len(table), 1)))
    assert abs(fitted_proba(make, table)[:, 1].mean() - 0.3) < 0.03


def check_soft_labels_of_three_classes_are_learnt(make: Make) -> None:
    table = blobs(n_classes=3)
    shares = np.array([0.5, 0.2, 0.3])
    table = replace(table, y=np.zeros_like(table.y), soft=np.tile(shares, (len(table), 1)))
    np.testing.assert_allclose(fitted_proba(make, table).mean(axis=0), shares, atol=0.03)


def check_onehot_equals_hard(make: Make) -> None:
    for table in (blobs(), blobs(n_classes=3)):
        onehot = fitted_proba(make, replace(table, soft=table.targets))
        np.testing.assert_allclose(onehot, fitted_proba(make, table), atol=1e-6)


def check_missing_values(make: Make) -> None:
    table, rng = blobs(), np.random.default_rng(0)
    holes = replace(table, rows=Rows(np.where(rng.random(table.X.shape) < 0.2, np.nan, table.X)))
    proba = fitted_proba(make, holes)
    assert_valid(proba, len(table), 2)
    assert average_precision_score(table.y, proba[:, 1]) > 0.3


def check_missing_values_first_seen_after_fit(make: Make) -> None:
    table = blobs()
    assert_valid(fitted_proba(make, table, np.full((4, 3), np.nan)), 4, 2)


def check_column_all_missing(make: Make) -> None:
    table = blobs()
    X = np.column_stack([table.X[:, :2], np.full(len(table), np.nan)])
    assert_valid(fitted_proba(make, replace(table, rows=Rows(X)), table.X), len(table), 2)


def check_constant_column(make: Make) -> None:
    table = blobs()
    X = np.column_stack([table.X[:, :2], np.full(len(table), 7.0)])
    assert_valid(fitted_proba(make, replace(table, rows=Rows(X)), table.X), len(table), 2)


def check_heavy_tail(make: Make) -> None:
    table = blobs()
    X = table.X.copy()
    X[0, 2] = 1e9
    proba = fitted_proba(make, replace(table, rows=Rows(X)))
    assert average_precision_score(table.y[1:], proba[1:, 1]) > 0.5


def check_categories_are_used(make: Make) -> None:
    """The label hangs on the category alone, in no order of codes; a tenth of the labels are flipped."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 8, size=300)
    y = (np.isin(codes, (1, 4)) ^ (rng.random(300) < 0.1)).astype(np.int64)
    table = with_category(replace(blobs(), y=y), codes)
    fit, test = table.take(np.arange(200)), table.take(np.arange(200, 300))
    proba = fitted_proba(make, fit, test.X)
    assert average_precision_score(test.y, proba[:, 1]) > 0.5  # prevalence is 0.3


def check_unseen_and_missing_categories(make: Make) -> None:
    rng = np.random.default_rng(0)
    table = with_category(blobs(), rng.integers(0, 8, size=300))
    X = np.repeat(table.X[:1], 3, axis=0)
    X[:, -1] = (8, 9, np.nan)
    assert_valid(fitted_proba(make, table, X), 3, 2)


def check_every_kind_of_column(make: Make) -> None:
    table = mixed_table(400)
    assert_valid(fitted_proba(make, table), len(table), 2)


LAWS: tuple[Callable[[Make], None], ...] = tuple(
    law for name, law in list(globals().items()) if name.startswith("check_")
)


def check_learner(make: Make) -> None:
    """Hold a learner to the laws of learners, on tables of a few hundred rows; it fits some fifty times.

    Parameters
    ----------
    make : callable
        Makes an unfitted learner, such as the class itself; its settings are the fields of a dataclass.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    hold(LAWS, make)
