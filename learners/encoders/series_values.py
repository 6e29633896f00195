"""Series of several lengths in one array: how long each is, and its values without gaps."""

import numpy as np


def lengths_of(entries: np.ndarray) -> np.ndarray:
    """Return the lengths (n,) of series (n, c, t): time steps before the end where all channels are missing."""
    seen = ~np.isnan(entries).all(axis=1)  # (n, t)
    last = entries.shape[2] - seen[:, ::-1].argmax(axis=1)
    lengths: np.ndarray = np.where(seen.any(axis=1), last, 0).astype(np.int64)
    return lengths


def filled(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return series (n, c, t) without gaps, and their lengths (n,).

    A missing value lies on the line between its neighbours, or is the nearest value at either end; a channel without
    any value is 0. Behind its end a series is 0.
    """
    lengths = lengths_of(entries)
    inside = np.arange(entries.shape[2]) < lengths[:, None]
    gaps = np.isnan(entries) & inside[:, None]
    values = np.where(np.isnan(entries), np.float32(0), entries)
    for row, channel in np.argwhere(gaps.any(axis=2)):
        length = lengths[row]
        missing = gaps[row, channel, :length]
        known = np.flatnonzero(~missing)
        if len(known):
            values[row, channel, :length] = np.interp(np.arange(length), known, values[row, channel, known])
    return values, lengths
