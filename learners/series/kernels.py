"""The features of MiniRocket: shares of positive values of 84 fixed kernels at many dilations and biases.

Dempster, Schmidt, Webb: MINIROCKET, KDD 2021, arXiv 2012.08791. Series of several lengths and channels are read, too:
each share is taken over the steps of the series itself, and a kernel reads the sum of a few channels drawn at random.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np

TAPS, HEAVY = 9, 3  # weights of a kernel; so many of them are 2 and the others -1, and their sum is 0
PLACES = np.array(list(combinations(range(TAPS), HEAVY)))  # (84, 3) where the weights of 2 are
MOST_DILATIONS = 32  # of a kernel
MOST_CHANNELS = 9  # that a kernel reads
GOLDEN = (np.sqrt(5) + 1) / 2  # multiples of it, without their whole part, are spread evenly over 0 to 1
COUNTED = 255  # steps that are counted in one byte
CHANNELS_HELD = 16  # channels of a block of that many values each, at most: bounds memory
CACHED = 2**16  # values convolved at once, so that they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Kernels:
    """Dilations, biases and channels of all kernels, learnt from training series; f features in all.

    The kernel of pair i is ``i % 84`` at dilation ``i // 84``; pairs follow each other in this order.
    """

    dilations: np.ndarray  # (D,) rising
    counts: np.ndarray  # (D,) features of each kernel at a dilation
    biases: np.ndarray  # (f,) float32, pair by pair
    channels: np.ndarray  # (D * 84, m) channels that each pair reads, -1 = no more

    @classmethod
    def of(cls, values: np.ndarray, lengths: np.ndarray, features: int, rng: np.random.Generator) -> Self:
        """Learn from training series.

        Parameters
        ----------
        values : np.ndarray
            Series (n, c, t) float32 without gaps, 0 behind their end; at least one.
        lengths : np.ndarray
            Their lengths (n,).
        features : int
            About how many features, at least 84.
        rng : np.random.Generator
            Draws channels, and the series whose values give the biases of each pair.
        """
        dilations, counts = dilations_of(int(lengths.max()), features)
        pairs = len(dilations) * len(PLACES)
        channels = _channels(pairs, values.shape[1], rng)
        quantiles = (np.arange(1, int(counts.sum()) * len(PLACES) + 1) * GOLDEN) % 1
        drawn = rng.integers(len(values), size=pairs)
        made = cls(dilations, counts, np.zeros(len(quantiles), dtype=np.float32), channels)
        bounds = made.bounds
        for dilation in range(len(dilations)):
            for pair in range(dilation * len(PLACES), (dilation + 1) * len(PLACES)):
                row, own = drawn[pair], slice(bounds[pair], bounds[pair + 1])
                series = values[row, :, : lengths[row]]
                answer = _Sums(series[None], int(dilations[dilation])).answer(
                    PLACES[pair % len(PLACES)], channels[pair]
                )
                made.biases[own] = np.quantile(answer[:, 0], quantiles[own])
        return made

    @property
    def bounds(self) -> np.ndarray:
        """Return where the features of each pair begin, and the end, (pairs + 1,)."""
        each = np.repeat(self.counts, len(PLACES))
        return np.concatenate([[0], np.cumsum(each)])

    def features(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return the features (n, f), float32 from 0 to 1, of series (n, c, t); each row's own whatever the others."""
        made = np.empty((len(values), len(self.biases)), dtype=np.float32)
        order = np.argsort(lengths, kind="stable")  # series of like length together, so that little is computed in vain
        for rows in _blocks(order, lengths, values.shape[1]):
            longest = int(lengths[rows].max())
            made[rows] = self._of_block(values[rows, :, :longest], lengths[rows])
        return made

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learnt as named arrays."""
        return {name: getattr(self, name) for name in ("dilations", "counts", "biases", "channels")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild from what `arrays` returned, which has been checked."""
        return cls(*(arrays[name] for name in ("dilations", "counts", "biases", "channels")))

    def _of_block(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        made = np.empty((len(self.biases), len(values)), dtype=np.float32)
        clock, bounds = np.arange(values.shape[2])[:, None], self.bounds
        for dilation, spread in enumerate(self.dilations.tolist()):
            sums = _Sums(values, spread)
            whole, inner = _windows(clock, lengths, spread)
            for kernel, places in enumerate(PLACES):
                pair = dilation * len(PLACES) + kernel
                steps, outside = inner if (dilation + kernel) % 2 else whole  # alternating padding
                answer = sums.answer(places, self.channels[pair])
                if outside is not None:
                    answer[outside] = -np.inf
                for feature in range(bounds[pair], bounds[pair + 1]):
                    made[feature] = _above(answer, self.biases[feature]) / steps
        return made.T


class _Sums:
    """Series shifted to each tap of a dilated kernel, and summed over all taps with weight -1; time comes first."""

    def __init__(self, values: np.ndarray, dilation: int) -> None:
        n, channels, longest = values.shape
        by_time = np.ascontiguousarray(values.transpose(1, 2, 0))  # (c, t, n)
        self._taps = np.zeros((TAPS, channels, longest, n), dtype=np.float32)
        for tap in range(TAPS):
            shift = (tap - TAPS // 2) * dilation
            size = longest - abs(shift)
            if size > 0:
                self._taps[tap, :, max(-shift, 0) : max(-shift, 0) + size] = by_time[:, max(shift, 0) :][:, :size]
        self._light = -self._taps[0]
        for tap in range(1, TAPS):
            self._light -= self._taps[tap]
        self._taps *= 3  # 2 where a weight is heavy, beside the -1 that all have

    def answer(self, places: np.ndarray, channels: np.ndarray) -> np.ndarray:
        """Return what a kernel gives at each step, (t, n), of the sum of its channels."""
        first, *others = (int(each) for each in channels if each >= 0)
        made = self._of_channel(places, first)
        for channel in others:
            made += self._of_channel(places, channel)
        return made

    def _of_channel(self, places: np.ndarray, channel: int) -> np.ndarray:
        a, b, c = places
        made: np.ndarray = self._light[channel] + self._taps[a, channel]
        made += self._taps[b, channel]
        made += self._taps[c, channel]
        return made


Window = tuple[np.ndarray, np.ndarray | None]  # steps counted (n,), and which are not (t, n); None = all are


def _windows(clock: np.ndarray, lengths: np.ndarray, dilation: int) -> tuple[Window, Window]:
    """Return the steps of each series that count with padding, and those where no tap of a kernel lies outside.

    A series too short for a kernel has none of the latter: then all its steps count.
    """
    margin = TAPS // 2 * dilation
    shrink = np.where(lengths > 2 * margin, margin, 0)
    made: list[Window] = []
    for cut in (np.zeros_like(lengths), shrink):
        outside = (clock < cut) | (clock >= lengths - cut)
        steps = (lengths - 2 * cut).astype(np.float32)
        made.append((steps, outside if outside.any() else None))
    return made[0], made[1]


def _above(answer: np.ndarray, bias: np.float32) -> np.ndarray:
    """Count the steps of each series (t, n) above a bias, (n,) float32: in bytes, which the processor adds fast."""
    above = (answer > bias).view(np.uint8)
    counts = np.zeros(above.shape[1], dtype=np.float32)
    for first in range(0, len(above), COUNTED):
        counts += np.add.reduce(above[first : first + COUNTED], axis=0, dtype=np.uint8)
    return counts


def dilations_of(length: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the dilations (D,) for series of a length, and how many features each kernel has at them, (D,).

    Exponents of 2 are spread evenly from 0 to the dilation at which a kernel is as long as the series; rounded ones
    that are equal share a dilation (section 3.1).
    """
    each = max(features // len(PLACES), 1)
    steps = min(each, MOST_DILATIONS)
    highest = max(np.log2(max(length - 1, 1) / (TAPS - 1)), 0.0)
    exact = np.logspace(0, highest, steps, base=2)
    dilations, shares = np.unique((exact + 1e-9).astype(np.int64), return_counts=True)
    counts = (shares * (each / steps)).astype(np.int64)
    for left in range(each - int(counts.sum())):
        counts[left % len(counts)] += 1
    used = counts > 0
    return dilations[used], counts[used]


def _channels(pairs: int, n_channels: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the channels of each pair (pairs, m): few more often than many, at most nine, -1 = no more."""
    most = min(n_channels, MOST_CHANNELS)
    sizes = (2 ** rng.uniform(0, np.log2(most + 1), pairs)).astype(np.int64).clip(1, most)
    made = np.full((pairs, most), -1, dtype=np.int64)
    for row, size in zip(made, sizes, strict=True):
        row[:size] = np.sort(rng.choice(n_channels, size, replace=False))
    return made


def _blocks(order: np.ndarray, lengths: np.ndarray, channels: int) -> Iterator[np.ndarray]:
    """Split row numbers, sorted by length, into blocks of few values; a kernel reads a few channels at a time."""
    first, most = 0, CACHED * min(1.0, CHANNELS_HELD / channels)
    while first < len(order):
        last = first + 1
        while last < len(order) and (last - first + 1) * lengths[order[last]] <= most:
            last += 1
        yield order[first:last]
        first = last
