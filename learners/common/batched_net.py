"""Many small networks held in one set of tensors."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

FREQUENCIES = 4  # periodic features per number
FREQUENCY_SD = 0.1  # spread of their frequencies: low, so that the features stay smooth
EMBEDDING = 4  # width of a category's embedding
MIN_SHARE = 1e-4  # a class absent from the rows starts at this share


class BatchedNet(nn.Module):
    """Multilayer perceptrons whose layers are batched matrix products.

    Member m of the output depends on member m of the weights only. Numbers enter as they are and through periodic
    features with learnt frequencies (Gorishniy et al. 2022, arXiv 2203.05556), categories through embeddings.

    Parameters
    ----------
    members : int
        Number of networks M.
    inputs : sequence of int
        Columns of the three inputs: scores, linear, slots.
    n_slots : int
        Rows of the embedding table.
    hidden : sequence of int
        Units of each hidden layer.
    shares : Tensor
        Shape (K,): class shares that the untrained network predicts. Otherwise the first steps would only teach the
        network that a class is rare.
    generator : torch.Generator
        Draws the initial weights, on the device of the network.
    """

    def __init__(
        self,
        members: int,
        inputs: Sequence[int],
        n_slots: int,
        hidden: Sequence[int],
        shares: Tensor,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

        def normal(*size: int, sd: float) -> nn.Parameter:
            return nn.Parameter(sd * torch.randn(members, *size, generator=generator, device=generator.device))

        n_scores = inputs[0]
        widths = [self.n_inputs(inputs), *hidden, len(shares)]
        self.frequency = normal(1, n_scores, FREQUENCIES, sd=2 * math.pi * FREQUENCY_SD)
        self.embedding = normal(n_slots, EMBEDDING, sd=0.3)
        self.weight = nn.ParameterList(normal(n_in, n_out, sd=math.sqrt(2 / n_in)) for n_in, n_out in pairwise(widths))
        self.bias = nn.ParameterList(normal(1, n_out, sd=0.3) for n_out in widths[1:])
        with torch.no_grad():
            self.weight[-1].mul_(0.1)
            self.bias[-1].copy_(shares.clamp(min=MIN_SHARE).log().expand_as(self.bias[-1]))

    @staticmethod
    def n_inputs(inputs: Sequence[int]) -> int:
        """Return the width of the first layer, given the columns of scores, linear and slots."""
        n_scores, n_linear, n_categories = inputs
        return n_scores * (1 + 2 * FREQUENCIES) + n_linear + n_categories * EMBEDDING

    def forward(self, scores: Tensor, linear: Tensor, slots: Tensor) -> Tensor:
        """Return logits (M, b, K) of scores (M, b, p), linear inputs (M, b, q) and embedding slots (M, b, c)."""
        angle = (scores.unsqueeze(-1) * self.frequency).flatten(2)
        members, n_slots, _ = self.embedding.shape
        first = torch.arange(members, device=slots.device)[:, None, None] * n_slots
        embedded = functional.embedding(slots + first, self.embedding.flatten(0, 1)).flatten(2)
        x = torch.cat([scores, angle.cos(), angle.sin(), linear, embedded], dim=-1)
        *hidden, (weight, bias) = zip(self.weight, self.bias, strict=True)
        for w, b in hidden:
            x = functional.silu(torch.baddbmm(b, x, w))
        return torch.baddbmm(bias, x, weight)

    @torch.no_grad()
    def approach(self, other: "BatchedNet", share: float) -> None:
        """Move all weights towards those of another network by a share of their difference."""
        for mine, theirs in zip(self.parameters(), other.parameters(), strict=True):
            mine.lerp_(theirs, share)
