"""A small residual network of one-dimensional convolutions, in which what lies behind a series' end has no part."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LONGEST = 128  # steps after the first convolution, about
BLOCKS = (1, 2, 2)  # widths of the blocks, times that of the first convolution
GROUPS = 8


class SeriesNet(nn.Module):
    """Series (n, channels, t) with a mask (n, 1, t) of their own steps -> logits (n, classes).

    Residual blocks with mean and maximum over time (cf. ResNet for series, Wang, Yan, Oates 2017).

    Parameters
    ----------
    channels, longest : int
        Of the series.
    classes : int
        Logits.
    width : int
        Channels of the first convolution, a multiple of 8.
    """

    def __init__(self, channels: int, longest: int, classes: int, width: int) -> None:
        super().__init__()
        self.stride = max(1, -(-longest // LONGEST))
        self.first = nn.Conv1d(channels + 1, width, 2 * self.stride + 5, self.stride, padding=self.stride + 2)
        widths = [width, *(width * times for times in BLOCKS)]
        self.blocks = nn.ModuleList(_Block(before, after) for before, after in pairwise(widths))
        self.last = nn.Linear(2 * widths[-1], classes)

    def forward(self, series: Tensor, mask: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        hidden = self.first(torch.cat([series, mask], dim=1))
        mask = mask[:, :, :: self.stride][:, :, : hidden.shape[2]]
        hidden = functional.silu(hidden[:, :, : mask.shape[2]]) * mask
        for place, block in enumerate(self.blocks):
            if place and hidden.shape[2] > 1:
                hidden = functional.avg_pool1d(hidden, 2, ceil_mode=True)
                mask = functional.max_pool1d(mask, 2, ceil_mode=True)
            hidden = block(hidden, mask)
        mean = hidden.sum(2) / mask.sum(2)
        most = hidden.masked_fill(mask == 0, -torch.inf).amax(2)
        logits: Tensor = self.last(torch.cat([mean, most], dim=1))
        return logits


class _Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(before, after, 7, padding=3), nn.Conv1d(after, after, 5, padding=2)
        self.norm_one, self.norm_two = nn.GroupNorm(GROUPS, after), nn.GroupNorm(GROUPS, after)
        self.skip = nn.Conv1d(before, after, 1)

    def forward(self, series: Tensor, mask: Tensor) -> Tensor:
        hidden = functional.silu(self.norm_one(self.one(series) * mask)) * mask
        hidden = self.norm_two(self.two(hidden) * mask)
        made: Tensor = functional.silu(hidden + self.skip(series)) * mask
        return made
