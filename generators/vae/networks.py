"""Encoder and decoder of mixed rows, conditioned on the class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from generators.common import torch_training
from generators.common.mode_encoding import Modes

MOST_LOG_VARIANCE = 5.0  # of a code: the exponential must not overflow, and codes are rarely wider than the prior


class Autoencoder(nn.Module):
    """Encoder and decoder of vectors whose last part, the one-hot label, is the condition of both.

    Parameters
    ----------
    modes : Modes
        The encoding of rows.
    latent, hidden : int
        Width of the code, and of the two hidden layers of encoder and decoder.
    """

    gaussian: Tensor
    is_modes: Tensor

    def __init__(self, modes: Modes, latent: int, hidden: int) -> None:
        super().__init__()
        self.parts, label = modes.parts[:-1], modes.spans[-1]
        self.width, n_classes = label.start, label.stop - label.start
        self.scalars = modes.scalars.tolist()
        self.register_buffer("gaussian", torch.tensor(modes.gaussian[: self.width], dtype=torch.float32), False)
        is_modes = torch.tensor([is_modes for size, is_modes in self.parts for _ in range(size)], dtype=torch.float32)
        self.register_buffer("is_modes", is_modes, False)
        self.encoder = _layers(label.stop, hidden, 2 * latent)
        self.decoder = _layers(latent + n_classes, hidden, self.width)
        self.noise = _Noise(len(self.scalars))

    def forward(self, vectors: Tensor, beta: float, stream: torch.Generator) -> Tensor:
        """Return the mean loss in nats of vectors (b, p): negative log-likelihood plus ``beta`` times divergence."""
        x, label = vectors[:, : self.width], vectors[:, self.width :]
        mean, log_variance = self.encoder(vectors).chunk(2, dim=1)
        log_variance = log_variance.clamp(max=MOST_LOG_VARIANCE)
        noise = torch.randn(mean.shape, generator=stream, device=stream.device)
        code = mean + noise * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        made = self.decoder(torch.cat([code, label], 1))
        loss: Tensor = (self._surprise(x, made) + beta * divergence).mean()
        return loss

    def _said(self, made: Tensor) -> Tensor:
        """Normalise the decoder's output (b, width): log-probability of each mode, and positions in [-1, 1]."""
        pieces = torch.split(made, [size for size, _ in self.parts], 1)
        read = [
            piece.log_softmax(1) if is_modes else piece.tanh()
            for (_, is_modes), piece in zip(self.parts, pieces, strict=True)
        ]
        return torch.cat(read, 1)

    def _surprise(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the negative log-likelihood (b,) of vectors up to a constant: categorical modes, normal positions."""
        said = self._said(made)
        # A position has no meaning within an atom.
        off = (x[:, self.scalars] - said[:, self.scalars]) / self.noise.log_sd.exp()
        places = ((off.square() / 2 + self.noise.log_sd) * (x @ self.gaussian)).sum(1)
        surprise: Tensor = places - (x * said) @ self.is_modes
        return surprise

    @torch.no_grad()
    def rows(self, codes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return vectors (k, width) of codes (k, latent) and one-hot labels: mode probabilities, drawn positions."""
        inputs = torch_training.tensor(np.hstack([codes, labels]).astype(np.float32), self.gaussian.device)
        said = self._said(self.decoder(inputs))
        vectors: np.ndarray = torch.where(self.is_modes > 0, said.exp(), said).cpu().numpy()
        sd = self.noise.log_sd.exp().cpu().numpy()
        vectors[:, self.scalars] += sd * rng.standard_normal((len(codes), len(sd)))
        return np.hstack([vectors.clip(-1, 1), labels])


class _Noise(nn.Module):
    """Standard deviation of each position around the decoder's output."""

    def __init__(self, n_scalars: int) -> None:
        super().__init__()
        self.log_sd = nn.Parameter(torch.zeros(n_scalars))

    def initialise(self, stream: torch.Generator) -> None:
        self.log_sd.fill_(-1.0)


def _layers(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, n_out)
    )
