"""The denoiser of series: a small U-Net along time, told the noise and the class (EDM, Karras et al. 2022)."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from generators.common.torch_training import Schedule, tensor, train

KERNEL, GROUPS, NOISE_WIDTH = 5, 4, 16
MEAN_LOG, SPREAD_LOG = -0.8, 1.3  # of the noise in training, as logarithms; series have spread 1
HIGHEST_FREQUENCY = 8.0


class Denoiser(nn.Module):
    """Noisy series (n, c, g) of spread 1, their noise (n,) and class codes (n,) -> expected clean series.

    Parameters
    ----------
    channels, classes : int
        Of the series.
    width : int
        Channels at full length, a multiple of 4; twice as many at half and quarter length.
    """

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        told = 2 * width
        self.of_class = nn.Embedding(classes, told)
        self.of_noise = nn.Linear(NOISE_WIDTH, told)
        self.first = nn.Conv1d(channels, width, KERNEL, padding=KERNEL // 2)
        self.down = nn.ModuleList([_Block(width, width, told), _Block(width, told, told)])
        self.middle = _Block(told, told, told)
        self.up = nn.ModuleList([_Block(2 * told, told, told), _Block(told + width, width, told)])
        self.last = nn.Conv1d(width, channels, KERNEL, padding=KERNEL // 2)

    def forward(self, noisy: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        """Return clean series (n, c, g): the preconditioning of EDM for data of spread 1 (table 1)."""
        own = sigma[:, None, None]
        frequencies = torch.logspace(0, math.log10(HIGHEST_FREQUENCY), NOISE_WIDTH // 2, device=sigma.device)
        level = torch.log(sigma)[:, None] / 4 * frequencies
        told = self.of_noise(torch.cat([level.sin(), level.cos()], 1)) + self.of_class(label)
        raw = self._raw(noisy / torch.sqrt(1 + own**2), functional.silu(told))
        clean: Tensor = noisy / (1 + own**2) + raw * own / torch.sqrt(1 + own**2)
        return clean

    def _raw(self, series: Tensor, told: Tensor) -> Tensor:
        hidden, kept = self.first(series), []
        for block in self.down:
            hidden = block(hidden, told)
            kept.append(hidden)
            hidden = functional.avg_pool1d(hidden, 2, ceil_mode=True)
        hidden = self.middle(hidden, told)
        for block in self.up:
            beside = kept.pop()
            hidden = functional.interpolate(hidden, size=beside.shape[2], mode="nearest")
            hidden = block(torch.cat([hidden, beside], 1), told)
        made: Tensor = self.last(functional.silu(hidden))
        return made


class _Block(nn.Module):
    def __init__(self, before: int, after: int, told: int) -> None:
        super().__init__()
        self.one = nn.Conv1d(before, after, KERNEL, padding=KERNEL // 2)
        self.two = nn.Conv1d(after, after, KERNEL, padding=KERNEL // 2)
        self.norm_one, self.norm_two = nn.GroupNorm(GROUPS, before), nn.GroupNorm(GROUPS, after)
        self.shift = nn.Linear(told, 2 * after)
        self.skip = nn.Conv1d(before, after, 1)

    def forward(self, series: Tensor, told: Tensor) -> Tensor:
        hidden = self.one(functional.silu(self.norm_one(series)))
        scale, shift = self.shift(told)[:, :, None].chunk(2, 1)
        hidden = self.two(functional.silu(self.norm_two(hidden) * (1 + scale) + shift))
        made: Tensor = hidden + self.skip(series)
        return made


def trained(
    net: Denoiser, series: np.ndarray, label: np.ndarray, schedule: Schedule, stream: torch.Generator
) -> Denoiser:
    """Train on series (n, c, g) of spread 1 with their classes (n,); return the average of the weights."""
    clean, codes = tensor(series, stream.device), tensor(label, stream.device)

    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        drawn = torch.randn(len(rows), generator=stream, device=stream.device)
        sigma = torch.exp(MEAN_LOG + SPREAD_LOG * drawn)
        own = clean[rows]
        noise = torch.randn(own.shape, generator=stream, device=stream.device)
        found = model(own + sigma[:, None, None] * noise, sigma, codes[rows])
        weight = (sigma**2 + 1) / sigma**2  # so that the raw net has an error of about 1 at each noise (section 5)
        missed: Tensor = ((found - own) ** 2).mean((1, 2)) * weight
        return missed.mean()

    average = train(net, loss, len(clean), schedule, stream)
    if not isinstance(average, Denoiser):
        raise TypeError(type(average))
    return average
