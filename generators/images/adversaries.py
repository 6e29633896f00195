"""The two networks of a GAN of images: one makes them, the other tells them from real ones."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 2  # how often the sides are doubled


class Maker(nn.Module):
    """Makes images of values from 0 to 1 from noise and a class.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width.
    classes, latent, width : int
        Number of classes, numbers of noise, channels of the last hidden layer.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, latent: int, width: int) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        self.grid = [math.ceil(length / 2**DEPTH) for length in shape[1:]]
        self.label = nn.Embedding(classes, latent)
        self.enter = nn.Linear(2 * latent, 2 * width * math.prod(self.grid))
        self.first, self.second = _layer(2 * width, width), _layer(width, width)
        self.leave = nn.Conv2d(width, shape[0], 3, padding=1)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return images (n, c, h, w) of noise (n, latent) and class codes (n,)."""
        state = self.enter(torch.cat([noise, self.label(label)], 1)).unflatten(1, (-1, *self.grid))
        for layer in (self.first, self.second):
            state = layer(functional.interpolate(state, scale_factor=2.0, mode="nearest"))
        _, height, width = self.shape
        made: Tensor = self.leave(state)[:, :, :height, :width].sigmoid()
        return made


class Critic(nn.Module):
    """Scores images, real ones high, by what they show and whether it suits their class.

    The class enters as an inner product with the features (projection, Miyato and Koyama 2018, arXiv 1802.05637).
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(shape[0], width, 3, padding=1)
        self.first, self.second = (nn.Conv2d(w, 2 * width, 3, stride=2, padding=1) for w in (width, 2 * width))
        features = 2 * width * math.prod(math.ceil(length / 4) for length in shape[1:])
        self.told = nn.Linear(features, 2 * width)
        self.label, self.leave = nn.Embedding(classes, 2 * width), nn.Linear(2 * width, 1)

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        """Return scores (n,) of images (n, c, h, w) of class codes (n,)."""
        state = images * 2 - 1
        for layer in (self.enter, self.first, self.second):
            state = functional.leaky_relu(layer(state), 0.2)
        features = functional.leaky_relu(self.told(state.flatten(1)), 0.2)
        scores: Tensor = self.leave(features)[:, 0] + (features * self.label(label)).mean(1)
        return scores


def _layer(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.LeakyReLU(0.2))
