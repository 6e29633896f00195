"""Small changes of a series that leave its class as it is, see Um et al. 2017 and Iwana, Uchida 2021.

Each takes a series (channels, length) without gaps, a strength (1 = usual) and a generator of random numbers, and
returns a series of the same shape.
"""

from collections.abc import Callable, Mapping

import numpy as np

Warp = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

NOISE, SIZE, PACE = 0.05, 0.1, 0.25  # spreads at strength 1: of noise and size as shares, of the logarithm of the pace
KNOTS = 5  # between which the pace changes evenly
WINDOW = (0.1, 0.3)  # least and greatest share of a series that is played faster or slower
FASTER = 2.0


def jitter(series: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise in proportion to the spread of each channel."""
    spread = series.std(axis=1, keepdims=True)
    made: np.ndarray = series + NOISE * strength * spread * rng.standard_normal(series.shape)
    return made


def scaling(series: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Stretch the values of each channel around their mean."""
    mean = series.mean(axis=1, keepdims=True)
    made: np.ndarray = mean + (series - mean) * np.exp(SIZE * strength * rng.standard_normal((len(series), 1)))
    return made


def time_warp(series: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Play the series at a pace that changes smoothly; it begins and ends as before."""
    length = series.shape[1]
    if length < 2:
        return series
    knots = PACE * strength * rng.standard_normal(KNOTS)
    pace = np.exp(np.interp(np.linspace(0, 1, length - 1), np.linspace(0, 1, KNOTS), knots))
    return at_times(series, np.concatenate([[0], np.cumsum(pace)]) / pace.sum() * (length - 1))


def window_warp(series: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Play a part of the series faster or slower, and all of it so that it has its length again."""
    length = series.shape[1]
    if length < 4:
        return series
    size = max(2, int(length * rng.uniform(*WINDOW)))
    first = int(rng.integers(0, length - size + 1))
    pace = np.ones(length - 1)
    pace[first : first + size] = FASTER ** (strength * rng.choice([-1.0, 1.0]))
    return at_times(series, np.concatenate([[0], np.cumsum(pace)]) / pace.sum() * (length - 1))


def between(series: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Return the series moved a share of the way to another one (channels, any length), which gets its length."""
    length = series.shape[1]
    stretched = at_times(other, np.linspace(0, other.shape[1] - 1, length))
    made: np.ndarray = (1 - share) * series + share * stretched
    return made


def at_times(series: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the values (channels, m) of a series at times (m,), counted in steps, on lines between its values."""
    clock = np.arange(series.shape[1])
    return np.stack([np.interp(times, clock, channel) for channel in series])


WARPS: Mapping[str, Warp] = {
    "jitter": jitter,
    "scaling": scaling,
    "time_warp": time_warp,
    "window_warp": window_warp,
}
