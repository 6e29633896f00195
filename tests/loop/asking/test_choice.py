"""Questions are the highest scores without repeats, and an audit that any model leaves unbiased."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.asking.choice import Asking, choose, spread_out
from loop.asking.rounds import unlabelled
from loop.errors import ConfigError
from loop.rows import Rows
from loop.supplies.acquisition import HighestScore, Uniform
from loop.supplies.pool import Pool
from loop.testing.tables import numeric_table

SCHEMA = numeric_table(d=2).schema
TOP = HighestScore()


def pool_of(score: np.ndarray, X: np.ndarray | None = None) -> Pool:
    X = np.column_stack([np.arange(len(score)), np.zeros(len(score))]) if X is None else X
    return Pool(unlabelled(Rows(X.astype(float)), SCHEMA), np.column_stack([1 - score, score]))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_highest_scores_are_asked_about_first_to_last() -> None:
    score = rng().permutation(np.linspace(0.01, 0.99, 50))
    chosen = choose(Asking(TOP, audit=0), pool_of(score), np.ones(50, dtype=bool), 7, rng())
    np.testing.assert_array_equal(chosen.asked, np.argsort(-score)[:7])
    assert not len(chosen.audited)


def test_what_has_an_answer_is_not_asked_again() -> None:
    score = np.linspace(0.01, 0.99, 50)
    open_ = np.arange(50) < 30
    chosen = choose(Asking(TOP, audit=0), pool_of(score), open_, 5, rng())
    np.testing.assert_array_equal(chosen.asked, [29, 28, 27, 26, 25])


def test_of_copies_one_is_asked_about() -> None:
    X = np.column_stack([np.arange(60) // 6, np.zeros(60)])
    chosen = choose(Asking(TOP, audit=0), pool_of(np.linspace(0.1, 0.9, 60), X), np.ones(60, dtype=bool), 10, rng())
    assert sorted(X[chosen.asked, 0]) == list(range(10))


def test_few_rows_of_a_unit() -> None:
    pool = pool_of(np.linspace(0.1, 0.9, 60))
    pool = replace(pool, table=replace(pool.table, unit=np.arange(60) // 20))
    chosen = choose(Asking(TOP, audit=0, most_of_unit=2), pool, np.ones(60, dtype=bool), 5, rng())
    np.testing.assert_array_equal(chosen.asked, [59, 58, 39, 38, 19])


def test_a_dear_answer_must_be_worth_it() -> None:
    price = np.where(np.arange(10) == 9, 10.0, 1.0)
    chosen = choose(
        Asking(TOP, audit=0), pool_of(np.linspace(0.1, 0.9, 10)), np.ones(10, dtype=bool), 3, rng(), price=price
    )
    np.testing.assert_array_equal(chosen.asked, [8, 7, 6])


def test_a_spread_batch_has_no_hundred_of_one_kind() -> None:
    X = np.concatenate([rng().normal(0, 0.01, (100, 2)), rng(1).normal(5, 0.01, (20, 2))])
    score = np.concatenate([np.linspace(0.8, 0.9, 100), np.linspace(0.6, 0.7, 20)])
    together = choose(Asking(TOP, audit=0), pool_of(score, X), np.ones(120, dtype=bool), 10, rng())
    apart = choose(Asking(TOP, audit=0, spread=12), pool_of(score, X), np.ones(120, dtype=bool), 10, rng())
    assert (together.asked < 100).all()
    assert (apart.asked >= 100).any()
    assert len(apart.asked) == 10


@given(st.integers(1, 30), st.integers(0, 1000))
def test_points_far_apart_are_distinct_and_as_many_as_wanted(n: int, seed: int) -> None:
    points = rng(seed).normal(size=(30, 3))
    found = spread_out(points, n, rng(seed))
    assert len(np.unique(found)) == n
    assert found[0] == 0


def test_copies_are_never_far_apart() -> None:
    assert len(spread_out(np.zeros((9, 2)), 4, rng())) == 1


def test_the_audit_draws_with_the_probability_it_tells() -> None:
    score = np.linspace(0.001, 0.9, 40) ** 3
    drawn, told = np.zeros(40), np.zeros(40)
    for seed in range(3000):
        chosen = choose(Asking(Uniform(), audit=0.5), pool_of(score), np.ones(40, dtype=bool), 20, rng(seed))
        drawn[chosen.audited] += 1
        told[chosen.audited] = chosen.inclusion
    np.testing.assert_allclose(drawn / 3000, told, atol=0.03)
    assert told.sum() == pytest.approx(10, abs=0.01)
    assert told[-1] > 3 * told[0]  # a row that is likely of the rare class is looked at more often


def test_audited_rows_take_their_part_of_the_questions() -> None:
    chosen = choose(Asking(TOP, audit=0.3), pool_of(np.linspace(0.1, 0.9, 200)), np.ones(200, dtype=bool), 50, rng())
    assert len(chosen.audited)
    assert not np.intersect1d(chosen.asked, chosen.audited).size
    assert len(chosen.asked) + len(chosen.audited) == 50


def test_the_audit_looks_at_all_rows_whether_answered_or_not() -> None:
    open_ = np.zeros(200, dtype=bool)
    chosen = choose(Asking(TOP, audit=0.5), pool_of(np.linspace(0.1, 0.9, 200)), open_, 50, rng())
    assert len(chosen.audited)
    assert not len(chosen.asked)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"audit": 1.0}, "audit"), ({"audit": -0.1}, "audit"), ({"spread": 0}, "spread"), ({"most_of_unit": 0}, "unit")],
)
def test_bad_settings_are_told(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Asking(**settings)  # type: ignore[arg-type]
