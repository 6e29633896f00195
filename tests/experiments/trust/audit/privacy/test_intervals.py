"""Intervals of shares and areas: exact where the answer is known, and wide enough."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from experiments.trust.audit.privacy.intervals import LEVEL, auc, auc_interval, share


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 500), st.data())
def test_shares_have_the_quantiles_of_beta_distributions(n: int, data: st.DataObject) -> None:
    hits, tail = data.draw(st.integers(0, n)), (1 - LEVEL) / 2
    found = share(hits, n)
    low = beta.ppf(tail, hits, n - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_areas_count_ties_half() -> None:
    assert auc(np.array([1.0, 2.0]), np.array([0.0, 2.0])) == pytest.approx((1 + 0 + 1 + 0.5) / 4)


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 1), st.integers(20, 5000), st.integers(20, 5000))
def test_intervals_of_areas_hold_their_estimate_and_have_a_width(area: float, n: int, m: int) -> None:
    found = auc_interval(area, n, m)
    assert 0 <= found.low <= area <= found.high <= 1
    assert found.high - found.low > 1e-4


def test_intervals_of_areas_hold_the_truth_as_often_as_they_say() -> None:
    rng, truth = np.random.default_rng(0), 0.6381631950841185  # of normals half a standard deviation apart
    held = 0
    for _ in range(400):
        found = auc_interval(auc(rng.normal(0.5, 1, 60), rng.normal(0, 1, 40)), 60, 40)
        held += found.low <= truth <= found.high
    assert held >= 0.975 * 400
