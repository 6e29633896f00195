"""Encoder and decoder of mixed rows, told their class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from generators import nets
from generators.modes import Modes


class Autoencoder(nn.Module):
    """Encoder and decoder of vectors whose last part, the one-hot label, is the condition of both."""

    gaussian: Tensor

    def __init__(self, modes: Modes, latent: int, hidden: int) -> None:
        super().__init__()
        self.spans, label = modes.spans[:-1], modes.spans[-1]
        self.width, n_classes = label.start, label.stop - label.start
        self.scalars = modes.scalars.tolist()
        self.register_buffer("gaussian", torch.tensor(modes.gaussian[: self.width], dtype=torch.float32), False)
        self.encoder = _layers(label.stop, hidden, 2 * latent)
        self.decoder = _layers(latent + n_classes, hidden, self.width)
        self.noise = _Noise(len(self.scalars))

    def forward(self, vectors: Tensor, beta: float, stream: torch.Generator) -> Tensor:
        """Return the mean loss in nats: negative log-likelihood plus weighted divergence from the prior."""
        x, label = vectors[:, : self.width], vectors[:, self.width :]
        mean, log_variance = self.encoder(vectors).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=stream, device=stream.device)
        code = mean + noise * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        made = self.decoder(torch.cat([code, label], 1))
        loss: Tensor = (self._surprise(x, made) + beta * divergence).mean()
        return loss

    def _surprise(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the negative log-likelihood (b,) of vectors, up to a constant: categorical modes, normal places."""
        surprise = torch.zeros(len(x), device=x.device)
        for span in self.spans:
            surprise = surprise - (x[:, span] * functional.log_softmax(made[:, span], 1)).sum(1)
        # A place means nothing in an atom.
        off = (x[:, self.scalars] - made[:, self.scalars].tanh()) / self.noise.log_sd.exp()
        places: Tensor = ((off.square() / 2 + self.noise.log_sd) * (x @ self.gaussian)).sum(1)
        return places + surprise

    @torch.no_grad()
    def rows(self, codes: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return vectors (k, width) of codes (k, latent) and one-hot labels: chances of modes, and places drawn."""
        inputs = nets.tensor(np.hstack([codes, labels]).astype(np.float32), self.gaussian.device)
        made = self.decoder(inputs)
        for span in self.spans:
            made[:, span] = made[:, span].softmax(1)
        made[:, self.scalars] = made[:, self.scalars].tanh()
        vectors: np.ndarray = made.cpu().numpy()
        sd = self.noise.log_sd.exp().cpu().numpy()
        vectors[:, self.scalars] += sd * rng.standard_normal((len(codes), len(sd)))
        return np.hstack([vectors.clip(-1, 1), labels])


class _Noise(nn.Module):
    """Spread of each place around what the decoder says."""

    def __init__(self, n_scalars: int) -> None:
        super().__init__()
        self.log_sd = nn.Parameter(torch.zeros(n_scalars))

    def initialise(self, stream: torch.Generator) -> None:
        self.log_sd.fill_(-1.0)


def _layers(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, n_out)
    )
