"""From a request to rows: their start, the denoising under a rule or guide, and decoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

from generators.common.torch_training import device, tensor, torch_stream
from generators.diffusion.denoiser import Denoiser
from generators.diffusion.guidance import Guide, Maker, maker
from generators.diffusion.latent_space import Space
from generators.diffusion.region_projection import Box
from generators.diffusion.solver import HIGHEST, State, Unsteered, noise_levels, run
from generators.resampling.resample import proposals, starting_rows
from loop.types import Request, SamplingMethod, Table


@dataclass(frozen=True, eq=False)
class Walk:
    """What all rows of a request share. Build it with `to`."""

    table: Table
    space: Space
    net: Denoiser
    box: Box
    sigmas: list[float]  # falling noise levels
    starts: np.ndarray  # (m,) positions of real rows to start from; empty = start from noise
    chance: np.ndarray  # (m,) probability of each real row, or (K,) of each class
    label: int | None
    steering: Maker = Unsteered
    sampling_method: SamplingMethod = "native"

    @classmethod
    def to(
        cls, request: Request, box: Box, table: Table, space: Space, net: Denoiser, steps: int, seed_noise: float
    ) -> Self:
        """Plan the sampling of a region: from its real rows if there are any, else from noise.

        Parameters
        ----------
        request : Request
            Region and class of the rows.
        box : Box
            The region's rule in latent space.
        table, space, net : Table, Space, Denoiser
            What the generator has learnt.
        steps : int
            Steps from pure noise to a row.
        seed_noise : float
            Noise added to real rows, in standard deviations of the scores.
        """
        label, sigmas = request.label, noise_levels(steps)
        if request.region.rule or request.region.seeds is not None:
            starts, chance = starting_rows(table, request)
            if len(starts):
                tail = [sigma for sigma in sigmas if sigma < seed_noise]
                return cls(table, space, net, box, [seed_noise, *tail], starts, chance, label, sampling_method="seeds")
        walk = cls(table, space, net, box, sigmas, np.arange(0), np.ones(1), label)
        return replace(walk, chance=walk._class_chance())

    def guided(self, guide: Guide, rng: np.random.Generator) -> Walk:
        """Return the same walk with a guide."""
        drawn_again = guide.method == "particles" and self.sampling_method == "native"
        steering = maker(guide, self.space, self.table.X[self.table.is_real], rng)
        return replace(self, steering=steering, sampling_method="importance" if drawn_again else self.sampling_method)

    def rows(self, n: int, rng: np.random.Generator) -> Table:
        """Sample n rows together."""
        stream = torch_stream(rng, device())
        end = run(self._estimate, self._start(n, stream, rng), self.sigmas, self.steering(len(self.sigmas)), stream)
        parent = end.parent.cpu().numpy()
        X = self._settled(self.space.decode(end.noisy.cpu().numpy(), rng), parent, rng)
        named = np.where(parent >= 0, self.table.row_number[parent], -1)
        return proposals(X, end.label.cpu().numpy(), named, self.table.schema)

    def _settled(self, X: np.ndarray, parent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Replace values (n, d) that share a level by the parent's, or else by one inside the region."""
        for number, levels in self.space.levels.items():
            x, shared = X[:, number], np.isin(X[:, number], levels.rare)
            own = np.where(parent >= 0, self.table.X[parent, number], np.nan)
            x = np.where(shared & np.isin(own, levels.rare), own, x)
            inside = self.box.rare.get(number, np.ones(len(levels.rare), dtype=bool))
            outside = shared & np.isin(x, levels.rare[~inside])
            if outside.any() and inside.any():
                share = levels.share[inside]
                x[outside] = rng.choice(levels.rare[inside], size=outside.sum(), p=share / share.sum())
            X[:, number] = x
        return X

    def _start(self, n: int, stream: torch.Generator, rng: np.random.Generator) -> State:
        if len(self.starts):
            parent = self.starts[rng.choice(len(self.starts), n, p=self.chance)]
            clean, label = self.space.encode(self.table.X[parent], rng), self.table.y[parent]
        else:
            parent, clean = np.full(n, -1), np.zeros((n, self.space.width), dtype=np.float32)
            label = rng.choice(len(self.chance), n, p=self.chance)
        noise = torch.randn(clean.shape, generator=stream, device=stream.device)
        noisy = tensor(clean, stream.device) + self.sigmas[0] * noise
        return State(noisy, tensor(label, stream.device), tensor(parent, stream.device))

    def _estimate(self, noisy: Tensor, sigma: float, label: Tensor) -> Tensor:
        """Return the expected clean latents (n, w) of rows that end inside the box.

        Conditioning on the box adds the gradient of its log probability to the score (Wu et al. 2023), for columns
        without a condition. Columns with one need no gradient, as their predicted distribution is truncated.
        """
        with torch.set_grad_enabled(bool(self.box)):
            seen = noisy.detach().requires_grad_(bool(self.box))
            belief = self.net.belief(seen, sigma, label)
            if not self.box:
                return self.net.expected(belief)
            inside, log_chance = self.box.restrict(belief, sigma)
            (uphill,) = torch.autograd.grad(log_chance.sum(), seen)
        with torch.no_grad():
            pull = (sigma**2 * uphill).clamp(-sigma, sigma)  # no further than the noise level
            free = self.net.expected(belief) + pull.nan_to_num(0.0)
            return torch.where(self.box.columns(self.net.widths), self.net.expected(inside), free)

    @torch.no_grad()
    def _class_chance(self) -> np.ndarray:
        """Return the probability (K,) of each class inside the box: share times the box's probability in the class."""
        n_classes = self.table.n_classes
        if self.label is not None:
            asked: np.ndarray = np.eye(n_classes)[self.label]
            return asked
        shares = np.bincount(self.table.y[self.table.is_real], minlength=n_classes) / self.table.is_real.sum()
        nothing = torch.zeros((n_classes, self.space.width), device=device())  # irrelevant at this noise
        belief = self.net.belief(nothing, HIGHEST, torch.arange(n_classes, device=device()))
        log_chance = np.log(np.maximum(shares, 1e-300)) + self.box.restrict(belief, HIGHEST)[1].double().cpu().numpy()
        inside: np.ndarray = softmax(log_chance)
        return inside
