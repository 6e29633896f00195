"""Steering of images towards a high score of rows: the particles of `generators.diffusion`, which know columns only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from generators.diffusion.guidance import MOST_ROWS, Guide, Maker, Particles, Scale
from generators.images.pixels import pixels, with_images
from loop.encoders import entries_of
from loop.rows import Rows
from loop.types import Table


@dataclass(frozen=True, eq=False)
class Flat:
    """Images as long rows and back: what the score sees are rows with images and the columns that agree with them."""

    table: Table  # real rows, of which new ones have all else that they hold
    array: str
    centre: float
    spread: float
    score: Callable[[Rows], np.ndarray]

    def decode(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return pixels from 0 to 1, one long row (n, c * h * w) for each predicted clean image."""
        flat: np.ndarray = (latents * self.spread + self.centre).clip(0, 1).reshape(len(latents), -1)
        return flat

    def __call__(self, rows: Rows) -> np.ndarray:
        """Return the scores (n,) of long rows."""
        real = entries_of(self.table.rows, self.array)
        images = pixels(torch.from_numpy(rows.X).float().reshape(len(rows), *real.shape[1:]), real.dtype)
        at = np.arange(len(rows)) % len(self.table)
        return np.asarray(self.score(with_images(self.table, at, self.array, images)))


def maker(guide: Guide, flat: Flat, rng: np.random.Generator) -> Maker:
    """Return a function that makes the steering of each run by a guide."""
    some = rng.permutation(len(flat.table))[:MOST_ROWS]
    images = entries_of(flat.table.rows, flat.array)[some]
    scale = Scale(flat, images.reshape(len(some), -1) / (255.0 if images.dtype == np.uint8 else 1.0))
    return lambda steps: Particles(guide, scale, flat, steps, rng)
