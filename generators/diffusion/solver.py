"""The sampling steps from noise to rows, which a steering may change."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

LOWEST, HIGHEST = 0.005, 20.0  # noise levels, in standard deviations of the scores
CURVE = 7.0  # exponent: steps get shorter towards low noise

Estimate = Callable[[Tensor, float, Tensor], Tensor]  # noisy latents (n, w), sigma, labels (n,) -> clean latents (n, w)


@dataclass(frozen=True, eq=False)
class State:
    """Partly denoised rows, all at the same noise level."""

    noisy: Tensor  # (n, w)
    label: Tensor  # (n,) class codes
    parent: Tensor  # (n,) position of the real row that each started from, -1 = none
    last: Tensor | None = None  # (n, w) clean estimate of the step before

    def take(self, rows: Tensor) -> "State":
        """Return the rows chosen by an index (m,)."""
        last = None if self.last is None else self.last[rows]
        return State(self.noisy[rows], self.label[rows], self.parent[rows], last)


class Steering(Protocol):
    """Resamples or moves clean estimates between steps."""

    def choose(self, step: int, clean: Tensor) -> Tensor | None:
        """Return the numbers (n,) of the rows to continue with, some of them repeated; None = all."""
        ...

    def push(self, step: int, clean: Tensor) -> Tensor:
        """Return clean estimates (n, w) moved towards wanted rows."""
        ...


class Unsteered:
    """Steering that changes nothing."""

    def __init__(self, steps: int) -> None:
        pass

    def choose(self, step: int, clean: Tensor) -> Tensor | None:
        """Keep all rows."""
        return None

    def push(self, step: int, clean: Tensor) -> Tensor:
        """Return the estimates unchanged."""
        return clean


def noise_levels(steps: int, highest: float = HIGHEST) -> list[float]:
    """Return ``steps`` falling noise levels (Karras et al. 2022, equation 5)."""
    top, bottom = highest ** (1 / CURVE), LOWEST ** (1 / CURVE)
    return [(top + (bottom - top) * step / max(steps - 1, 1)) ** CURVE for step in range(steps)]


def run(estimate: Estimate, state: State, sigmas: list[float], steering: Steering, stream: torch.Generator) -> State:
    """Denoise rows from the first noise level to the last; ``noisy`` of the result is the clean estimate.

    DPM-Solver++(2M) for the stochastic equation (Lu et al. 2022, arXiv 2211.01095): fresh noise at each step makes
    copies from the steering diverge.

    Parameters
    ----------
    estimate : callable
        Maps noisy latents (n, w), their noise level and labels (n,) to clean latents (n, w).
    state : State
        Rows at the first noise level.
    sigmas : list of float
        Falling noise levels, in standard deviations of the scores.
    steering : Steering
        May resample or move clean estimates.
    stream : torch.Generator
        Draws the noise.
    """
    width = math.inf
    for step, (sigma, lower) in enumerate(zip(sigmas, [*sigmas[1:], 0.0], strict=True)):
        clean = estimate(state.noisy, sigma, state.label)
        chosen = steering.choose(step, clean)
        if chosen is not None:
            state, clean = state.take(chosen), clean[chosen]
        pushed = steering.push(step, clean)
        if lower == 0:
            break
        ahead = math.log(sigma / lower)
        bent = pushed if state.last is None else pushed + (clean - state.last) * (0.5 * ahead / width)
        kept = (lower / sigma) * math.exp(-ahead)
        noise = torch.randn(clean.shape, generator=stream, device=clean.device)
        spread = lower * math.sqrt(-math.expm1(-2 * ahead))
        noisy = kept * state.noisy - math.expm1(-2 * ahead) * bent + spread * noise
        state, width = replace(state, noisy=noisy, last=clean), ahead
    return replace(state, noisy=pushed)
