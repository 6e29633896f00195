"""Real series, changed a little: what most people would try first, and therefore a control arm."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from generators.common.rejection import keep_inside
from generators.resampling.resample import class_stream, proposals, real_rows, starting_rows
from generators.series.reading import Series
from generators.series.warps import WARPS, between
from loop.errors import ConfigError
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

INTERPOLATION = "interpolation"
METHODS = (*WARPS, INTERPOLATION)
BATCH = 2_000  # series made at once
FARTHEST = 0.5  # share of the way to a neighbour


@dataclass(eq=False)
class AugmentSeries:
    """Changes real series of the requested region and class by one of several methods, drawn for each row.

    Parameters
    ----------
    methods : sequence of str
        Among ``jitter``, ``scaling``, ``time_warp``, ``window_warp`` and ``interpolation`` towards one of the nearest
        rows of the same class, in the columns that the encoder makes.
    strength : float
        How much is changed, 1 = usual.
    neighbours : int
        Nearest rows among which interpolation chooses.
    tries : int
        Most draws for each requested row.

    Raises
    ------
    ConfigError
        If a method is unknown or there is none, or a number is out of its range.
    """

    methods: tuple[str, ...] = METHODS
    strength: float = 1.0
    neighbours: int = 5
    tries: int = 20

    reads: ClassVar[str] = "curves"

    table_: Table = field(init=False, repr=False)
    series_: Series = field(init=False, repr=False)
    scale_: np.ndarray = field(init=False, repr=False)  # (d,) spread of the columns

    def __post_init__(self) -> None:
        self.methods = tuple(self.methods)
        if unknown := [each for each in self.methods if each not in METHODS] or not self.methods:
            got = unknown[0] if isinstance(unknown, list) else "none"
            raise ConfigError(f"methods must be among {', '.join(METHODS)}, got {str(got)[:40]}: choose from these.")
        check_bounds(self, least={"strength": 0, "neighbours": 1, "tries": 1}, most={"strength": 10})

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the table; only its real rows are ever changed."""
        real = real_rows(table)
        self.table_, self.series_ = table, Series.of(table, self.reads)
        spread = np.nanstd(real.X, axis=0) if real.X.shape[1] else np.empty(0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Change rows of the region until ``request.n`` lie inside, or the tries are used up."""
        starts, chance = starting_rows(self.table_, request)
        if not len(starts) or not request.n:
            return Samples(self._made(starts[:0], rng), request, 0, "seeds")
        draws = class_stream(rng, request.label)

        def draw(anywhere: Request) -> Samples:
            hosts = draws.choice(starts, size=anywhere.n, p=chance)
            return Samples(self._made(hosts, draws), anywhere, anywhere.n, "seeds")

        return replace(keep_inside(draw, request, self.tries, BATCH, draws), sampling_method="seeds")

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)

    def _made(self, hosts: np.ndarray, rng: np.random.Generator) -> Table:
        """Return a changed row for each host, at positions (m,) in the table."""
        series, table = self.series_, self.table_
        if not len(hosts):
            none = table.take(hosts)
            return proposals(none.rows, none.y, none.row_number, none.schema)
        values = series.values[hosts]
        parents = np.column_stack([hosts, np.full(len(hosts), -1)])
        for place, (host, method) in enumerate(zip(hosts, rng.choice(self.methods, len(hosts)), strict=True)):
            length = series.lengths[host]
            own = series.values[host, :, :length].astype(np.float64)
            if method in WARPS:
                values[place, :, :length] = WARPS[method](own, self.strength, rng)
            elif (other := self._neighbour(int(host), rng)) is not None:
                parents[place, 1] = other
                target = series.values[other, :, : series.lengths[other]]
                share = min(1.0, FARTHEST * self.strength) * rng.random()
                values[place, :, :length] = between(own, target, share)
        return series.made(table, hosts, values, table.y[hosts], parents)

    def _neighbour(self, host: int, rng: np.random.Generator) -> int | None:
        """Draw one of the nearest real rows of the same class, None if it has no other."""
        table = self.table_
        same = np.flatnonzero(table.is_real & (table.y == table.y[host]))
        same = same[same != host]
        if not len(same):
            return None
        gaps = np.nan_to_num((table.X[same] - table.X[host]) / self.scale_, nan=1.0)
        nearest = np.argsort((gaps**2).sum(axis=1), kind="stable")[: self.neighbours]
        return int(rng.choice(same[nearest]))


def _conforms(augment: AugmentSeries) -> tuple[Generator, Sequence[str]]:
    return augment, augment.methods
