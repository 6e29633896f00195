"""A region as a constraint on clean rows, imposed at every sampling step."""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor

from generators.common.torch_training import device
from generators.diffusion.denoiser import Belief
from generators.diffusion.latent_space import Space
from loop.rows import Rows
from loop.types import Condition, Region

Bounds = tuple[float, float]


@dataclass(eq=False)
class Box:
    """What a region's rule means for latents: intervals of scores, and allowed levels.

    The predicted distribution of a clean row is truncated to the region: a normal distribution to the intervals, levels
    to the allowed ones. For one column this is exact, as scores are standard normal; the other columns follow the
    gradient of the probability to lie inside (twisted diffusion, Wu, Trippe, Naesseth, Blei, Cunningham 2023, arXiv
    2306.17775).
    """

    scores: dict[int, list[Bounds]] = field(default_factory=dict)  # place -> intervals, ascending and disjoint
    levels: dict[int, np.ndarray] = field(default_factory=dict)  # place among the columns with levels -> (L,) bool
    rare: dict[int, np.ndarray] = field(default_factory=dict)  # column -> (r,) bool: allowed values of its last level

    @classmethod
    def of(cls, region: Region, space: Space) -> Self | None:
        """Translate a region's rule; None if no row can satisfy it."""
        box = cls()
        possible = all(box._narrow(condition, space) for condition in region.rule)
        return box if possible else None

    def __bool__(self) -> bool:
        return bool(self.scores or self.levels)

    def columns(self, widths: list[int]) -> Tensor:
        """Tell which coordinates (w,) of a latent have a condition; first scores, then levels of the given widths."""
        conditioned = [place in self.scores for place in range(widths[0])]
        for place, width in enumerate(widths[1:]):
            conditioned += [place in self.levels] * width
        return torch.tensor(conditioned, device=device())

    def _narrow(self, condition: Condition, space: Space) -> bool:
        """Add a condition; return whether any value is still allowed."""
        number = condition.column
        if number in space.constant:
            return bool(_holds(condition, np.array([space.constant[number]]))[0])
        if number in space.scores:
            place = list(space.scores).index(number)
            before = self.scores.get(place, [(-math.inf, math.inf)])
            self.scores[place] = _common(before, space.scores[number].interval(condition))
            return bool(self.scores[place])
        place, levels = list(space.levels).index(number), space.levels[number]
        allowed, rare = _holds(condition, levels.values), _holds(condition, levels.rare)
        self.rare[number] = rare & self.rare.get(number, np.ones_like(rare))
        self.levels[place] = allowed & self.levels.get(place, np.ones_like(allowed))
        self.levels[place][-1] = self.rare[number].any()  # the last level is allowed if one of its values is
        return bool(self.levels[place].any())

    def restrict(self, belief: Belief, sigma: float) -> tuple[Belief, Tensor]:
        """Truncate the predicted distribution of rows to the region.

        Parameters
        ----------
        belief : Belief
            The prediction for n rows.
        sigma : float
            Their noise level, in standard deviations.

        Returns
        -------
        belief : Belief
            The distribution given that the rows are inside.
        log_chance : Tensor
            Log probability (n,) of each row to lie inside, as if its columns were independent.
        """
        scores, levels = list(belief.scores.unbind(1)), list(belief.levels)
        log_chance = belief.scores.new_zeros(len(belief.scores))
        spread = sigma / math.sqrt(1 + sigma**2)  # posterior deviation of a standard normal score
        for place, intervals in self.scores.items():
            parts = [truncated(scores[place].double(), spread, *bounds) for bounds in intervals]
            mean, mass = (torch.stack(part) for part in zip(*parts, strict=True))
            scores[place] = (mass.softmax(0) * mean).sum(0).float()
            log_chance = log_chance + mass.logsumexp(0).float()
        for place, allowed in self.levels.items():
            outside = torch.as_tensor(~allowed, device=log_chance.device)
            held = levels[place].masked_fill(outside, -math.inf)
            log_chance = log_chance + held.logsumexp(1)
            levels[place] = held.log_softmax(1)
        kept = torch.stack(scores, 1) if scores else belief.scores
        return Belief(kept, tuple(levels)), log_chance


def truncated(mean: Tensor, spread: float, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Return mean (n,) and log mass (n,) of normal distributions truncated to two bounds."""
    a, b = (low - mean) / spread, (high - mean) / spread
    mirrored = a + b > 0  # to the side where logarithms are precise
    left, right = torch.where(mirrored, -b, a), torch.where(mirrored, -a, b)
    log_left, log_right = torch.special.log_ndtr(left), torch.special.log_ndtr(right)
    log_mass = log_right + torch.log1p(-(log_left - log_right).exp()).clamp_min(-700)
    shift = (_log_density(left) - log_mass).exp() - (_log_density(right) - log_mass).exp()
    cut = mean + spread * torch.where(mirrored, -shift, shift)
    return cut.clamp(low, high), log_mass


def _log_density(x: Tensor) -> Tensor:
    return -0.5 * x**2 - 0.5 * math.log(2 * math.pi)


def _holds(condition: Condition, x: np.ndarray) -> np.ndarray:
    """Tell which values (n,) of the condition's column satisfy it."""
    X = np.zeros((len(x), condition.column + 1))
    X[:, condition.column] = x
    return condition.holds(Rows(X))


def _common(one: list[Bounds], other: list[Bounds]) -> list[Bounds]:
    """Return the intersection of two lists of intervals."""
    pairs = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return [(low, high) for low, high in pairs if low <= high]
