"""The classical changes of an image: shifted, turned and bent; and two images put together."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

KNOTS = 4  # of the grid of random displacements, along each side


@dataclass(frozen=True)
class Strength:
    """How far images are changed at most; zero = not."""

    shift: float = 0.1  # share of a side
    rotation: float = 15.0  # degrees
    elastic: float = 0.06  # standard deviation of the displacement at a knot, as a share of a side


def warped(images: Tensor, strength: Strength, rng: np.random.Generator) -> Tensor:
    """Return images (n, c, h, w), each shifted, rotated and bent at random.

    The displacements of an elastic distortion (Simard, Steinkraus, Platt 2003) are drawn at a coarse grid and smoothed
    between its knots. Pixels from beyond the edge are those at the edge.
    """
    n, _, height, width = images.shape
    if not n:
        return images
    turn = np.radians(rng.uniform(-strength.rotation, strength.rotation, n))
    shift = rng.uniform(-2 * strength.shift, 2 * strength.shift, (2, n))  # a side is 2 long
    ratio = height / width
    rows = [[np.cos(turn), -np.sin(turn) * ratio, shift[0]], [np.sin(turn) / ratio, np.cos(turn), shift[1]]]
    grid = functional.affine_grid(_floats(np.array(rows).transpose(2, 0, 1)), list(images.shape), align_corners=False)
    knots = _floats(rng.normal(scale=2 * strength.elastic, size=(n, 2, KNOTS, KNOTS)))
    bend = functional.interpolate(knots, (height, width), mode="bicubic", align_corners=True)
    moved = grid + bend.permute(0, 2, 3, 1)
    return functional.grid_sample(images, moved, padding_mode="border", align_corners=False)


def blended(images: Tensor, others: Tensor, rng: np.random.Generator) -> Tensor:
    """Return images (n, c, h, w) mixed with others: at least half is the first (after mixup, Zhang et al. 2018)."""
    own = _floats(rng.uniform(0.5, 1, len(images)))[:, None, None, None]
    return own * images + (1 - own) * others


def boxed(images: Tensor, others: Tensor, rng: np.random.Generator) -> Tensor:
    """Return images (n, c, h, w) with a box of at most half of the others in each (CutMix, Yun et al. 2019)."""
    n, _, height, width = images.shape
    side = np.sqrt(rng.uniform(0, 0.5, n))
    inside = np.ones((n, 1, 1, 1), dtype=bool)
    for axis, length in ((2, height), (3, width)):
        half = side * length / 2
        centre = rng.uniform(half, length - half)
        within = np.abs(np.arange(length) + 0.5 - centre[:, None]) < half[:, None]
        inside = inside & np.expand_dims(within, (1, 5 - axis))
    return torch.where(torch.as_tensor(inside), others, images)


def _floats(array: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
