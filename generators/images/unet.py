"""A small U-Net that predicts the clean image from a noisy one, its noise level and its class."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

FREQUENCIES = 8  # of the noise level's features
MEAN_LOG_SIGMA, SPREAD_LOG_SIGMA = -0.4, 1.2  # of the noise levels trained on; pixels have unit variance
SMALL, MEDIUM = 16, 40  # shorter sides up to which a cell is one pixel, and 2 x 2 pixels; else 4 x 4


class UNet(nn.Module):
    """Three resolutions, with input, output and error scaled to unit variance at every noise level.

    The scaling is that of Karras, Aittala, Aila, Laine 2022 (arXiv 2206.00364, table 1). Blocks of pixels enter as
    channels, so that larger images cost little more.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width.
    classes : int
        Number of classes to condition on.
    width : int
        Channels of the finest resolution; the others have twice as many.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        channels, side = shape[0], min(shape[1:])
        self.cell = 1 if side <= SMALL else 2 if side <= MEDIUM else 4
        self.shape, entries = shape, channels * self.cell**2
        self.grid = [-(-length // self.cell) for length in shape[1:]]
        self.enter = nn.Conv2d(
            entries + 3, width, 3, padding=1
        )  # and where a cell is, and what its class is like there
        self.place = nn.Embedding(classes, math.prod(self.grid))
        self.noise = nn.Linear(2 * FREQUENCIES, 2 * width)
        self.label = nn.Embedding(classes, 2 * width)
        wide = 2 * width
        self.fine, self.last = Block(width, wide), Block(width, wide)
        self.coarse, self.deep = Block(wide, wide), Block(wide, wide)
        self.down, self.further = nn.Conv2d(width, wide, 3, 2, 1), nn.Conv2d(wide, wide, 3, 2, 1)
        self.up, self.join = nn.Conv2d(wide, width, 1), nn.Conv2d(wide, wide, 1)
        self.leave = nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), nn.Conv2d(width, entries, 3, padding=1))

    def forward(self, noisy: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        """Return the scaled residual (n, c, h, w) of noisy images; ``sigma`` is (n,), ``label`` (n,) class codes."""
        _, height, width = self.shape
        pad = (0, -width % self.cell, 0, -height % self.cell)
        scaled = functional.pad(noisy / (1 + sigma**2).sqrt()[:, None, None, None], pad, mode="replicate")
        cells = functional.pixel_unshuffle(scaled, self.cell).contiguous(memory_format=torch.channels_last)
        known = self.noise(_features(sigma)) + self.label(label)
        there = self.place(label).reshape(len(noisy), 1, *self.grid)
        fine = self.fine(self.enter(torch.cat([cells, _places(cells), there], 1)), known)
        coarse = self.coarse(self.down(fine), known)
        deep = self.join(self.deep(self.further(coarse), known))
        coarse = coarse + functional.interpolate(deep, coarse.shape[2:], mode="nearest")
        both = fine + functional.interpolate(self.up(coarse), fine.shape[2:], mode="nearest")
        made = functional.pixel_shuffle(self.leave(self.last(both, known)), self.cell)
        return made[:, :, :height, :width]

    def clean(self, noisy: Tensor, sigma: float, label: Tensor) -> Tensor:
        """Return the expected clean images (n, c, h, w) of noisy ones."""
        residual = self(noisy, noisy.new_full((len(noisy),), sigma), label)
        expected: Tensor = noisy / (1 + sigma**2) + residual * (sigma / math.sqrt(1 + sigma**2))
        return expected

    def loss(self, clean: Tensor, label: Tensor, stream: torch.Generator) -> Tensor:
        """Return the mean squared error of the residual of clean images, each at a random noise level."""
        draw = torch.randn(len(clean), generator=stream, device=stream.device)
        sigma = (MEAN_LOG_SIGMA + SPREAD_LOG_SIGMA * draw).exp()
        noise = torch.randn(clean.shape, generator=stream, device=stream.device)
        wide = sigma[:, None, None, None]
        residual = self(clean + wide * noise, sigma, label)
        wanted = (wide * clean - noise) / (1 + wide**2).sqrt()  # what the skip connection does not explain
        error: Tensor = (residual - wanted).square().mean()
        return error


class Block(nn.Module):
    """A residual block that is told noise level and class."""

    def __init__(self, width: int, known: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.tell = nn.Linear(known, 2 * width)
        self.norm = nn.GroupNorm(4, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, state: Tensor, known: Tensor) -> Tensor:
        """Return the state (n, width, h, w) after one more block; ``known`` is (n, m)."""
        scale, shift = self.tell(functional.silu(known))[:, :, None, None].chunk(2, dim=1)
        inside = functional.silu(self.norm(self.first(state)) * (1 + scale) + shift)
        after: Tensor = state + self.second(inside)
        return after


def _features(sigma: Tensor) -> Tensor:
    """Return sines and cosines of the log noise level, shape (n, 2 * FREQUENCIES)."""
    frequency = torch.logspace(-1.5, 1, FREQUENCIES, base=2, device=sigma.device) * math.pi
    angle = sigma.log()[:, None] / 4 * frequency
    return torch.cat([angle.sin(), angle.cos()], 1)


def _places(cells: Tensor) -> Tensor:
    """Return row and column of each cell, from -1 to 1, (n, 2, h, w)."""
    n, _, height, width = cells.shape
    down, across = (torch.linspace(-1, 1, length, device=cells.device) for length in (height, width))
    places = torch.stack(torch.meshgrid(down, across, indexing="ij"))
    return places.expand(n, 2, height, width)
