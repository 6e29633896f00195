"""From noise to series: Heun's steps, and resampling of half-made series that a score prefers."""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from generators.diffusion.guidance import DIVERSITY, SETTLED, systematic_draw, tempered
from generators.series.network import Denoiser
from loop.errors import ConfigError

CHURN = 0.3  # noise added anew at a step, as a share of the noise there, where copies must go apart

Scored = Callable[[np.ndarray, np.ndarray], np.ndarray]  # clean series (n, c, g), their hosts (n,) -> scores (n,)
__all__ = ["DIVERSITY", "Steering", "denoised"]


class Steering:
    """Keeps half-made series with a high score and drops others (Feynman-Kac steering, Singhal et al. 2025).

    Parameters
    ----------
    score : callable
        Maps clean series (n, c, g) and the positions (n,) of their hosts to scores (n,).
    known : np.ndarray
        Scores (m,) of real rows: a score counts as the normal score of its rank among them.
    strength : float
        1 raises the score by about a standard deviation.
    every : int
        Steps between two looks.
    rng : np.random.Generator
        Draws what is kept.
    """

    def __init__(self, score: Scored, known: np.ndarray, strength: float, every: int, rng: np.random.Generator) -> None:
        self._score, self._known = score, np.sort(finite(known, len(known)))
        self._strength, self._every, self._rng = strength, every, rng
        self._paid: np.ndarray | float = 0.0  # log-weight that earlier looks have applied

    def begin(self) -> None:
        """Forget the series of another run."""
        self._paid = 0.0

    def chosen(self, step: int, steps: int, clean: Tensor, hosts: np.ndarray) -> np.ndarray | None:
        """Return the numbers (n,) of the series to go on with, some of them repeated; None = all."""
        if step == 0 or step % self._every or step > SETTLED * steps:
            return None
        score, m = finite(self._score(clean.numpy(), hosts), len(hosts)), len(self._known)
        rank = np.searchsorted(self._known, score, "left") + np.searchsorted(self._known, score, "right")
        owed = self._strength * ndtri(np.clip(rank / 2, 0.5, m - 0.5) / m) - self._paid
        now = tempered(owed - owed.max())
        rows = systematic_draw(np.exp(now), self._rng)
        self._paid = (self._paid + now)[rows]
        return rows


def finite(score: np.ndarray, n: int) -> np.ndarray:
    """Return a score, one finite number for each of n rows; ConfigError if it is something else."""
    score = np.asarray(score, dtype=np.float64)
    if score.shape != (n,) or not np.isfinite(score).all():
        raise ConfigError(
            f"a score that steers must give one finite number a row, got shape {score.shape} for {n} rows: correct "
            "the function."
        )
    return score


@torch.no_grad()
def denoised(
    net: Denoiser,
    noisy: Tensor,
    hosts: np.ndarray,
    label: Tensor,
    sigmas: list[float],
    stream: torch.Generator,
    steering: Steering | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Remove the noise of series by Heun's method (Karras et al. 2022, algorithms 1 and 2).

    Parameters
    ----------
    net : Denoiser
    noisy : Tensor
        Series (n, c, g) at the first noise level.
    hosts : np.ndarray
        Positions (n,) of the real rows that they go with.
    label : Tensor
        Class codes (n,).
    sigmas : list of float
        Falling noise levels.
    stream : torch.Generator
        Draws the noise that sets copies apart; nothing without a steering.
    steering : Steering, optional

    Returns
    -------
    series : np.ndarray
        Clean series (n, c, g).
    chosen : np.ndarray
        For each, the number (n,) of the start that it comes from.
    """
    origin = np.arange(len(hosts))
    if steering is not None:
        steering.begin()
    for step, (sigma, lower) in enumerate(zip(sigmas, [*sigmas[1:], 0.0], strict=True)):
        if steering is not None and lower > 0:
            higher = sigma * (1 + CHURN)
            noise = torch.randn(noisy.shape, generator=stream)
            noisy, sigma = noisy + math.sqrt(higher**2 - sigma**2) * noise, higher
        clean = _clean(net, noisy, sigma, label)
        rows = steering.chosen(step, len(sigmas), clean, hosts[origin]) if steering is not None else None
        if rows is not None:
            at = torch.from_numpy(rows)
            noisy, clean, label, origin = noisy[at], clean[at], label[at], origin[rows]
        slope = (noisy - clean) / sigma
        ahead = noisy + (lower - sigma) * slope
        if lower > 0:
            again = (ahead - _clean(net, ahead, lower, label)) / lower
            ahead = noisy + (lower - sigma) * 0.5 * (slope + again)
        noisy = ahead
    made: np.ndarray = noisy.numpy()
    return made, origin


def _clean(net: Denoiser, noisy: Tensor, sigma: float, label: Tensor) -> Tensor:
    found: Tensor = net(noisy, torch.full((len(noisy),), sigma), label)
    return found
