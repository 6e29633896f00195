"""Series of any length on one grid of time, scaled to spread 1, and back; what the grid cannot hold is kept apart."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from generators.series.reading import Series
from generators.series.warps import at_times


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of g points from the beginning to the end of each series, and the level and spread of each channel."""

    points: int  # g
    mean: np.ndarray  # (c,)
    scale: np.ndarray  # (c,)

    @classmethod
    def of(cls, series: Series, rows: np.ndarray, most: int) -> Self:
        """Learn from the series at positions (m,): as many points as the longest has steps, at most ``most``."""
        longest = int(series.lengths[rows].max())
        points = max(min(longest, most), 4)
        blank = cls(points, np.zeros(series.values.shape[1]), np.ones(series.values.shape[1]))
        coarse = blank.coarse(series, rows)
        spread = coarse.std(axis=(0, 2))
        return cls(points, coarse.mean(axis=(0, 2)), np.where(spread > 1e-12, spread, 1.0))

    def coarse(self, series: Series, rows: np.ndarray) -> np.ndarray:
        """Return the series at positions (m,) on the grid, scaled, (m, c, g) float32."""
        made = np.empty((len(rows), len(self.mean), self.points))
        for place, row in enumerate(rows):
            length = series.lengths[row]
            made[place] = at_times(series.values[row, :, :length], np.linspace(0, length - 1, self.points))
        scaled: np.ndarray = ((made - self.mean[:, None]) / self.scale[:, None]).astype(np.float32)
        return scaled

    def fine(self, coarse: np.ndarray, series: Series, hosts: np.ndarray) -> np.ndarray:
        """Return series (m, c, t) of what is on the grid (m, c, g), each with its host's length and fine detail.

        The detail is what the host loses on the grid and back: steps shorter than those of the grid.
        """
        made = np.zeros((len(hosts), *series.values.shape[1:]), dtype=np.float32)
        own = self.coarse(series, hosts)
        for place, host in enumerate(hosts):
            length = int(series.lengths[host])
            times = np.linspace(0, self.points - 1, length)
            moved = at_times((coarse[place] - own[place]) * self.scale[:, None], times)
            made[place, :, :length] = series.values[host, :, :length] + moved
        return made
