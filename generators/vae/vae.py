"""A conditional variational autoencoder for mixed columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from generators.common import torch_training
from generators.common.latent_search import samples_from_latents
from generators.common.mode_encoding import MODES, Modes
from generators.common.persistence import FILE, unfitted, write_settings
from generators.common.saved_rows import damaged
from generators.common.weights import rebuilt, save_weights
from generators.resampling.resample import class_stream, real_rows
from generators.vae.networks import Autoencoder
from loop.errors import ConfigError, DataError
from loop.protocols import Generator
from loop.seeds import integer
from loop.support.parallel.torch_threads import one_thread
from loop.support.record_checks import amount, listed
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

WARM = 0.2  # share of the steps that a warm start takes
WEIGHTS = "vae.safetensors"


@dataclass(eq=False)
class Vae:
    """Learns a code for rows of each class and decodes codes drawn from a standard normal distribution.

    Encoder and decoder are conditioned on the class, so a label is met natively and classes keep their prior. Ranges
    and categories are met by moving the codes towards them (`generators.common.latent_search`), so rows follow the
    model's own distribution inside the region. Every value is drawn from the decoder's distribution, not set to its
    mode, so that rare categories are kept.

    Parameters
    ----------
    epochs, steps : int
        Passes over the rows, and the maximum number of training steps.
    latent, hidden : int
        Width of the code, and of the two hidden layers of encoder and decoder.
    batch : int
        Rows in a step; small tables have smaller batches.
    rate, decay : float
        AdamW's learning rate and weight decay.
    beta : float
        Weight of the divergence between code and prior (Higgins et al. 2017). Below 1, rows are sharper.
    held_out : float
        Share of the real rows held out for early stopping, 0 = none. For tables of a few hundred rows and many
        columns, where the net would otherwise overfit.
    tries : int
        Maximum number of codes decoded for each requested row.
    warm_start : bool
        True: a second fit continues from the weights of the first, in a fifth of the steps, if the encoding fits.

    Raises
    ------
    ConfigError
        If a whole number is below 1, ``decay`` or ``beta`` is below 0, ``held_out`` is not at least 0 and below 1, or
        ``rate`` is not above 0 and finite.

    References
    ----------
    Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, Modeling Tabular Data using Conditional GAN (arXiv 1907.00503,
    section 4.5: TVAE). Kingma, Welling 2014. Sohn, Lee, Yan 2015 (the condition).
    """

    epochs: int = 120
    steps: int = 3000
    latent: int = 32
    hidden: int = 128
    batch: int = 500
    rate: float = 2e-3
    decay: float = 1e-5
    beta: float = 0.5
    held_out: float = 0.0
    tries: int = 400
    warm_start: bool = False

    modes_: Modes = field(init=False, repr=False)
    prior_: np.ndarray = field(init=False, repr=False)  # (k,) shares of the k classes seen
    net_: Autoencoder = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = ("epochs", "steps", "latent", "hidden", "batch", "tries")
        check_bounds(self, least=dict.fromkeys(counts, 1) | {"decay": 0, "beta": 0, "held_out": 0}, positive=["rate"])
        if self.held_out >= 1:
            raise ConfigError(f"held_out must be below 1, got {self.held_out}: try 0.1.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from the real rows."""
        real = real_rows(table)
        stream = torch_training.torch_stream(rng, torch_training.device())
        self.modes_, warm = Modes.for_fit(real, self.modes_ if self.warm_start and hasattr(self, "net_") else None)
        if not warm:
            self.net_ = torch_training.build(self._net, stream)
        vectors = self.modes_.encode(real.X, real.y, rng)
        self.prior_ = vectors[:, self.modes_.spans[-1]].mean(axis=0, dtype=np.float64)
        rows, judge = self._sides(vectors, stream.device, rng)

        def loss(net: nn.Module, batch: Tensor) -> Tensor:
            value: Tensor = net(rows[batch], self.beta, stream)
            return value

        steps, batch = torch_training.plan(len(rows), epochs=self.epochs, steps=self.steps, batch=self.batch)
        schedule = torch_training.Schedule(ceil(WARM * steps) if warm else steps, batch, self.rate, self.decay)
        net = self.net_.requires_grad_(True)
        self.net_ = cast(Autoencoder, torch_training.train(net, loss, len(rows), schedule, stream, judge=judge))
        return self

    @one_thread()
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Decode codes until ``request.n`` rows lie inside the region or the tries are used up.

        Errors are those of `loop.protocols.Generator.sample`.
        """
        self.modes_.check_label(request.label)
        rng = class_stream(rng, request.label)
        asked = self.modes_.columns[-1].atoms == request.label
        chances = self.prior_ if request.label is None else asked.astype(np.float64)

        def decode(codes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            labels = rng.multinomial(1, chances, size=len(codes)).astype(np.float32)
            return self.modes_.decode(self.net_.rows(codes, labels, rng), rng)

        return samples_from_latents(decode, self.latent, request, self.modes_.schema, rng, tries=self.tries)

    def save(self, folder: Path) -> None:
        """Write settings, encoding and weights into a folder."""
        learnt = {"modes": self.modes_.to_json(), "prior": self.prior_.tolist()}
        write_settings(self, folder, self.modes_.schema, **learnt)
        save_weights(self.net_, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        generator, learnt, schema = unfitted(cls, folder, {"modes": MODES, "prior": listed(amount)})
        generator.prior_ = np.array(learnt["prior"])
        try:
            generator.modes_ = Modes.from_json(learnt["modes"], schema)
        except DataError as error:
            raise damaged(folder / FILE, error) from error
        if len(generator.prior_) != generator.modes_.columns[-1].n_modes or not np.isclose(generator.prior_.sum(), 1):
            raise damaged(folder / FILE, "prior must be a share of each class, with the sum 1")
        sizes = {"latent": generator.latent, "hidden": generator.hidden}
        generator.net_ = rebuilt(generator._net, folder / WEIGHTS, **sizes)
        return generator

    def _sides(
        self, vectors: np.ndarray, where: torch.device, rng: np.random.Generator
    ) -> tuple[Tensor, Callable[[nn.Module], float] | None]:
        """Split encoded rows (n, p) into training rows, and a function that scores a net on held-out rows, if any."""
        held = round(self.held_out * len(vectors))
        if not held:
            return torch_training.tensor(vectors, where), None
        order, seed = rng.permutation(len(vectors)), integer(rng)
        judged = torch_training.tensor(vectors[order[:held]], where)

        def judge(net: nn.Module) -> float:
            return float(net(judged, self.beta, torch.Generator(where).manual_seed(seed)))  # the same codes each time

        return torch_training.tensor(vectors[order[held:]], where), judge

    def _net(self) -> Autoencoder:
        return Autoencoder(self.modes_, self.latent, self.hidden)


_: type[Generator] = Vae
