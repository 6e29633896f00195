"""A fitted diffusion model under a guide, as a generator of its own."""

import copy
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from generators.diffusion.guidance import Guide
from loop.types import Request, Samples, Table


class Guided(Protocol):
    """A diffusion model that a guide can lead."""

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from real rows; return self."""
        ...

    def sample_guided(self, request: Request, guide: Guide, rng: np.random.Generator) -> Samples:
        """Return rows of a request, more of those that the guide scores high."""
        ...


@dataclass(frozen=True, eq=False)
class Steered:
    """A diffusion model, perhaps fitted already, with what leads it."""

    model: Guided
    guide: Guide

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a copy of the model, under the same guide."""
        return replace(self, model=copy.deepcopy(self.model).fit(table, rng))

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return rows as the model makes them under the guide."""
        return self.model.sample_guided(request, self.guide, rng)
