"""The denoiser: predicts the clean row from a noisy row, its noise level and its class."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from generators.common.torch_training import Schedule, train

FREQUENCIES = 16  # of the noise level's features
MEAN_LOG_SIGMA, SPREAD_LOG_SIGMA = -0.5, 1.5  # of the noise levels trained on; scores have unit variance


@dataclass(frozen=True, eq=False)
class Belief:
    """The predicted distribution of clean rows, column by column."""

    scores: Tensor  # (n, p) expected scores
    levels: tuple[Tensor, ...]  # for each column with levels: (n, L) log-probabilities


class Denoiser(nn.Module):
    """A residual perceptron that predicts the part of a clean row that the noisy row does not show.

    Scores: the output is scaled so that input, output and error have unit variance at every noise level (Karras,
    Aittala, Aila, Laine 2022, arXiv 2206.00364, equation 7 and table 1). Levels: the noise of each column is
    independent, so p(level | noisy row) is p(level | the other columns) times the likelihood of the column's own noisy
    coordinates, which is known: the net supplies only the first factor. The expected point under these probabilities
    is the clean estimate (score interpolation of CDTD, Mueller, Gruber, Fok 2024, arXiv 2312.10431).

    Parameters
    ----------
    scores : int
        Number of columns with scores, the first coordinates of a latent.
    points : tuple of np.ndarray
        Points of the levels of each other column, each (L, m); their coordinates come after the scores.
    classes : int
        Number of classes to condition on.
    hidden, blocks : int
        Units of a layer, and number of residual blocks.
    """

    def __init__(self, scores: int, points: tuple[np.ndarray, ...], classes: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.scores, self.counts = scores, [len(each) for each in points]
        self.widths = [scores, *(each.shape[1] for each in points)]
        for number, each in enumerate(points):  # belong to the space, not to the weights
            self.register_buffer(f"points_{number}", torch.as_tensor(each), persistent=False)
        self.enter = nn.Linear(sum(self.widths), hidden)
        self.noise = nn.Linear(2 * FREQUENCIES, hidden)
        self.label = nn.Embedding(classes, hidden)
        self.blocks = nn.ModuleList(_block(hidden) for _ in range(blocks))
        self.leave = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, scores + sum(self.counts)))

    @property
    def points(self) -> list[Tensor]:
        """Points (L, m) of the levels of each column that has them."""
        return [self.get_buffer(f"points_{number}") for number in range(len(self.counts))]

    def forward(self, noisy: Tensor, sigma: Tensor, label: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the residual of the scores (n, p), and log-probabilities (n, L) of each column's levels.

        ``noisy`` is (n, w), ``sigma`` (n, 1) standard deviations of the noise, ``label`` (n,) class codes.
        """
        state = self.enter(noisy / (1 + sigma**2).sqrt()) + self.noise(_features(sigma)) + self.label(label)
        for block in self.blocks:
            state = state + block(state)
        residual, *logits = torch.split(self.leave(state), [self.scores, *self.counts], 1)
        _, *places = torch.split(noisy, self.widths, 1)
        likelihoods = (
            (own @ at.T - 0.5 * (at**2).sum(1)) / sigma**2 for own, at in zip(places, self.points, strict=True)
        )
        levels = tuple((one + own).log_softmax(1) for one, own in zip(logits, likelihoods, strict=True))
        return residual, levels

    def belief(self, noisy: Tensor, sigma: float, label: Tensor) -> Belief:
        """Return the predicted distribution of the clean rows of noisy latents (n, w)."""
        residual, levels = self(noisy, noisy.new_full((len(noisy), 1), sigma), label)
        scale = 1 + sigma**2
        return Belief(noisy[:, : self.scores] / scale + residual * sigma / math.sqrt(scale), levels)

    def expected(self, belief: Belief) -> Tensor:
        """Return the expected clean latents (n, w)."""
        points = (level.exp() @ at for level, at in zip(belief.levels, self.points, strict=True))
        return torch.cat([belief.scores, *points], 1)

    def loss(self, clean: Tensor, label: Tensor, stream: torch.Generator) -> Tensor:
        """Return the mean loss per column of clean latents (n, w), each at a random noise level.

        Squared error in units of the residual for scores, cross-entropy in nats for levels.
        """
        draw = torch.randn((len(clean), 1), generator=stream, device=stream.device)
        sigma = (MEAN_LOG_SIGMA + SPREAD_LOG_SIGMA * draw).exp()
        noise = torch.randn(clean.shape, generator=stream, device=stream.device)
        residual, levels = self(clean + sigma * noise, sigma, label)
        # The part that the skip connection does not explain, in units of the output.
        wanted = (sigma * clean - noise)[:, : self.scores] / (1 + sigma**2).sqrt()
        total: Tensor = (residual - wanted).square().sum()
        _, *places = torch.split(clean, self.widths, 1)
        for level, own, at in zip(levels, places, self.points, strict=True):
            truth = (own @ at.T - 0.5 * (at**2).sum(1)).argmax(1)
            total = total + nn.functional.nll_loss(level, truth, reduction="sum")
        return total / (len(clean) * max(self.scores + len(self.counts), 1))


def trained(net: Denoiser, latents: Tensor, label: Tensor, schedule: Schedule, stream: torch.Generator) -> Denoiser:
    """Train a net on clean latents (n, w) and labels (n,); return the running average, see `train`."""

    def loss(net: nn.Module, rows: Tensor) -> Tensor:
        return cast(Denoiser, net).loss(latents[rows], label[rows], stream)

    return cast(Denoiser, train(net, loss, len(latents), schedule, stream))


def _block(hidden: int) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))


def _features(sigma: Tensor) -> Tensor:
    """Return sines and cosines of the log noise level, shape (n, 2 * FREQUENCIES)."""
    frequency = torch.logspace(-1.5, 1, FREQUENCIES, base=2, device=sigma.device) * math.pi
    angle = sigma.log() / 4 * frequency
    return torch.cat([angle.sin(), angle.cos()], 1)
