"""A column's distribution: exact where it jumps, within its range elsewhere, and the same there and back."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, kstest

from generators.common.marginals import GRID, Marginal, draw_within, intersection
from loop.data.value_grid import aligned, pulled_inside, tidy
from loop.rows import Rows
from loop.types import Column, Condition, Schema

# Without subnormal floats: between two of them there may be no other value.
values = st.one_of(
    st.just(np.nan), st.sampled_from([-1.5, 0.0, 0.0, 2.0, 3.0]), st.floats(-1e6, 1e6, allow_subnormal=False)
)
columns = st.lists(values, min_size=1, max_size=60).map(np.array)
codes = st.lists(st.one_of(st.just(np.nan), st.integers(0, 6).map(float)), min_size=1, max_size=60).map(np.array)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spiky(n: int = 5000) -> np.ndarray:
    """A tenth missing, 30 % zeros, then nothing below 100."""
    x = 100 + rng().lognormal(0, 1, n)
    return np.select([rng(1).random(n) < 0.1, rng(2).random(n) < 0.3], [np.nan, 0.0], x)


@settings(max_examples=80, deadline=None)
@given(x=columns, discrete=st.just(False))
def test_values_come_back_from_their_scores(x, discrete):
    marginal = Marginal.of(x, discrete=discrete)
    np.testing.assert_allclose(marginal.value(marginal.normal(x, rng())), x, rtol=1e-9, atol=1e-6)


@settings(max_examples=80, deadline=None)
@given(x=codes)
def test_codes_come_back_exactly_in_any_order(x):
    for order in (None, np.array([3.0, 1.0, 6.0, 0.0])):
        marginal = Marginal.of(x, discrete=True, order=order)
        np.testing.assert_array_equal(marginal.value(marginal.normal(x, rng())), x)


@settings(max_examples=80, deadline=None)
@given(x=columns, low=st.floats(-5, 5, allow_subnormal=False), width=st.floats(0, 5), missing=st.booleans())
def test_scores_of_a_range_are_those_whose_values_hold(x, low, width, missing):
    marginal, condition = Marginal.of(x, discrete=False), Condition(0, low, low + width, missing=missing)
    _check_intervals(marginal, condition)


@settings(max_examples=80, deadline=None)
@given(x=codes, held=st.frozensets(st.integers(0, 8)), missing=st.booleans())
def test_scores_of_codes_are_those_whose_values_hold(x, held, missing):
    marginal = Marginal.of(x, discrete=True, order=np.array([5.0, 2.0, 0.0, 1.0]))
    _check_intervals(marginal, Condition(0, codes=held, missing=missing))


def _check_intervals(marginal: Marginal, condition: Condition) -> None:
    intervals = marginal.interval(condition)
    assert all(a <= b for a, b in intervals)
    assert all(b < c for (_, b), (c, _) in pairwise(intervals))
    z = rng().standard_normal(2000)
    inside = np.any([(z > a) & (z < b) for a, b in intervals], axis=0) if intervals else np.zeros(len(z), dtype=bool)
    edges = np.array(intervals).ravel()
    clear = np.all(np.abs(z[:, None] - edges) > 1e-6, axis=1) if len(edges) else np.ones(len(z), dtype=bool)
    np.testing.assert_array_equal(condition.holds(Rows(marginal.value(z)[:, None]))[clear], inside[clear])


def test_shares_of_spikes_and_gaps_stay():
    x = spiky()
    drawn = Marginal.of(x, discrete=False).value(rng(3).standard_normal(40_000))
    assert abs(np.isnan(drawn).mean() - np.isnan(x).mean()) < 0.005
    assert abs((drawn == 0).mean() - (x == 0).mean()) < 0.008
    assert ((drawn > 0) & (drawn < 99)).mean() < 0.0005, "the gap beside the spike was filled"
    assert np.nanmax(drawn) <= np.nanmax(x)


def test_scores_are_standard_normal_and_average_to_the_expected_ones():
    x = spiky()
    marginal = Marginal.of(x, discrete=False)
    assert kstest(marginal.normal(x, rng()), "norm").pvalue > 0.01
    mean = np.mean([marginal.normal(x[:50], rng(seed)) for seed in range(400)], axis=0)
    np.testing.assert_allclose(mean, marginal.expected(x[:50]), atol=0.15)


def test_a_huge_column_stays_small_and_true():
    x = np.where(rng(1).random(200_000) < 0.2, 1.0, rng().lognormal(0, 2, 200_000))
    marginal = Marginal.of(x, discrete=False)
    assert len(marginal.knots) <= 2 * GRID
    assert ks_2samp(marginal.value(rng(2).standard_normal(50_000)), x).statistic < 0.01
    assert marginal.knots[[0, -1]].tolist() == [x.min(), x.max()]


@pytest.mark.parametrize("x", [[np.nan] * 4, [3.0] * 4, [2.5], [np.nan, 1.0], 2.0**53 - np.arange(200)])
def test_odd_columns_work(x):
    x = np.array(x)
    marginal = Marginal.of(x, discrete=False)
    np.testing.assert_array_equal(marginal.value(marginal.normal(x, rng())), x)
    drawn = marginal.value(rng().standard_normal(100))
    assert np.isnan(drawn).any() == np.isnan(x).any()
    assert np.isin(drawn[~np.isnan(drawn)], x).all() or len(x) > 4


def test_ten_thousand_categories():
    x = rng().integers(0, 10_000, 50_000).astype(float)
    marginal = Marginal.of(x, discrete=True, order=rng().permutation(10_000).astype(float))
    np.testing.assert_array_equal(marginal.value(marginal.normal(x, rng())), x)


def test_an_unseen_category_may_score_anything():
    marginal = Marginal.of(np.array([0.0, 1.0, 1.0]), discrete=True)
    assert kstest(marginal.normal(np.full(2000, 7.0), rng()), "norm").pvalue > 0.01
    assert marginal.interval(Condition(0, codes=frozenset({7}))) == []


def test_a_point_of_a_smooth_column_has_an_interval_without_width():
    marginal = Marginal.of(rng().normal(size=400), discrete=False)
    ((low, high),) = marginal.interval(Condition(0, codes=frozenset({1})))
    assert high - low < 1e-9
    np.testing.assert_allclose(marginal.value(np.array([low])), 1.0, atol=1e-9)


@pytest.mark.parametrize("discrete", [False, True])
def test_a_blend_holds_both_in_proportion(discrete):
    a = Marginal.of(np.array([0.0, 0.0, 1.0, 1.0]), discrete=discrete)
    b = Marginal.of(np.array([0.0, 2.0, 3.0, np.nan, 1.0, 1.0, 0.0, 3.0]), discrete=discrete)
    drawn = a.blended(b, 0.4).value(rng().standard_normal(40_000))
    assert abs(np.isnan(drawn).mean() - 0.05) < 0.01
    assert abs((drawn == 0).mean() - (0.3 + 0.1)) < 0.01
    assert abs((drawn == 3).mean() - 0.1) < 0.01


def test_arrays_rebuild_the_marginal():
    marginal = Marginal.of(spiky(), discrete=False)
    twin, z = Marginal.of_arrays(marginal.arrays()), rng().standard_normal(500)
    np.testing.assert_array_equal(twin.value(z), marginal.value(z))
    assert (twin.missing, twin.discrete) == (marginal.missing, marginal.discrete)


def test_intersections():
    assert intersection([(0.0, 2.0), (3.0, 5.0)], [(1.0, 4.0)]) == [(1.0, 2.0), (3.0, 4.0)]
    assert intersection([(0.0, 1.0)], [(1.0, 2.0)]) == []
    assert intersection([(1.0, 1.0)], [(0.0, 2.0)]) == [(1.0, 1.0)]


def test_draws_within_intervals_far_out():
    bounds = np.array([[-9.0, -8.0], [7.0, 9.0]])
    z, share = draw_within(bounds, np.zeros(4000), 1.0, rng())
    assert (((z >= -9) & (z <= -8)) | ((z >= 7) & (z <= 9))).all()
    np.testing.assert_allclose(share, 1.28e-12, rtol=0.01)
    assert len(np.unique(z)) == 4000


def test_pulled_inside_lands_on_values_that_can_be_held():
    schema = Schema((Column("a", "integer", "int64"), Column("b", "numeric", "float64", decimals=2)), ("x", "y"))
    rule = (Condition(0, 4.2, 7.9), Condition(1, 0.29, 0.57))
    X = tidy(np.array([[4.3, 0.2911], [7.8, 0.5699], [5.0, 0.4]]), schema)
    np.testing.assert_array_equal(pulled_inside(X, rule, schema), [[5, 0.3], [7, 0.57], [5, 0.4]])
    np.testing.assert_array_equal(pulled_inside(X[:1], (Condition(0, 4.2, 4.8),), schema), X[:1])
    narrow = replace(rule[1], low=0.28, high=0.29)
    assert pulled_inside(X[:1], (narrow,), schema)[0, 1] == 0.29


@pytest.mark.parametrize("end", [1e307, 1e308, 2.0**53])
def test_ends_too_large_for_digits_are_ends_all_the_same(end: float):
    schema = Schema((Column("b", "numeric", "float64", decimals=2),), ("x", "y"))
    ((below,), (above,)) = (aligned((Condition(0, *ends),), schema) for ends in ((-np.inf, end), (-end, np.inf)))
    assert (below.high, above.low) == (end, -end)
    np.testing.assert_array_equal(pulled_inside(np.array([[1.25]]), (below, above), schema), [[1.25]])
