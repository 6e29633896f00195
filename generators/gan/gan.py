"""A conditional generative adversarial network for mixed columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor

from generators.common import torch_training
from generators.common.latent_search import samples_from_latents
from generators.common.mode_encoding import MODES, Modes
from generators.common.persistence import FILE, unfitted, write_settings
from generators.common.saved_rows import arrays_of, damaged
from generators.common.weights import rebuilt, save_weights
from generators.gan.conditions import Balance, Conditions
from generators.gan.networks import Critic, Maker
from generators.resampling.resample import class_stream, real_rows
from loop.data.value_grid import values_fault
from loop.errors import ConfigError, DataError
from loop.protocols import Generator
from loop.support.model_files.arrays import Form, checked
from loop.support.parallel.torch_threads import one_thread
from loop.support.progress import tell
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Schema, Table

WARM = 0.2  # share of the steps that a warm start takes
PENALTY_EVERY = 2  # steps; its weight is multiplied by this (lazy regularisation, Karras et al. 2020)
CRITIC_RATE = 4.0  # times the maker's
BETAS = (0.5, 0.9)  # of both optimisers: short memory, as each network's target moves
MAKER, CRITIC, CONDITIONS = "maker.safetensors", "critic.safetensors", "conditions.npz"


@dataclass(eq=False)
class Gan:
    """Completes rows from their label and some discrete columns, trained against a critic.

    In training a random set of discrete columns is taken from a real row and copied into the generated row: the critic
    then judges whether the rest fits. So requested labels and categories are met natively, in any column. Without a
    request, conditions are drawn by their real frequencies: the prior is kept. Ranges are met by moving the noise
    towards them (`generators.common.latent_search`).

    Parameters
    ----------
    epochs, steps : int
        Passes over the rows, and the maximum number of training steps.
    noise, hidden : int
        Width of the noise, and of the two hidden layers of both networks.
    batch : int
        Rows in a step, a multiple of ``pack``; small tables have smaller batches.
    pack : int
        Rows that the critic judges together, so that it can detect rows that are too similar.
    rate, decay : float
        AdamW's learning rate and weight decay. The critic learns four times as fast (Heusel et al. 2017).
    tries : int
        Maximum number of rows made for each requested one.
    warm_start : bool
        True: a second fit continues from the weights of the first, in a fifth of the steps, if the encoding fits.

    Raises
    ------
    ConfigError
        If a whole number is below 1, ``decay`` is below 0, ``rate`` is not above 0 and finite, or ``batch`` is not a
        multiple of ``pack``.

    References
    ----------
    Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, Modeling Tabular Data using Conditional GAN (arXiv
    1907.00503). Gulrajani et al. 2017, Improved Training of Wasserstein GANs. Lin et al. 2018, PacGAN. Karras et al.
    2020, Analyzing and Improving the Image Quality of StyleGAN (the penalty at every second step).
    """

    epochs: int = 50
    steps: int = 1500
    noise: int = 32
    hidden: int = 256
    batch: int = 500
    pack: int = 10
    rate: float = 1e-3
    decay: float = 1e-6
    tries: int = 400
    warm_start: bool = False

    modes_: Modes = field(init=False, repr=False)
    conditions_: Conditions = field(init=False, repr=False)
    maker_: Maker = field(init=False, repr=False)
    critic_: Critic = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = ("epochs", "steps", "noise", "hidden", "batch", "pack", "tries")
        check_bounds(self, least=dict.fromkeys(counts, 1) | {"decay": 0}, positive=["rate"])
        if self.batch % self.pack:
            raise ConfigError(f"batch must be a multiple of pack ({self.pack}), got {self.batch}: change either.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn from the real rows."""
        real = real_rows(table)
        stream = torch_training.torch_stream(rng, torch_training.device())
        before = self.modes_ if self.warm_start and hasattr(self, "maker_") else None
        self.modes_, warm = Modes.for_fit(real, before)
        self.conditions_ = Conditions.of(real)
        if not warm:
            self.maker_ = torch_training.build(self._maker, stream)
            self.critic_ = torch_training.build(self._critic, stream)
        rows = torch_training.tensor(self.modes_.encode(real.X, real.y, rng), stream.device)
        sizes = {"epochs": self.epochs, "steps": self.steps, "batch": self.batch, "multiple": self.pack}
        steps, batch = torch_training.plan(len(rows), **sizes)
        self.maker_ = self._trained(rows, ceil(WARM * steps) if warm else steps, batch, stream, rng)
        return self

    @one_thread()
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Make rows until ``request.n`` lie inside the region or the tries are used up.

        Errors are those of `loop.protocols.Generator.sample`.
        """
        self.modes_.check_label(request.label)
        rng = class_stream(rng, request.label)
        values, needed = self.conditions_.meeting(request, rng)

        def decode(noise: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            chosen = values[rng.integers(max(len(values), 1), size=len(noise))]
            return self._completed(noise, chosen, self.conditions_.shown(len(noise), rng)[0] | needed, rng)

        tries = self.tries if len(values) else 0  # no real row has an allowed value: nothing is drawn
        return samples_from_latents(decode, self.noise, request, self.modes_.schema, rng, tries=tries)

    def save(self, folder: Path) -> None:
        """Write settings, encoding, weights and the discrete values of the real rows into a folder."""
        write_settings(self, folder, self.modes_.schema, modes=self.modes_.to_json())
        np.savez(
            folder / CONDITIONS, allow_pickle=False, columns=self.conditions_.columns, values=self.conditions_.values
        )
        save_weights(self.maker_, folder / MAKER)
        save_weights(self.critic_, folder / CRITIC)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        generator, learnt, schema = unfitted(cls, folder, {"modes": MODES})
        try:
            generator.modes_ = Modes.from_json(learnt["modes"], schema)
        except DataError as error:
            raise damaged(folder / FILE, error) from error
        generator.conditions_ = _conditions(folder / CONDITIONS, schema)
        widths = {"hidden": generator.hidden}
        generator.maker_ = rebuilt(generator._maker, folder / MAKER, noise=generator.noise, **widths)
        generator.critic_ = rebuilt(generator._critic, folder / CRITIC, **widths)
        return generator

    @property
    def _conditioned(self) -> list[int]:
        """Numbers of the encoded columns that can be shown, the label last."""
        return [*self.conditions_.columns.tolist(), len(self.modes_.columns) - 1]

    def _maker(self) -> Maker:
        return Maker(self.modes_, self.noise, self.hidden, self._conditioned)

    def _critic(self) -> Critic:
        return Critic(self.modes_.width + len(self._conditioned), self.hidden, self.pack)

    def _trained(
        self, rows: Tensor, steps: int, batch: int, stream: torch.Generator, rng: np.random.Generator
    ) -> Maker:
        """Train both networks alternately; return the running average of the maker."""
        maker, critic = self.maker_.requires_grad_(True).train(), self.critic_
        average, balance = torch_training.Average(maker), Balance(self.conditions_.values)
        makes, judges = (torch_training.adam(net, self.rate, self.decay, BETAS) for net in (maker, critic))
        for step in range(1, steps + 1):
            rate = self.rate * torch_training.pace(step, steps)
            torch_training.set_rate(makes, rate)
            torch_training.set_rate(judges, CRITIC_RATE * rate)
            drawn, pivot = self.conditions_.shown(batch, rng)
            vectors = rows[torch_training.tensor(balance.rows(pivot, rng), stream.device)]
            shown = torch_training.tensor(drawn.astype(np.float32), stream.device)
            noise = torch.randn(batch, self.noise, generator=stream, device=stream.device)
            real, fake = critic.packs(vectors, shown), critic.packs(maker(noise, vectors, shown, stream), shown)
            gap = critic(fake.detach()).mean() - critic(real).mean()
            if step % PENALTY_EVERY == 0:
                gap = gap + PENALTY_EVERY * critic.penalty(real, fake.detach(), stream)
            torch_training.descend(judges, gap)
            torch_training.descend(makes, -critic(fake).mean())
            average.step()
            tell(step, steps)
        return torch_training.converged(cast(Maker, average.net), self.rate)

    @torch.no_grad()
    def _completed(
        self, noise: np.ndarray, values: np.ndarray, shown: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows (k, d) and labels (k,) that agree with the discrete values (k, c) wherever these are shown."""
        modes, columns = self.modes_, self.conditions_.columns
        vectors = np.zeros((len(noise), modes.width), dtype=np.float32)
        for column, x in zip(self._conditioned, values.T, strict=True):
            vectors[:, modes.spans[column]] = modes.columns[column].encode(x, rng)
        where = self.maker_.last.weight.device
        inputs = (torch_training.tensor(part.astype(np.float32), where) for part in (noise, vectors, shown))
        X, y = modes.decode(self.maker_(*inputs).cpu().numpy(), rng)
        X[:, columns] = np.where(shown[:, :-1], values[:, :-1], X[:, columns])  # rare values share a mode in vectors
        return X, y


def _conditions(path: Path, schema: Schema) -> Conditions:
    """Read the discrete values of the real rows, once sure that they fit the schema."""
    arrays, discrete = arrays_of(path), np.flatnonzero(schema.discrete)
    try:
        checked(
            arrays, {"columns": Form("iu", discrete.shape), "values": Form("f", (None, len(discrete) + 1), gaps=True)}
        )
    except DataError as error:
        raise damaged(path, error) from error
    columns, values = arrays["columns"], arrays["values"]
    faults = [values_fault(x, schema.columns[at]) for at, x in zip(discrete, values.T[:-1], strict=True)]
    known = np.isin(values[:, -1], np.arange(schema.n_classes)).all()
    if not np.array_equal(columns, discrete) or any(faults) or not known or not len(values):
        raise damaged(path, "values must be codes of the discrete columns and classes")
    return Conditions(columns, values)


_: type[Generator] = Gan
