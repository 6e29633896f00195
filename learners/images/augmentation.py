"""Images changed while a network is trained: shifted, rotated and bent, or mixed with others and their labels."""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Augmentation = Literal["none", "classical", "mixup", "cutmix"]
AUGMENTATIONS: tuple[Augmentation, ...] = ("none", "classical", "mixup", "cutmix")
SHIFT, TURN, SCALE = 0.1, math.radians(15), 0.1  # share of a side, radians, share of the size: at most
BEND, KNOTS = 0.06, 4  # standard deviation of the displacement at a grid of knots, as a share of a side
MIXED = 0.4  # parameter of the Beta distribution of mixup's shares


def augmented(how: Augmentation, images: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return a batch (b, c, h, w) from 0 to 1 and its label distributions (b, K), changed at random."""
    if how == "classical":
        return warped(images, rng), targets
    if how == "mixup":
        return _mixup(images, targets, rng)
    if how == "cutmix":
        return _cutmix(images, targets, rng)
    return images, targets


def warped(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Shift, rotate, scale and bend each image (elastic distortion: Simard, Steinkraus, Platt 2003)."""
    n, _, height, width = images.shape
    turn, scale = rng.uniform(-TURN, TURN, n), 1 + rng.uniform(-SCALE, SCALE, n)
    shift = rng.uniform(-2 * SHIFT, 2 * SHIFT, (2, n))  # a side is 2 long
    ratio = height / width
    theta = np.array(
        [
            [scale * np.cos(turn), -scale * np.sin(turn) * ratio, shift[0]],
            [scale * np.sin(turn) / ratio, scale * np.cos(turn), shift[1]],
        ]
    )
    grid = functional.affine_grid(_tensor(theta.transpose(2, 0, 1)), list(images.shape), align_corners=False)
    knots = _tensor(rng.normal(scale=2 * BEND, size=(n, 2, KNOTS, KNOTS)))
    bend = functional.interpolate(knots, (height, width), mode="bicubic", align_corners=True)
    moved = grid + bend.permute(0, 2, 3, 1)
    return functional.grid_sample(images, moved, padding_mode="border", align_corners=False)


def _mixup(images: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Blend each image and its label with those of another (Zhang, Cisse, Dauphin, Lopez-Paz 2018)."""
    other = torch.as_tensor(rng.permutation(len(images)))
    own = _tensor(rng.beta(MIXED, MIXED, len(images)))[:, None]
    share = own[:, :, None, None]
    return share * images + (1 - share) * images[other], own * targets + (1 - own) * targets[other]


def _cutmix(images: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Put a box of another image into each, labels in proportion to the area (Yun et al. 2019), in half of them."""
    n, _, height, width = images.shape
    other = torch.as_tensor(rng.permutation(n))
    inside = _tensor(boxes(n, height, width, rng) & (rng.random(n) < 0.5)[:, None, None])[:, None]
    own = 1 - inside.mean(dim=(1, 2, 3))[:, None]
    return images * (1 - inside) + images[other] * inside, own * targets + (1 - own) * targets[other]


def boxes(n: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return n masks (n, height, width) of boxes at random places, whose share of the area is uniform."""
    side = np.sqrt(rng.random(n))
    sides = []
    for length in (height, width):
        centre, half = rng.uniform(0, length, n), side * length / 2
        at = np.arange(length) + 0.5
        sides.append(np.abs(at - centre[:, None]) < half[:, None])
    inside: np.ndarray = sides[0][:, :, None] & sides[1][:, None, :]
    return inside


def _tensor(array: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
