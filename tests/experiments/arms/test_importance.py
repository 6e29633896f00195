"""Permutation importance finds what a model looks at, and nothing where it looks at nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from experiments.arms.importance import importance
from learners import XGBoost
from loop.rows import Rows
from loop.types import Column, Schema, Table

SCHEMA = Schema(tuple(Column(name, "numeric", "float64") for name in ("none", "much", "some")), ("no", "yes"))


def table(n: int = 3000, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    y = (2 * X[:, 1] + X[:, 2] + rng.normal(size=n) > 3.5).astype(np.int64)
    return Table.real(X, y, SCHEMA)


class Answers:
    """Answers by a function of the columns."""

    def __init__(self, of: Callable[[np.ndarray], np.ndarray]) -> None:
        self.of = of

    def predict_proba(self, rows: Rows) -> np.ndarray:
        p = self.of(rows.X)
        return np.column_stack([1 - p, p])


def test_columns_come_in_the_order_in_which_they_count() -> None:
    model = XGBoost(trees=60, depth=3).fit(table(), np.random.default_rng(0))
    found = importance(model, table(seed=1), np.random.default_rng(0))
    assert [each["column"] for each in found] == ["much", "some", "none"]
    falls = [float(str(each["fall"])) for each in found]
    assert falls[0] > falls[1] + 0.1 > 0.2 > 0.05 > abs(falls[2])
    for each in found:
        assert float(str(each["least"])) <= float(str(each["fall"])) <= float(str(each["most"]))


def test_a_model_that_looks_at_nothing_loses_nothing() -> None:
    found = importance(Answers(lambda X: np.full(len(X), 0.3)), table(), np.random.default_rng(0))
    assert [each["fall"] for each in found] == [0, 0, 0]


def test_a_sample_of_many_rows_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, test = XGBoost(trees=60, depth=3).fit(table(), np.random.default_rng(0)), table(20_000, seed=1)
    some = importance(model, test, np.random.default_rng(0))  # of 5,000 rows, all of the rare class
    monkeypatch.setattr("experiments.arms.importance.MOST_ROWS", 20_000)
    monkeypatch.setattr("experiments.arms.importance.MOST_ANSWERS", 10**6)
    for one, other in zip(some, importance(model, test, np.random.default_rng(0)), strict=True):
        assert float(str(one["fall"])) == pytest.approx(float(str(other["fall"])), abs=0.05)


def test_the_same_seed_tells_the_same_and_rows_stay_as_they_are() -> None:
    model, test = XGBoost(trees=20).fit(table(), np.random.default_rng(0)), table(seed=1)
    before = test.X.copy()
    first, second = (importance(model, test, np.random.default_rng(3)) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(test.X, before)


@pytest.mark.parametrize("n", [10, 199])
def test_too_few_rows_tell_nothing(n: int) -> None:
    assert importance(Answers(lambda X: X[:, 1]), table(n), np.random.default_rng(0)) == []
