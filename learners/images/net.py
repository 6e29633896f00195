"""A small convolutional network, with weights drawn from one generator alone."""

import math

import torch
from torch import Tensor, nn

from loop.support.parallel.torch_threads import ONE_AT_A_TIME

GRID = 4  # cells along each side that the last features are averaged to, at most
SMALL, MEDIUM = 16, 40  # shorter sides up to which the first layer has a stride of 1, and of 2; else 4
ABSENT = -30.0  # logit added for a class that no training row has: its probability is then about zero


class ConvNet(nn.Module):
    """Three convolutions with batch normalisation, and a linear layer on a coarse grid of their features.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of an image.
    classes : int
        Number of classes K.
    width : int
        Channels of the first layer; later ones have twice as many.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        side = min(shape[1:])
        stride = 1 if side <= SMALL else 2 if side <= MEDIUM else 4
        kernel = 3 if stride == 1 else 5
        self.register_buffer("centre", torch.zeros(shape[0], 1, 1))
        self.register_buffer("spread", torch.ones(shape[0], 1, 1))
        self.register_buffer("offset", torch.zeros(classes))  # added to the logits, see `ABSENT`
        self.features = nn.Sequential(
            *_layer(shape[0], width, kernel, stride),
            *_layer(width, 2 * width, 3, 1),
            nn.MaxPool2d(2, ceil_mode=True),
            *_layer(2 * width, 2 * width, 3, 1),
        )
        height, wide = (math.ceil(math.ceil(length / stride) / 2) for length in shape[1:])
        grid = (min(GRID, height), min(GRID, wide))
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(grid), nn.Flatten(), nn.Linear(2 * width * math.prod(grid), classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (b, K) of images (b, channels, height, width) with values from 0 to 1."""
        scaled = (images - self.get_buffer("centre")) / self.get_buffer("spread")
        found: Tensor = self.head(self.features(scaled.contiguous(memory_format=torch.channels_last)))
        return found + self.get_buffer("offset")


def new_net(shape: tuple[int, int, int], classes: int, width: int, stream: torch.Generator) -> ConvNet:
    """Make a network whose weights come from the stream; torch's global state is left as it was."""
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        net = ConvNet(shape, classes, width)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                gain = math.sqrt(2) if isinstance(module, nn.Conv2d) else 0.1  # He et al. 2015; nearly equal answers
                module.weight.normal_(std=gain / math.sqrt(module.weight[0].numel()), generator=stream)
                if module.bias is not None:
                    module.bias.zero_()
    whole: ConvNet = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return whole


def _layer(inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
