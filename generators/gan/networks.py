"""The two networks of a conditional GAN: one completes rows, the other distinguishes them from real ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from generators.common.mode_encoding import Modes

TEMPERATURE = 0.2  # of the Gumbel-softmax in training
PENALTY = 1.0  # weight of the gradient penalty: with the usual 10, rows fitted their labels much later in training
SLOPE = 0.2  # of the critic's units below zero


class Maker(nn.Module):
    """Completes vectors of which some columns are shown, from noise.

    Layers have no skip connections: those of Xu et al. 2019, section 4.4, take nearly twice the multiplications. In an
    exploratory run that no command repeats they made no clear difference after the same time.

    Parameters
    ----------
    modes : Modes
        The encoding of rows.
    noise, hidden : int
        Width of the noise, and of the two hidden layers.
    conditioned : list of int
        Numbers of the encoded columns that can be shown, c of them.
    """

    shown_at: Tensor
    can_show: Tensor

    def __init__(self, modes: Modes, noise: int, hidden: int, conditioned: list[int]) -> None:
        super().__init__()
        self.parts = modes.parts
        shown_at = torch.zeros(len(conditioned), modes.width)
        for number, column in enumerate(conditioned):
            shown_at[number, modes.spans[column]] = 1
        self.register_buffer("shown_at", shown_at, persistent=False)
        self.register_buffer("can_show", shown_at.any(0).nonzero()[:, 0], persistent=False)
        first = noise + len(self.can_show)
        self.layers = nn.ModuleList(nn.Linear(width, hidden) for width in (first, hidden))
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(2))
        self.last = nn.Linear(hidden, modes.width)

    def forward(self, noise: Tensor, vectors: Tensor, shown: Tensor, stream: torch.Generator | None = None) -> Tensor:
        """Return vectors (b, width) that agree with those given wherever a column is shown.

        Parameters
        ----------
        noise : Tensor
            Shape (b, noise).
        vectors : Tensor
            Shape (b, width); what is not shown is ignored.
        shown : Tensor
            Shape (b, c), 1 for a shown column.
        stream : torch.Generator or None
            If given, modes are Gumbel-softmax draws (Jang, Gu, Poole 2017); else probabilities.
        """
        visible = shown @ self.shown_at
        x = torch.cat([noise, (vectors * visible)[:, self.can_show]], 1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.relu(norm(layer(x)))
        made = self.last(x)
        chosen = made if stream is None else (made + _gumbel(made, stream)) / TEMPERATURE
        sizes = [size for size, _ in self.parts]
        pairs = zip(self.parts, made.split(sizes, 1), chosen.split(sizes, 1), strict=True)
        whole = torch.cat([soft.softmax(1) if is_modes else place.tanh() for (_, is_modes), place, soft in pairs], 1)
        return torch.where(visible > 0, vectors, whole)


def _gumbel(like: Tensor, stream: torch.Generator) -> Tensor:
    """Draw standard Gumbel noise of the same shape; uniform draws are several times faster than exponential ones."""
    uniform = torch.rand(like.shape, generator=stream, device=stream.device).clamp_(min=torch.finfo(like.dtype).tiny)
    return uniform.log_().neg_().log_().neg_()


class Critic(nn.Module):
    """Scores packs of rows, each with its mask of shown columns: higher means more real.

    A pack reveals rows that are too similar (PacGAN, Lin et al. 2018). Rows share weights and enter by their mean, so
    scores do not depend on the order within a pack (Lucas, Tallec, Verbeek, Ollivier 2018, arXiv 1806.07185).

    Parameters
    ----------
    width, hidden : int
        Width of a row with its mask, and of the two hidden layers.
    pack : int
        Rows in a pack.
    """

    def __init__(self, width: int, hidden: int, pack: int) -> None:
        super().__init__()
        self.pack = pack
        self.row = nn.Linear(width, hidden)
        self.own = nn.Linear(hidden, hidden)
        self.pack_mean = nn.Linear(hidden, hidden, bias=False)
        self.last = nn.Linear(hidden, 1)

    def forward(self, packs: Tensor) -> Tensor:
        """Return scores (p,) of packs (p, pack, width)."""
        _, met = self._hidden(packs)
        scores: Tensor = self.last(functional.leaky_relu(met, SLOPE).mean(1))
        return scores[:, 0]

    def _hidden(self, packs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pre-activations of the two layers, each of shape (p, pack, hidden)."""
        alone = self.row(packs)
        rows = functional.leaky_relu(alone, SLOPE)
        return alone, self.own(rows) + self.pack_mean(rows.mean(1, keepdim=True))

    def packs(self, vectors: Tensor, shown: Tensor) -> Tensor:
        """Group rows (b, ...) into packs, shape (b / pack, pack, width)."""
        return torch.cat([vectors, shown], 1).reshape(len(vectors) // self.pack, self.pack, -1)

    def slope(self, packs: Tensor) -> Tensor:
        """Return the gradient of each score by its own pack, shape (p, pack, width), differentiable itself.

        The chain rule is written out. Units are piecewise linear, so their second derivative is zero; autograd would
        propagate these zeros through the whole network once more.
        """
        with torch.no_grad():
            alone, met = (torch.where(units > 0, 1.0, SLOPE) for units in self._hidden(packs))
        back = met * (self.last.weight[0] / self.pack)
        back = back @ self.own.weight + back.mean(1, keepdim=True) @ self.pack_mean.weight
        slope: Tensor = (alone * back) @ self.row.weight
        return slope

    def penalty(self, real: Tensor, fake: Tensor, stream: torch.Generator) -> Tensor:
        """Return the penalty on gradient norms other than 1 between real and made packs (Gulrajani et al. 2017)."""
        way = torch.rand(len(real), 1, 1, generator=stream, device=stream.device)
        lengths = self.slope(real.lerp(fake, way)).flatten(1).norm(dim=1)
        penalty: Tensor = PENALTY * (lengths - 1).square().mean()
        return penalty
