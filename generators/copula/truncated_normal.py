"""Draws of a multivariate normal inside a box, and the probability of the box."""

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr

from generators.common.marginals import Bounds, draw_within, intersection

SWEEPS = 5  # of the Gibbs sampler, after which copies from resampling have moved apart
PARTICLES, LEAST = 4, 1000  # weighted draws inside a box for each requested row, and at least

Box = dict[int, list[Bounds]]  # latent -> intervals of its normal score


def mass(intervals: list[Bounds]) -> float:
    """Return the probability of intervals of one normal score."""
    return float(sum(ndtr(high) - ndtr(low) for low, high in intervals))


def joined(boxes: Iterable[Box]) -> Box:
    """Return the intersection of boxes; a variable has an empty list of intervals where they are disjoint."""
    common: Box = {}
    for box in boxes:
        common |= {i: intersection(common[i], box[i]) if i in common else box[i] for i in box}
    return common


def particles(k: int, n: int) -> int:
    """Return the number of draws needed for n rows inside a box of k variables."""
    return n if k < 2 else max(PARTICLES * n, LEAST)


def draw_in_box(
    correlation: np.ndarray, bounds: list[np.ndarray], n: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Draw from a standard multivariate normal inside a box, and estimate the probability of the box.

    Parameters
    ----------
    correlation : np.ndarray
        Shape (k, k), positive definite; k may be 0.
    bounds : list of np.ndarray
        For each variable its allowed intervals, shape (intervals, 2); a point is an interval of no width.
    n : int
        Rows to draw.

    Returns
    -------
    draws : np.ndarray
        Shape (n, k); (0, k) if the box cannot be reached.
    probability : float
        Estimated probability of the box; a density where the box has a point.
    """
    k = len(bounds)
    drawn = particles(k, n)
    factor = np.linalg.cholesky(correlation)
    noise, weight = np.zeros((drawn, k)), np.ones(drawn)
    for i in range(k):  # Genz (1992): each variable inside its bounds, given those before it
        mean = noise[:, :i] @ factor[i, :i]
        z, share = draw_within(bounds[i], mean, factor[i, i], rng)
        noise[:, i], weight = (z - mean) / factor[i, i], weight * share
    probability = float(weight.mean())
    if not probability > 0:
        return np.empty((0, k)), 0.0
    z = noise @ factor.T
    if k > 1:
        z = _moved(z[rng.choice(drawn, n, p=weight / weight.sum())], correlation, bounds, rng)
    return z, probability


def _moved(z: np.ndarray, correlation: np.ndarray, bounds: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Move draws (n, k) within the box by Gibbs sampling, which does not change their distribution."""
    precision = np.linalg.inv(correlation)
    for _ in range(SWEEPS):
        for i, within in enumerate(bounds):
            mean = z[:, i] - z @ precision[i] / precision[i, i]
            z[:, i] = draw_within(within, mean, precision[i, i] ** -0.5, rng)[0]
    return z
