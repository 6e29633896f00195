"""Draws aimed at a region: they follow the model inside it, cost little, end, and say what they cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, truncnorm

from generators.common.latent_search import (
    BLIND,
    COPIES,
    PILOT,
    Proposal,
    copies_each,
    draws_for,
    from_latents,
    importance_weights,
)
from loop.rows import Rows
from loop.testing.tables import numeric_table
from loop.types import Condition, Region, Request

MIXING = np.random.default_rng(9).normal(size=(100, 3))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def linear(width: int):
    """Columns are standard normal mixes of all latents; a row is positive with a chance that grows with column 1."""
    mixing = MIXING[:width] / np.linalg.norm(MIXING[:width], axis=0)

    def decode(Z, stream):
        X = Z @ mixing
        return X, (stream.random(len(X)) < norm.cdf(X[:, 1])).astype(np.int64)

    return decode, float(mixing[:, 0] @ mixing[:, 1])  # and the correlation of columns 0 and 1


def above(low: float) -> Region:
    return Region((Condition(0, low=low),))


@pytest.mark.parametrize("width", [3, 16, 100])
@pytest.mark.parametrize("chance", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
def test_rows_follow_the_model_inside_the_region(width, chance):
    low = norm.isf(chance)
    decode, correlation = linear(width)
    X, y, tried, sampling_method = from_latents(decode, width, Request(above(low), None, 500), rng(), most=100_000)
    tail = truncnorm(low, np.inf)
    assert len(X) == len(y) == 500
    assert (X[:, 0] > low).all()
    assert abs(X[:, 0].mean() - tail.mean()) < 0.1
    assert abs(X[:, 0].std() - tail.std()) < 0.1
    assert abs(X[:, 1].mean() - correlation * tail.mean()) < 0.2  # a column that the rule does not name
    inside = tail.ppf(np.linspace(0.005, 0.995, 100))  # P(y = 1 | x0), as x1 given x0 is normal again
    positive = norm.cdf(correlation * inside / np.sqrt(2 - correlation**2)).mean()
    assert abs(y.mean() - positive) < 0.1, "labels must be those of the region"
    assert sampling_method == ("rejection" if chance == 1e-1 else "importance")
    assert tried < 25_000  # rejection would need 50 million draws at 1e-5


def test_filling_a_region_of_one_in_ten_thousand_costs_few_draws():
    decode, _ = linear(16)
    X, _, tried, _ = from_latents(decode, 16, Request(above(norm.isf(1e-4)), None, 500), rng(), most=10**6)
    assert len(X) == 500
    assert tried < 10_000 < 500 / 1e-4 / 100


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_rows_are_found_as_far_away_as_many(n):
    decode, _ = linear(16)
    request = Request(above(norm.isf(1e-5)), None, n)
    most = draws_for(request, 100)
    for seed in range(5):
        X, _, tried, sampling_method = from_latents(decode, 16, request, rng(seed), most=most)
        assert (len(X), sampling_method) == (n, "importance")
        assert tried <= most
    assert draws_for(Request(Region(), None, 0), 100) == 0


def test_both_ways_into_a_region_are_found():
    def decode(Z, stream):
        return np.where(Z > 0, Z, -0.9 * Z), (Z[:, 0] > 0).astype(np.int64)

    X, y, _, sampling_method = from_latents(decode, 4, Request(above(3.0), None, 1000), rng(), most=100_000)
    assert sampling_method == "importance"
    assert len(X) == 1000
    assert abs(y.mean() - norm.sf(3) / (norm.sf(3) + norm.sf(3 / 0.9))) < 0.08


def test_label_and_region_together():
    decode, _ = linear(16)
    X, y, _, _ = from_latents(decode, 16, Request(Region((Condition(1, high=-2.0),)), 1, 200), rng(), most=100_000)
    assert len(X) == 200
    assert (X[:, 1] <= -2).all()
    assert (y == 1).all()  # about one in 4,000 rows


def test_categories_and_missing_values():
    def decode(Z, stream):
        category = np.searchsorted([0, 1, 2.5], Z[:, 0]).astype(float)  # 3 has a chance of 0.6 %
        number = np.where(stream.random(len(Z)) < 0.1, np.nan, np.round(10 * Z[:, 1]))
        return np.column_stack([category, number]), np.zeros(len(Z), dtype=np.int64)

    rare = Condition(0, codes=frozenset({3}))
    for rule, missing in (((rare,), 0.1), ((rare, Condition(1, low=14, high=15)), 0.0)):
        X, _, _, sampling_method = from_latents(decode, 5, Request(Region(rule), None, 300), rng(), most=200_000)
        assert sampling_method == "importance"
        assert len(X) == 300
        assert Region(rule).contains(Rows(X)).all()
        assert abs(np.isnan(X[:, 1]).mean() - missing) < 0.05
    gone = Condition(1, low=np.inf, missing=True)
    X, *_ = from_latents(decode, 5, Request(Region((rare, gone)), None, 100), rng(), most=200_000)
    assert len(X) == 100
    assert np.isnan(X[:, 1]).all()


@pytest.mark.parametrize("most", [10, 500, 1_500, 50_000])
@pytest.mark.parametrize("condition", [Condition(0, low=1e9), Condition(2, codes=frozenset({7}))])
def test_an_impossible_region_ends(most, condition):
    calls = []

    def decode(Z, stream):
        calls.append(len(Z))
        return Z[:, :3], np.zeros(len(Z), dtype=np.int64)

    X, y, tried, _ = from_latents(decode, 8, Request(Region((condition,)), None, 200), rng(), most=most)
    assert X.shape == (0, 3)
    assert y.shape == (0,)
    assert tried == sum(calls) <= most


boxes = st.tuples(st.floats(-1, 4), st.floats(0.001, 2)).map(
    lambda c: Region((Condition(0, low=c[0], high=c[0] + c[1]),))
)


@settings(max_examples=30, deadline=None)
@given(region=boxes, label=st.sampled_from([None, 0, 1]), n=st.integers(0, 300), most=st.integers(0, 5000))
def test_any_request_is_served_honestly(region, label, n, most):
    calls = []

    def decode(Z, stream):
        calls.append(len(Z))
        return linear(4)[0](Z, stream)

    X, y, tried, sampling_method = from_latents(decode, 4, Request(region, label, n), rng(), most=most)
    assert region.contains(Rows(X)).all()
    assert label is None or (y == label).all()
    assert len(X) == len(y) <= n
    assert len(np.unique(X, axis=0)) * COPIES >= len(X)
    assert len(np.unique(X, axis=0)) <= tried == sum(calls) <= most
    assert sampling_method in ("native", "rejection", "importance")


def test_nothing_is_thrown_away_without_need():
    decode, _ = linear(4)
    X, _, tried, sampling_method = from_latents(decode, 4, Request(Region(), None, 50), rng(), most=10_000)
    assert len(X) == tried == 50
    assert sampling_method == "native"


def test_a_bound_below_the_need_delivers_few_rows_rather_than_many_copies():
    decode, _ = linear(4)
    request = Request(above(norm.isf(1e-3)), None, 2000)
    X, _, tried, _ = from_latents(decode, 4, request, rng(), most=PILOT + 1500)
    assert tried <= PILOT + 1500
    assert 0 < len(X) < 2000
    assert np.unique(X, axis=0, return_counts=True)[1].max() <= COPIES


def test_the_same_seed_gives_the_same_rows():
    decode, _ = linear(8)
    request = Request(above(3.0), None, 100)
    one, same, other = (from_latents(decode, 8, request, rng(seed), most=50_000)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


class TestWeights:
    def test_the_prior_in_the_mixture_bounds_them(self):
        table = numeric_table(200, d=4)
        proposal = Proposal.fit(table.X + 3, np.ones(200))
        blind = int(BLIND * 1000)
        Z = np.concatenate([rng().standard_normal((blind, 4)), proposal.draw(1000 - blind, rng(1))])
        ratio = np.exp(proposal.log_ratio(Z))
        true = 1 / (BLIND + (1 - BLIND) * ratio)  # p(z) / q(z)
        assert true.max() <= 1 / BLIND
        np.testing.assert_allclose(importance_weights(Z, [proposal], [blind, 1000 - blind]), true / true.max())
        assert abs(true.mean() - 1) < 0.15, "weights of a proper density average to one"

    def test_noise_moves_no_proposal(self):
        Z = rng().standard_normal((100, 50))
        proposal = Proposal.fit(Z, np.ones(100))
        assert np.linalg.norm(proposal.mean) < 0.5  # of 100 rows the mean itself is 0.7 long
        assert proposal.axes.shape[1] <= 2

    @given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=60), st.integers(0, 100), st.integers(0, 9))
    def test_copies_add_up_and_are_few(self, weight, n, seed):
        copies = copies_each(np.array(weight), n, rng(seed))
        assert copies.sum() == min(n, COPIES * len(weight))
        assert copies.max() <= COPIES

    def test_copies_are_in_proportion_to_the_weight(self):
        weight = np.array([1.0, 2.0, 4.0, 1000.0])
        mean = np.mean([copies_each(weight, 5, rng(seed)) for seed in range(2000)], axis=0)
        np.testing.assert_allclose(mean, [2 / 7, 4 / 7, 8 / 7, COPIES], atol=0.05)
