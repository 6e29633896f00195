"""Time series as columns: level, spread, slope, changes at several lags, and the main components of a coarse shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from learners.encoders.principal import Principal
from learners.encoders.series_values import filled, lengths_of
from loop.encoders import Encoder
from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds

CELLS = 16  # means along time that make the coarse shape of a channel, at most
LAGS = (1, 2, 4, 8, 16, 32)  # time steps between the values whose differences are measured
MOST_CHANNELS, MOST_STEPS = 1_000, 1_000_000
MOST_FEATURES = 10_000  # of the coarse shape: its directions are kept in the schema
BLOCK = 2**22  # values that are in double precision at once
TINY = 1e-12
STEP, ROUNDED = 1e-3, 5  # of a channel's spread: series that were normalised have one mean and one spread, not noise
_READABLE = ("mean", "spread", "slope", "lowest", "highest", "crossings")
_CHECK = checks.fields(
    {"components": checks.integer(1, 64), "shape": checks.listed(checks.integer(1, MOST_STEPS), 2)}
    | {"scale": checks.listed(checks.finite), "view": checks.anything},
    known_only=True,
)


@dataclass(eq=False)
class Curves:
    """Encodes series (n, channels, time), float32; NaN at the end pads shorter ones, NaN inside is a missing value.

    Time counts from 0 to 1 along each series, so series of several lengths can be compared. Of several channels the
    readable columns are means.

    Parameters
    ----------
    components : int
        How many components of the coarse shape, at most.

    Raises
    ------
    ConfigError
        If ``components`` is not between 1 and 64.
    """

    components: int = 8

    shape_: tuple[int, int] | None = field(default=None, init=False, repr=False)  # channels, longest training series
    scale_: np.ndarray = field(init=False, repr=False)  # (channels,) spread of a channel over all training series
    view_: Principal = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"components": 1}, most={"components": 64})

    def fit(self, entries: np.ndarray) -> Self:
        """Learn shape, scale and the directions in which the coarse shapes of training series (n, c, t) vary most."""
        self.shape_ = entries.shape[1], entries.shape[2]
        spread = np.nanstd(entries.astype(np.float64), axis=(0, 2)) if entries.size else np.ones(entries.shape[1])
        self.scale_ = np.where(np.isfinite(spread) & (spread > TINY), spread, 1.0)
        self.view_ = Principal.of(self._measured(entries)[1], self.components)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return (*_READABLE, *(f"change_{lag}" for lag in self._lags), "length", "missing", *self.view_.names)

    def columns(self, entries: np.ndarray) -> np.ndarray:
        """Return the columns (n, e), each row's own whatever the others are."""
        readable, coarse = self._measured(entries)
        return np.column_stack([readable, self.view_.of_rows(coarse)])

    def stacked(self, cells: Sequence[object]) -> np.ndarray:
        """Return n series, as arrays or lists of (time,) or (channels, time), as one array padded with NaN.

        Once fitted, longer series are cut to the longest of training.
        """
        series = [_series(cell) for cell in cells]
        if not series:
            return np.empty((0, *(self.shape_ or (1, 1))), dtype=np.float32)
        channels = self.shape_[0] if self.shape_ else series[0].shape[0]
        if odd := [each.shape[0] for each in series if each.shape[0] != channels]:
            raise DataError(
                f"series must all have the same number of channels, {channels}, got one of {odd[0]}: leave it out or "
                "add its channels."
            )
        longest = self.shape_[1] if self.shape_ else max(each.shape[1] for each in series)
        if channels * min(longest, CELLS) > MOST_FEATURES:
            raise DataError(f"series must have at most {MOST_FEATURES // CELLS} channels, got {channels}: choose some.")
        made = np.full((len(series), channels, longest), np.nan, dtype=np.float32)
        for row, each in zip(made, series, strict=True):
            row[:, : each.shape[1]] = each[:, :longest]
        if np.isnan(made).all(axis=(1, 2)).any():
            raise DataError(f"series must have a value in their first {longest} steps, got one without: leave it out.")
        return made

    def cells(self, entries: np.ndarray) -> list[object]:
        """Return series (n, c, t) as n arrays (c, own length)."""
        return [each[:, :length] for each, length in zip(entries, lengths_of(entries), strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Return settings and what was learnt as values that JSON can write."""
        told = {"components": self.components, "shape": list(self.shape_ or ()), "view": self.view_.to_json()}
        return told | {"scale": self.scale_.tolist()}

    @classmethod
    def from_json(cls, content: object) -> Self:
        """Rebuild an encoder from what `to_json` returned; DataError if it is something else."""
        told = _CHECK(content, "the encoder of series")
        made = cls(told["components"])
        channels, longest = told["shape"]
        made.shape_, made.scale_ = (channels, longest), np.array(told["scale"], dtype=np.float64)
        made.view_ = Principal.from_json(told["view"], "the encoder of series, view")
        if len(made.scale_) != channels or not (made.scale_ > 0).all():
            raise DataError("the encoder of series must have a scale above 0 for each channel, and it has not")
        if len(made.view_.centre) != channels * min(CELLS, longest):
            raise DataError("the encoder of series must have a view of the series' shape, and it has another")
        return made

    def filled(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return series (n, c, t) without gaps, 0 behind their end, and their lengths (n,): see `filled`."""
        return filled(entries)

    @property
    def _lags(self) -> tuple[int, ...]:
        longest = self.shape_[1] if self.shape_ else 1
        return tuple(lag for lag in LAGS if lag < longest)

    def _measured(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return readable columns (n, r) and coarse shapes (n, m) of series (n, c, t), in blocks."""
        channels, longest = entries.shape[1:]
        step = max(1, BLOCK // max(channels * longest, 1))
        parts = [self._of_block(entries[first : first + step]) for first in range(0, len(entries), step)]
        if not parts:
            r = len(_READABLE) + len(self._lags) + 2
            return np.empty((0, r)), np.empty((0, channels * min(CELLS, longest)))
        readable, coarse = zip(*parts, strict=True)
        return np.concatenate(readable), np.concatenate(coarse)

    def _of_block(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        single, length = filled(entries)
        values = single.astype(np.float64)  # (n, c, t)
        n, channels, longest = values.shape
        inside = np.arange(longest) < length[:, None, None]  # (n, 1, t)
        size = length[:, None].astype(np.float64)  # (n, 1)
        mean = values.sum(axis=2) / size  # (n, c)
        off = np.where(inside, values - mean[:, :, None], 0.0)
        spread = np.sqrt((off**2).sum(axis=2) / size)
        clock = np.where(inside, (np.arange(longest) - (size[:, :, None] - 1) / 2) / size[:, :, None], 0.0)
        slope = (off * clock).sum(axis=2) / np.maximum((clock**2).sum(axis=2), TINY)
        low = np.where(inside, values, np.inf).min(axis=2)
        high = np.where(inside, values, -np.inf).max(axis=2)
        crossed = (off[:, :, 1:] > 0) != (off[:, :, :-1] > 0)
        crossings = (crossed & inside[:, :, 1:]).sum(axis=2) / size
        measured = [mean, spread, slope, low, high, crossings]
        for lag in self._lags:
            steps = np.where(inside[:, :, lag:], off[:, :, lag:] - off[:, :, :-lag], 0.0)
            mean_square = (steps**2).sum(axis=2) / np.maximum(size - lag, 1)
            measured.append(np.sqrt(mean_square) / np.maximum(spread, TINY) * (spread > TINY))
        gaps = (np.isnan(entries) & inside).sum(axis=(1, 2)) / (length * channels)
        columns = [each.sum(axis=1) / channels for each in measured]
        decimals = -int(np.floor(np.log10(STEP * float(self.scale_.mean()))))
        columns[:ROUNDED] = [np.round(each, decimals) + 0.0 for each in columns[:ROUNDED]]
        coarse = _coarse(values, length) / self.scale_[:, None]
        return np.column_stack([*columns, length, gaps]), coarse.reshape(n, -1)


def _coarse(values: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return means (n, c, m) of m stretches of each series (n, c, t), which overlap where it has fewer steps."""
    n, channels, longest = values.shape
    cells = min(CELLS, longest)
    sums = np.concatenate([np.zeros((n, channels, 1)), values.cumsum(axis=2)], axis=2)
    first = np.arange(cells) * length[:, None] // cells  # (n, m)
    last = np.maximum((np.arange(cells) + 1) * length[:, None] // cells, first + 1)
    parts = [np.take_along_axis(sums, np.broadcast_to(at[:, None], (n, channels, cells)), 2) for at in (first, last)]
    made: np.ndarray = (parts[1] - parts[0]) / (last - first)[:, None]
    return made


def _series(cell: object) -> np.ndarray:
    """Return one series (channels, time) of float32, without the missing values at its end."""
    if cell is None:
        raise DataError("each row must have a series, and one has none: drop the row.")
    try:
        if isinstance(cell, np.ndarray) and cell.dtype == object:
            cell = [np.asarray(each, dtype=np.float64) for each in cell]
        array = np.asarray(cell, dtype=np.float64)
    except (ValueError, TypeError) as error:  # numpy.asarray: words, lists of different lengths
        raise DataError(
            "a series must be numbers along time, or channels of equal length, and one is neither: pad shorter "
            "channels with missing values."
        ) from error
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise DataError(
            f"a series must have channels and time, got the shape {array.shape}: leave it out or correct it."
        )
    single = np.float32(np.finfo(np.float32).max)
    if (np.abs(array) > single).any():
        raise DataError(
            f"a series must hold numbers below {single:.2g} in size, got larger ones: replace or rescale them."
        )
    if array.shape[0] > MOST_CHANNELS or array.shape[1] > MOST_STEPS:
        raise DataError(
            f"a series must have at most {MOST_CHANNELS:,} channels and {MOST_STEPS:,} steps, got {array.shape}: "
            "cut it into pieces."
        )
    length = int(lengths_of(array[None])[0])
    if not length:
        raise DataError("a series must have a value, got one with missing values alone: leave it out.")
    return array[:, :length].astype(np.float32)


_: type[Encoder] = Curves
