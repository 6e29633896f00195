"""What a noisy histogram of fine cells says: where rows are, and bins of about equally many rows."""

import math

import numpy as np


def denoised(counts: np.ndarray, deviation: float) -> np.ndarray:
    """Return counts (c,), none negative, in which only what stands out of the noise is left.

    Ever coarser pairs of neighbours are compared; a difference that noise alone could make counts as none, so that
    empty ranges become even, and a single value that many rows have stays a spike.

    Parameters
    ----------
    counts : np.ndarray
        Noisy counts, shape (c,).
    deviation : float
        Standard deviation of the noise of each.

    References
    ----------
    Donoho, Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage: Haar wavelets, universal threshold.
    """
    size = 1 << max(0, len(counts) - 1).bit_length()
    means = np.append(counts, np.zeros(size - len(counts))).astype(np.float64)
    threshold = deviation * math.sqrt(2 * math.log(max(size, 2)))
    details = []
    while len(means) > 1:
        details.append((means[0::2] - means[1::2]) / math.sqrt(2))
        means = (means[0::2] + means[1::2]) / math.sqrt(2)
    for detail in reversed(details):
        detail[np.abs(detail) <= threshold] = 0
        means = np.stack([means + detail, means - detail], axis=1).ravel() / math.sqrt(2)
    left: np.ndarray = np.clip(means[: len(counts)], 0, None)
    return left


def equal_bins(mass: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin (c,) of each cell: at most so many bins, in order, of about equal mass.

    A cell with more than its part is a bin of its own, and the others share what is left.
    """
    bin_of = np.zeros(len(mass), dtype=np.int64)
    left, current, filled, target = float(mass.sum()), 0, 0.0, float(mass.sum()) / bins
    for cell, more in enumerate(mass.tolist()):
        if filled > 0 and filled + more / 2 > target and current < bins - 1:
            left -= filled
            current, filled = current + 1, 0.0
            target = left / (bins - current)
        bin_of[cell] = current
        filled += more
    return bin_of
