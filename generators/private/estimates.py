"""Distributions from noisy counts. All here sees what has been paid for, never the rows."""

import numpy as np

ROUNDS = 20  # of fitting to margins


def projected(counts: np.ndarray, total: float) -> np.ndarray:
    """Return the nearest counts (c,), by squares, that are not negative and add up to a total above 0."""
    falling = np.sort(counts)[::-1]
    excess = (np.cumsum(falling) - total) / np.arange(1, len(counts) + 1)
    last = np.flatnonzero(falling > excess)[-1]
    nearest: np.ndarray = np.clip(counts - excess[last], 0, None)
    return nearest


def class_counts(marginals: list[np.ndarray]) -> np.ndarray:
    """Return rows of each class (K,), at least one, from marginals (c, K) of equal noise: few cells count more."""
    weight = np.array([1 / len(each) for each in marginals])
    totals = np.array([each.sum(axis=0) for each in marginals])
    rows: np.ndarray = np.maximum(weight @ totals / weight.sum(), 1.0)
    return rows


def shrunk(deviations: np.ndarray, deviation: float) -> np.ndarray:
    """Return a matrix (a, b) without the noise, of a known standard deviation, that each of its entries has.

    A dependence between two columns is a matrix of a few large singular values; noise has many small ones.

    References
    ----------
    Gavish, Donoho (2017), Optimal shrinkage of singular values, equation 7 (Frobenius loss).
    """
    left, sizes, right = np.linalg.svd(deviations, full_matrices=False)
    narrow, wide = sorted(deviations.shape)
    scale, beta = deviation * np.sqrt(wide), narrow / wide
    y = sizes / scale
    inner = np.clip((y**2 - beta - 1) ** 2 - 4 * beta, 0, None)
    kept = np.where(y > 1 + np.sqrt(beta), np.sqrt(inner) / np.maximum(y, 1.0), 0) * scale
    matrix: np.ndarray = (left * kept) @ right
    return matrix


def joint(noisy: np.ndarray, one: np.ndarray, other: np.ndarray, deviation: float) -> np.ndarray:
    """Return a joint table (a, b), none negative, with the margins (a,) and (b,), from its noisy counts.

    What the counts say beyond independence is freed of noise; the margins are known better from elsewhere.
    """
    independent = np.outer(one, other) / one.sum()
    beyond = noisy - independent
    beyond -= beyond.mean(axis=0) + beyond.mean(axis=1, keepdims=True) - beyond.mean()
    table: np.ndarray = np.clip(independent + shrunk(beyond, deviation), 0, None)
    for _ in range(ROUNDS):  # iterative proportional fitting (Deming, Stephan 1940)
        table *= (one / np.maximum(table.sum(axis=1), 1e-12))[:, None]
        table *= other / np.maximum(table.sum(axis=0), 1e-12)
    return table
