"""The training of a convolutional network: which rows a batch holds, the loss, and the average of the weights."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.images.augmentation import Augmentation, augmented
from learners.images.net import ABSENT, ConvNet
from loop.errors import ConfigError

AVERAGING = 0.98  # share of the running average of the weights kept at each step
LEAST_PER_PASS = 8  # batches of a pass: few rows make small batches
WARM_UP = 0.1  # share of the steps in which the rate rises
DECAY = 0.02  # AdamW's weight decay of matrices
FLOOR = 1e-6  # least share of a class that a logit is adjusted by


@dataclass(frozen=True)
class Schedule:
    """How a network is trained."""

    steps: int
    batch: int
    rate: float
    augment: Augmentation
    balanced: bool  # whether each class is drawn equally often
    adjustment: float  # of the logits by the log shares of the classes, 0 = none


@dataclass(frozen=True, eq=False)
class Content:
    """What a network is trained on: images stay as they are until a batch is made."""

    images: np.ndarray  # (n, c, h, w) uint8 or float32
    targets: np.ndarray  # (n, K)
    weight: np.ndarray  # (n,) above zero

    @property
    def mass(self) -> np.ndarray:
        """Weight of each class (K,)."""
        found: np.ndarray = self.weight @ self.targets
        return found


def unit(images: np.ndarray) -> Tensor:
    """Return images (n, c, h, w) as floats from 0 to 1."""
    values = torch.from_numpy(np.array(images)).float()
    return values / 255 if images.dtype == np.uint8 else values


def trained(net: ConvNet, content: Content, schedule: Schedule, rng: np.random.Generator) -> ConvNet:
    """Train a network in place; return the running average of its weights, in evaluation mode.

    Raises
    ------
    ConfigError
        If training diverges.
    """
    mass = content.mass
    _settle(net, content, rng)
    net.offset += torch.as_tensor(np.where(mass > 0, 0.0, ABSENT), dtype=torch.float32)  # type: ignore[operator]
    # Adjusted logits learn what rows would be if all classes were equally frequent (Menon et al. 2021, equation 10).
    prior = torch.as_tensor(schedule.adjustment * np.log(np.maximum(mass / mass.sum(), FLOOR)), dtype=torch.float32)
    average, optimizer = copy.deepcopy(net).eval().requires_grad_(False), _optimizer(net, schedule.rate)
    net.train()
    for step, rows in zip(range(1, schedule.steps + 1), batches(content, schedule, rng), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate * _pace(step, schedule.steps)
        images, targets = unit(content.images[rows]), torch.as_tensor(content.targets[rows], dtype=torch.float32)
        images, targets = augmented(schedule.augment, images, targets, rng)
        per_row = -(targets * functional.log_softmax(net(images) + prior, -1)).sum(-1)
        weight = np.ones(len(rows)) if schedule.balanced else content.weight[rows] / content.weight.mean()
        loss: Any = (torch.as_tensor(weight, dtype=torch.float32) * per_row).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        _approach(average, net, max(1 - AVERAGING, 9 / (step + 9)))
    if not all(value.isfinite().all() for value in average.state_dict().values()):
        raise ConfigError(f"training must converge, and with rate {schedule.rate} it does not: lower rate.")
    return average


def batches(content: Content, schedule: Schedule, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield row numbers (b,) without end: pass after pass, or each class equally often if balanced."""
    n = len(content.images)
    size = min(schedule.batch, max(1, math.ceil(n / LEAST_PER_PASS)))
    if schedule.balanced:
        share = content.targets / np.maximum(content.mass, 1e-12)  # soft labels count for each class in part
        chance = content.weight * share.sum(axis=1)
        while True:
            yield rng.choice(n, size, p=chance / chance.sum())
    while True:
        yield from np.array_split(rng.permutation(n), math.ceil(n / size))


def _settle(net: ConvNet, content: Content, rng: np.random.Generator) -> None:
    """Learn mean and spread of the channels from some images."""
    some = unit(content.images[rng.permutation(len(content.images))[:2000]])
    net.get_buffer("centre").copy_(some.mean(dim=(0, 2, 3))[:, None, None])
    net.get_buffer("spread").copy_(some.std(dim=(0, 2, 3), correction=0).clamp_min(1e-3)[:, None, None])


@torch.no_grad()
def _approach(average: nn.Module, net: nn.Module, share: float) -> None:
    """Move the average towards the weights and the statistics of batch normalisation by a share."""
    for own, other in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if own.is_floating_point():
            own.lerp_(other, share)
        else:
            own.copy_(other)


def _optimizer(net: nn.Module, rate: float) -> Any:
    matrices = [each for each in net.parameters() if each.ndim > 1]
    vectors = [each for each in net.parameters() if each.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def _pace(step: int, steps: int) -> float:
    """Return the share of the full rate at a step 1..steps: a linear rise, then a cosine to zero."""
    rise = max(1, round(WARM_UP * steps))
    return step / rise if step <= rise else 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise + 1)))
