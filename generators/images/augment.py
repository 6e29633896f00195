"""Real images changed a little, or two of one class put together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from generators.common.rejection import keep_inside
from generators.images.pixels import pixels, unit, with_images
from generators.images.warping import Strength, blended, boxed, warped
from generators.resampling.resample import class_stream, proposals, real_rows, starting_rows
from loop.encoders import array_of, entries_of
from loop.errors import ConfigError
from loop.protocols import Generator
from loop.support.parallel.torch_threads import one_thread
from loop.support.setting_checks import check_bounds
from loop.types import Region, Request, Samples, Table

METHODS = ("shift", "rotation", "elastic", "mixup", "cutmix")
BATCH = 2048  # images that are floats at once


@dataclass(eq=False)
class AugmentImages:
    """Starts from real images of the region and class, and changes each at random.

    Shift, rotation and elastic distortion change every image. Of each four, one is also mixed with another of its class
    and one has a box of another of its class put in, so that a row keeps its label. Rows outside of the region are
    refused, and others made instead, within a bound.

    Parameters
    ----------
    methods : sequence of str
        Of "shift", "rotation", "elastic", "mixup", "cutmix".
    shift : float
        Largest shift, as a share of a side.
    rotation : float
        Largest angle, in degrees.
    elastic : float
        Standard deviation of displacements, as a share of a side.
    tries : int
        Most draws for each requested row.

    Raises
    ------
    ConfigError
        If a method is unknown or none is named, or a number is out of its range.
    """

    reads: ClassVar[str] = "pixels"

    methods: Sequence[str] = METHODS
    shift: float = 0.1
    rotation: float = 15.0
    elastic: float = 0.06
    tries: int = 20

    table_: Table = field(init=False, repr=False)
    array_: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        bounds = {"shift": 0.5, "rotation": 180.0, "elastic": 0.5}
        check_bounds(self, least=dict.fromkeys(bounds, 0.0) | {"tries": 1}, most=bounds)
        if isinstance(self.methods, str) or not self.methods or not set(self.methods) <= set(METHODS):
            raise ConfigError(f"methods must be some of {', '.join(METHODS)}, got {self.methods!r:.80}: correct them.")

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the table; only its real rows are ever changed.

        Raises
        ------
        DataError
            If it holds no images or no real rows.
        """
        self.array_ = array_of(table, self.reads)
        entries_of(table.rows, self.array_)
        real_rows(table)
        self.table_ = table
        return self

    @one_thread()
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return at most ``request.n`` rows inside the region; the label is that of the real row changed."""
        draws = class_stream(rng, request.label)
        starts, chance = starting_rows(self.table_, request)
        if not len(starts):
            starts, chance = starting_rows(self.table_, Request(Region(), request.label, request.n))
        return keep_inside(partial(self._drawn, starts, chance, draws), request, self.tries, BATCH, draws)

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)

    def _drawn(self, starts: np.ndarray, chance: np.ndarray, rng: np.random.Generator, request: Request) -> Samples:
        """Change rows drawn from the starts (m,) with their probabilities (m,), wherever that leads."""
        table = self.table_
        at = rng.choice(starts, request.n, p=chance) if len(starts) else starts
        images = entries_of(table.rows, self.array_)
        own, others = unit(images[at]), np.full(len(at), -1)
        for method, half in (("mixup", 0), ("cutmix", 1)):
            chosen = np.flatnonzero(rng.permutation(len(at)) % 4 == half)
            if method in self.methods and len(chosen):
                others[chosen] = self._partners(at[chosen], rng)
                put = blended if method == "mixup" else boxed
                own[chosen] = put(own[chosen], unit(images[others[chosen]]), rng)
        rows = with_images(table, at, self.array_, pixels(warped(own, self._strength, rng), images.dtype))
        number = np.append(table.row_number, -1)
        return Samples(
            proposals(rows, table.y[at], number[np.column_stack([at, others])], table.schema), request, len(at), "seeds"
        )

    def _partners(self, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a real row of the same class for each row (k,)."""
        real = np.flatnonzero(self.table_.is_real)
        found = np.empty(len(at), dtype=np.int64)
        for label in np.unique(self.table_.y[at]):
            mine = self.table_.y[at] == label
            found[mine] = rng.choice(real[self.table_.y[real] == label], mine.sum())
        return found

    @property
    def _strength(self) -> Strength:
        wanted = {"shift": self.shift, "rotation": self.rotation, "elastic": self.elastic}
        return Strength(**{name: value * (name in self.methods) for name, value in wanted.items()})


_: type[Generator] = AugmentImages
