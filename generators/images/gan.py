"""A conditional GAN of images, small enough for the processor."""

from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from generators.common.persistence import ROWS, read_table, unfitted, write_settings, write_table
from generators.common.rejection import keep_inside
from generators.common.torch_training import (
    Average,
    adam,
    batches,
    build,
    converged,
    descend,
    device,
    pace,
    set_rate,
    tensor,
    torch_stream,
)
from generators.common.weights import check_sizes, load_weights, save_weights
from generators.images.adversaries import Critic, Maker
from generators.images.pixels import has_more, pixels, unit, with_images
from generators.images.warping import Strength, warped
from generators.resampling.resample import class_stream, proposals, real_rows
from loop.encoders import array_of, entries_of
from loop.errors import ConditionError, ConfigError
from loop.protocols import Generator
from loop.support.parallel.torch_threads import one_thread
from loop.support.progress import tell
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

AT_ONCE = 2048  # images made together
NET = "maker.safetensors"
EVERY, PENALTY = 8, 1.0  # steps between two penalties of the critic's slope, and their weight
BETAS = (0.0, 0.99)  # of AdamW: no momentum, as the opponent changes
SEEN = Strength(shift=0.12, rotation=0.0, elastic=0.0)  # how images are shifted before the critic sees them


@dataclass(eq=False)
class GanImages:
    """Images from noise and a class, by a network trained against another that tells them from real ones.

    Logistic loss with a penalty of the critic's slope at real images (Mescheder, Geiger, Nowozin 2018, arXiv
    1801.04406); the critic sees real and made images shifted at random, so that few real ones are not learnt by heart
    (Zhao et al. 2020, arXiv 2006.10738). The running average of the weights makes the rows. It cannot aim at a region:
    rows outside are refused, and others made, within a bound.

    Parameters
    ----------
    latent, width : int
        Numbers of noise, and channels of the hidden layers, a multiple of 4.
    passes : int
        Passes over the rows in training, within the bounds of ``least_steps`` and ``most_steps``.
    least_steps, most_steps : int
        Bounds of the training steps.
    batch : int
        Images in a step.
    rate : float
        Highest learning rate of both networks.
    tries : int
        Most draws for each requested row.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    reads: ClassVar[str] = "pixels"

    latent: int = 32
    width: int = 16
    passes: int = 60
    least_steps: int = 500
    most_steps: int = 2000
    batch: int = 64
    rate: float = 1e-3
    tries: int = 20

    table_: Table = field(init=False, repr=False)  # real rows
    array_: str = field(init=False, repr=False)
    net_: Maker = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = ("latent", "passes", "least_steps", "most_steps", "batch", "tries")
        check_bounds(self, least=dict.fromkeys(counts, 1) | {"width": 4}, most={"width": 256}, shares=("rate",))
        if self.width % 4:
            raise ConfigError(f"width must be a multiple of 4, got {self.width}: round it.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the real rows; torch's global state is not touched."""
        self._learn_rows(table)
        stream = torch_stream(rng, device())
        maker, critic = build(self._maker, stream), build(self._critic, stream)
        n = len(self.table_)
        size = min(self.batch, n)
        steps = min(max(self.passes * ceil(n / size), self.least_steps), self.most_steps)
        average, label = Average(maker), tensor(self.table_.y, device())
        images = entries_of(self.table_.rows, self.array_)
        ours, theirs = adam(maker, self.rate, betas=BETAS), adam(critic, self.rate, betas=BETAS)
        shifted = partial(warped, strength=SEEN, rng=rng)
        for step, rows in zip(range(1, steps + 1), batches(n, size, stream), strict=False):
            for optimizer in (ours, theirs):
                set_rate(optimizer, self.rate * pace(step, steps))
            real, y = unit(images[rows.cpu().numpy()]).to(rows.device), label[rows]
            made = maker(torch.randn((len(rows), self.latent), generator=stream, device=rows.device), y)
            descend(theirs, _critics_loss(critic, shifted(real), shifted(made.detach()), y, step % EVERY == 1))
            descend(ours, functional.softplus(-critic(shifted(made), y)).mean())
            average.step()
            tell(step, steps)
        self.net_ = cast(Maker, converged(average.net, self.rate))
        return self

    @one_thread()
    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return at most ``request.n`` rows of the class, inside the region.

        Raises
        ------
        ConditionError
            If no real row has the requested class.
        """
        if request.label is not None and request.label not in self.table_.y:
            raise ConditionError(f"a label must be that of a real row, got {request.label}: ask for another.")
        draws = class_stream(rng, request.label)
        return keep_inside(partial(self._drawn, draws), request, self.tries, AT_ONCE, draws)

    def save(self, folder: Path) -> None:
        """Write settings, real rows and weights into a folder."""
        write_settings(self, folder, self.table_.schema)
        write_table(self.table_, folder / ROWS)
        save_weights(self.net_, folder / NET)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        generator, _, schema = unfitted(cls, folder)
        generator._learn_rows(read_table(folder / ROWS, schema))
        check_sizes(folder / NET, width=generator.width, latent=generator.latent)
        generator.net_ = load_weights(build(generator._maker, torch.Generator(device())), folder / NET)
        return generator

    def _learn_rows(self, table: Table) -> None:
        self.array_ = array_of(table, self.reads)
        entries_of(table.rows, self.array_)
        self.table_ = real_rows(table)

    def _shape(self) -> tuple[int, int, int]:
        channels, height, width = entries_of(self.table_.rows, self.array_).shape[1:]
        return channels, height, width

    def _maker(self) -> Maker:
        return Maker(self._shape(), self.table_.n_classes, self.latent, self.width)

    def _critic(self) -> Critic:
        return Critic(self._shape(), self.table_.n_classes, self.width)

    @torch.no_grad()
    def _drawn(self, rng: np.random.Generator, request: Request) -> Samples:
        """Make images of the class, or of classes by their shares; what else a row holds is that of a real one."""
        table, n, place = self.table_, request.n, device()
        alike = np.ones(len(table), dtype=bool) if request.label is None else table.y == request.label
        at = rng.choice(np.flatnonzero(alike), n)
        noise = torch.randn((n, self.latent), generator=torch_stream(rng, place), device=place)
        images = entries_of(table.rows, self.array_)
        made = pixels(self.net_(noise, tensor(table.y[at], place)).cpu(), images.dtype)
        parent = table.row_number[at] if has_more(table, self.array_) else np.full(n, -1)
        return Samples(
            proposals(with_images(table, at, self.array_, made), table.y[at], parent, table.schema), request, n
        )


def _critics_loss(critic: Critic, real: Tensor, made: Tensor, label: Tensor, penalised: bool) -> Tensor:
    """Return the logistic loss of the critic, with the penalty of its slope at real images if it is its turn."""
    real = real.detach().requires_grad_(penalised)
    scores = critic(real, label)
    loss = functional.softplus(-scores).mean() + functional.softplus(critic(made, label)).mean()
    if penalised:
        (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
        loss = loss + 0.5 * PENALTY * EVERY * slope.square().sum(dim=(1, 2, 3)).mean()
    return loss


_: type[Generator] = GanImages
