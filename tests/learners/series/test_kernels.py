"""The fast features of MiniRocket against a plain reading of the paper, one series and one step after another."""

import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.series.kernels import COUNTED, PLACES, Kernels, dilations_of


def plain_features(kernels: Kernels, series: np.ndarray) -> list[float]:
    """Section 3 of the paper for one series (channels, time), by definition."""
    length = series.shape[1]
    made: list[float] = []
    feature = 0
    for d, dilation in enumerate(kernels.dilations.tolist()):
        for k, heavy in enumerate(combinations(range(9), 3)):
            weights = [2.0 if tap in heavy else -1.0 for tap in range(9)]
            own = [c for c in kernels.channels[d * 84 + k].tolist() if c >= 0]
            answer = []
            for step in range(length):
                total = 0.0
                for channel in own:
                    for tap, weight in enumerate(weights):
                        at = step + (tap - 4) * dilation
                        total += weight * float(series[channel, at]) if 0 <= at < length else 0.0
                answer.append(total)
            margin = 4 * dilation
            if (d + k) % 2 and length > 2 * margin:  # every other kernel sees no padding
                answer = answer[margin : length - margin]
            for _ in range(kernels.counts[d]):
                made.append(sum(value > kernels.biases[feature] for value in answer) / len(answer))
                feature += 1
    return made


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), channels=st.integers(1, 4), longest=st.sampled_from([3, 9, 20, 33]))
def test_features_are_those_of_the_paper(seed: int, channels: int, longest: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, 5)
    lengths[0] = longest
    values = np.zeros((5, channels, longest), dtype=np.float32)
    for row, length in zip(values, lengths, strict=True):
        row[:, :length] = rng.integers(-8, 9, (channels, length)) / 4  # sums are exact, so no rounding decides
    kernels = Kernels.of(values, lengths, 168, rng)
    made = kernels.features(values, lengths)
    for row, length, own in zip(values, lengths, made, strict=True):
        np.testing.assert_allclose(own, plain_features(kernels, row[:, :length]), atol=1e-6)


def test_long_series_are_counted_beyond_a_byte() -> None:
    rng = np.random.default_rng(0)
    values = (rng.integers(-8, 9, (2, 1, 2 * COUNTED + 90)) / 4).astype(np.float32)
    lengths = np.array([2 * COUNTED + 90, 2 * COUNTED + 3])
    values[1, :, lengths[1] :] = 0
    kernels = Kernels.of(values, lengths, 84, rng)
    made = kernels.features(values, lengths)
    np.testing.assert_allclose(made[1], plain_features(kernels, values[1, :, : lengths[1]]), atol=1e-6)


def test_kernels_and_dilations_are_those_of_the_paper() -> None:
    assert len(PLACES) == 84
    for length, features in ((150, 10_000), (24, 10_000), (1344, 2_000), (9, 84), (1, 500)):
        dilations, counts = dilations_of(length, features)
        assert counts.sum() == features // 84, "all features are used"
        assert (dilations >= 1).all()
        assert (dilations == np.unique(dilations)).all()
        assert 8 * dilations[-1] <= max(length - 1, 8), "no kernel is longer than the series"
        assert len(dilations) <= 32
    np.testing.assert_array_equal(dilations_of(129, 336)[0], [1, 2, 6, 16])  # 2 ** (0, 4/3, 8/3, 4), rounded down


def test_biases_are_quantiles_of_what_kernels_give() -> None:
    """Of one series each bias is a quantile of its answers, so shares of positive values spread evenly over 0 to 1."""
    values = np.random.default_rng(0).normal(size=(1, 1, 2000)).astype(np.float32)
    kernels = Kernels.of(values, np.array([2000]), 10_000, np.random.default_rng(1))
    shares = np.sort(kernels.features(values, np.array([2000]))[0])
    assert np.abs(shares - np.linspace(0, 1, len(shares))).max() < 0.03


def test_each_row_has_its_own_features() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 60, 30)
    values = rng.normal(size=(30, 2, 60)).astype(np.float32) * (np.arange(60) < lengths[:, None, None])
    kernels = Kernels.of(values, lengths, 500, rng)
    made = kernels.features(values, lengths)
    np.testing.assert_array_equal(kernels.features(values[7:8], lengths[7:8])[0], made[7])
    np.testing.assert_array_equal(kernels.features(values[::3], lengths[::3]), made[::3])


@pytest.mark.slow
def test_features_are_fast() -> None:
    values = np.random.default_rng(0).normal(size=(256, 1, 150)).astype(np.float32)
    lengths = np.full(256, 150)
    kernels = Kernels.of(values, lengths, 10_000, np.random.default_rng(0))
    seconds = []
    for _ in range(3):
        started = time.process_time()
        kernels.features(values, lengths)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 3.0  # about 0.4 on a usual core
