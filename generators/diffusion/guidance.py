"""Steering towards rows with a high score of a downstream model: by resampling partial rows, or along a gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn

from generators.common.torch_training import Schedule, build, device, tensor, torch_stream, train
from generators.diffusion.latent_space import Space
from generators.diffusion.solver import Steering
from loop.errors import ConfigError
from loop.rows import Rows
from loop.support.setting_checks import check_bounds

MOST_ROWS = 5000  # real rows that are scored, to normalise the score and to train the student
DIVERSITY = 0.5  # least effective sample size of a resampling, as a share of the rows
NUDGE = 0.03  # length of a move as a share of the latent's, at strength one (Hemmat et al. 2023)
SETTLED = 0.75  # share of the steps after which resampling ends: copies need time to diverge
STUDENT_UNITS, STUDENT_STEPS = 64, 400


@dataclass(frozen=True)
class Guide:
    """Which rows are wanted, and how strongly.

    Parameters
    ----------
    score : callable
        Maps n encoded `Rows` to scores (n,), such as entropy or loss of a learner, or the gap between it and a
        teacher. It needs no gradient. Higher = preferred.
    strength : float
        "particles" target the distribution of the rows times exp(strength * z), with z the normal score of the row's
        rank among real rows: strength 1 raises the score by about a standard deviation. "gradient" moves a row by
        strength * 3 % of its length. 0 = unguided.
    every : int
        Steps between two evaluations of the score.
    method : str
        "particles": partial rows are resampled by their predicted score, and copies diverge again (Feynman-Kac
        steering, Singhal et al. 2025, arXiv 2501.06848). "gradient": a small net learns the score of real rows, and
        its gradient at the predicted clean row moves the row (Feedback-guided synthesis, Hemmat et al. 2023, arXiv
        2310.00158).

    Raises
    ------
    ConfigError
        If the strength is negative, ``every`` below one, or the method unknown.
    """

    score: Callable[[Rows], np.ndarray]
    strength: float = 1.0
    every: int = 3
    method: Literal["particles", "gradient"] = "particles"

    def __post_init__(self) -> None:
        check_bounds(self, least={"strength": 0, "every": 1})
        if self.method not in ("particles", "gradient"):
            raise ConfigError(f"method must be particles or gradient, got {self.method!r}: use one of these.")


Maker = Callable[[int], Steering]  # number of steps -> the steering of one run


def maker(guide: Guide, space: Space, X: np.ndarray, rng: np.random.Generator) -> Maker:
    """Return a function that makes the steering of each run by a guide; X (n, d) are real rows."""
    few = X if len(X) <= MOST_ROWS else X[rng.choice(len(X), MOST_ROWS, replace=False)]
    scale = Scale(guide.score, few)
    if guide.method == "particles":
        return lambda steps: Particles(guide, scale, space, steps, rng)
    student = _student(tensor(space.encode(few, rng), device()), tensor(scale(few), device()), rng)
    return lambda steps: Gradient(guide, student, steps)


class Decoder(Protocol):
    """What turns latents into encoded rows."""

    def decode(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return rows (n, d) of latents (n, ...)."""
        ...


class Scale:
    """A score converted to the normal score of its rank among real rows: free of units and robust to outliers.

    Parameters
    ----------
    score : callable
        Maps rows X (n, d) to scores (n,).
    X : np.ndarray
        Real rows, (m, d).

    Raises
    ------
    ConfigError
        If the score does not give one finite number for each row.
    """

    def __init__(self, score: Callable[[Rows], np.ndarray], X: np.ndarray) -> None:
        self._score = score
        self._sorted = np.sort(self._checked(X))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return the normal scores (n,) of rows X (n, d)."""
        score, m = self._checked(X), len(self._sorted)
        rank = np.searchsorted(self._sorted, score, "left") + np.searchsorted(self._sorted, score, "right")
        z: np.ndarray = ndtri(np.clip(rank / 2, 0.5, m - 0.5) / m)
        return z

    def _checked(self, X: np.ndarray) -> np.ndarray:
        score = np.asarray(self._score(Rows(X)), dtype=np.float64)
        if score.shape != (len(X),) or not np.isfinite(score).all():
            raise ConfigError(
                f"a guide's score must give one finite number a row, got shape {score.shape} for {len(X)} rows"
                f"{'' if np.isfinite(score).all() else ' with values that are not finite'}: correct the function."
            )
        return score


class Particles:
    """Resamples partial rows in proportion to the gain of their score since the last resampling.

    Parameters
    ----------
    guide : Guide
        Strength, and steps between two resamplings.
    scale : Scale
        The normalised score.
    space : Decoder
        Decodes clean estimates.
    steps : int
        Number of sampling steps.
    rng : np.random.Generator
        Draws the rows.
    """

    def __init__(self, guide: Guide, scale: Scale, space: Decoder, steps: int, rng: np.random.Generator) -> None:
        self._guide, self._scale, self._space, self._rng = guide, scale, space, rng
        self._last_look = SETTLED * steps
        self._paid: np.ndarray | float = 0.0  # log-weight that earlier resampling has already applied

    def choose(self, step: int, clean: Tensor) -> Tensor | None:
        """Resample rows by score, every few steps and not near the end."""
        if step == 0 or step % self._guide.every or step > self._last_look:
            return None
        score = self._scale(self._space.decode(clean.cpu().numpy(), self._rng))
        owed = self._guide.strength * score - self._paid
        now = tempered(owed - owed.max())
        rows = systematic_draw(np.exp(now), self._rng)
        self._paid = (self._paid + now)[rows]
        return torch.as_tensor(rows, device=clean.device)

    def push(self, step: int, clean: Tensor) -> Tensor:
        """Return the estimates unchanged."""
        return clean


class Gradient:
    """Moves clean estimates along the gradient of a net that has learnt the score.

    Parameters
    ----------
    guide : Guide
        Strength, and steps between two moves.
    student : nn.Module
        Maps latents (n, w) to normalised scores (n, 1).
    steps : int
        Number of sampling steps.
    """

    def __init__(self, guide: Guide, student: nn.Module, steps: int) -> None:
        self._guide, self._student, self._last_step = guide, student, steps - 1

    def choose(self, step: int, clean: Tensor) -> Tensor | None:
        """Keep all rows."""
        return None

    def push(self, step: int, clean: Tensor) -> Tensor:
        """Move clean estimates (n, w) along the gradient, every few steps except the last."""
        if step % self._guide.every or step == self._last_step:
            return clean
        with torch.enable_grad():
            at = clean.detach().requires_grad_()
            (uphill,) = torch.autograd.grad(self._student(at).sum(), at)
        length = NUDGE * self._guide.strength * clean.norm(dim=1, keepdim=True)
        pushed: Tensor = clean + uphill * length / uphill.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return pushed


def _student(latents: Tensor, scores: Tensor, rng: np.random.Generator) -> nn.Module:
    """Train a small net on the scores (n,) of latents (n, w)."""
    stream, units = torch_stream(rng, latents.device), STUDENT_UNITS
    widths = latents.shape[1], units

    def layers() -> nn.Module:
        return nn.Sequential(nn.Linear(*widths), nn.SiLU(), nn.Linear(units, units), nn.SiLU(), nn.Linear(units, 1))

    net = build(layers, stream)

    def loss(net: nn.Module, rows: Tensor) -> Tensor:
        error: Tensor = net(latents[rows])[:, 0] - scores[rows]
        return error.square().mean()

    return train(net, loss, len(latents), Schedule(STUDENT_STEPS, batch=256, rate=3e-3, decay=0.01), stream)


def tempered(log_weight: np.ndarray) -> np.ndarray:
    """Scale log-weights (n,), all at most zero, down until the effective sample size reaches ``DIVERSITY``.

    The rest of the weight is applied at the next resampling (adaptive tempering, Jasra et al. 2011).
    """
    scale = 1.0
    while np.exp(log_weight * scale).sum() ** 2 < DIVERSITY * len(log_weight) * np.exp(log_weight * scale * 2).sum():
        scale *= 0.8
    return log_weight * scale


def systematic_draw(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling: return n row numbers, each as often as n times its share of the weights (n,), within 1."""
    ends = np.cumsum(weight) / weight.sum() * len(weight)
    rows: np.ndarray = np.searchsorted(ends, np.arange(len(weight)) + rng.uniform(0.01, 0.99)).clip(max=len(weight) - 1)
    return rows
