"""The two networks of a conditional adversarial pair: one completes rows, the other tells them from real ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from generators.modes import Modes

TEMPERATURE = 0.2  # of the soft one-hot choices while training
PENALTY = 1.0  # weight of the gradient penalty: with the usual 10, rows and labels found each other much later
SLOPE = 0.2  # of the critic's units below zero


class Maker(nn.Module):
    """Completes vectors of which some columns are shown, from noise.

    Each hidden layer sees what the one before it saw, beside its output (Xu et al. 2019, section 4.4).
    """

    shown_at: Tensor

    def __init__(self, modes: Modes, noise: int, hidden: int, conditioned: list[int]) -> None:
        super().__init__()
        self.spans, self.scalars, self.width = modes.spans, modes.scalars.tolist(), modes.width
        shown_at = torch.zeros(len(conditioned), self.width)
        for number, column in enumerate(conditioned):
            shown_at[number, self.spans[column]] = 1
        self.register_buffer("shown_at", shown_at, persistent=False)
        first = noise + self.width
        self.layers = nn.ModuleList(nn.Linear(first + number * hidden, hidden) for number in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(2))
        self.last = nn.Linear(first + 2 * hidden, self.width)

    def forward(self, noise: Tensor, vectors: Tensor, shown: Tensor, stream: torch.Generator | None = None) -> Tensor:
        """Return vectors (b, width) that agree with those given wherever a column is shown.

        Parameters
        ----------
        noise
            Shape (b, noise).
        vectors
            Shape (b, width); what is not shown is not looked at.
        shown
            Shape (b, c), 1 for a shown column.
        stream
            If given, modes are drawn from it, softly (Jang, Gu, Poole 2017); else they are left as chances.
        """
        visible = shown @ self.shown_at
        x = torch.cat([noise, vectors * visible], 1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.cat([torch.relu(norm(layer(x))), x], 1)
        made = self.last(x)
        if stream is not None:
            gumbel = -torch.empty_like(made).exponential_(generator=stream).log()
            chosen = (made + gumbel) / TEMPERATURE
        else:
            chosen = made
        parts = {span.start: chosen[:, span].softmax(1) for span in self.spans}
        parts |= {scalar: made[:, scalar : scalar + 1].tanh() for scalar in self.scalars}
        whole = torch.cat([parts[start] for start in sorted(parts)], 1)
        return torch.where(visible > 0, vectors, whole)


class Critic(nn.Module):
    """Scores packs of rows, each beside what is shown of it: higher means more real.

    A pack shows when rows are too alike (PacGAN, Lin et al. 2018). Rows share their weights and meet in their mean, so
    the order within a pack is nothing that has to be learnt (Lucas, Tallec, Verbeek, Ollivier 2018, arXiv 1806.07185).
    """

    def __init__(self, width: int, hidden: int, pack: int) -> None:
        super().__init__()
        self.pack = pack
        self.row = nn.Linear(width, hidden)
        self.both = nn.Linear(2 * hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, packs: Tensor) -> Tensor:
        """Return scores (p,) of packs (p, pack, width)."""
        rows = functional.leaky_relu(self.row(packs), SLOPE)
        together = rows.mean(1, keepdim=True).expand_as(rows)
        x = functional.leaky_relu(self.both(torch.cat([rows, together], 2)), SLOPE)
        scores: Tensor = self.last(x).mean((1, 2))
        return scores

    def packs(self, vectors: Tensor, shown: Tensor) -> Tensor:
        """Lay rows (b, ...) into packs, shape (b / pack, pack, width)."""
        return torch.cat([vectors, shown], 1).reshape(len(vectors) // self.pack, self.pack, -1)

    def penalty(self, real: Tensor, fake: Tensor, stream: torch.Generator) -> Tensor:
        """Return how far gradients between real and made packs are from length 1 (Gulrajani et al. 2017)."""
        way = torch.rand(len(real), 1, 1, generator=stream, device=stream.device)
        between = (real + way * (fake - real)).requires_grad_(True)
        (slope,) = torch.autograd.grad(self(between).sum(), between, create_graph=True)
        penalty: Tensor = PENALTY * (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return penalty
