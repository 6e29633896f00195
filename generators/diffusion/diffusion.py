"""Mixed-type diffusion: noise is removed step by step, conditioned on a class, a region and a model's weakness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Self

import numpy as np
import torch

from generators.common.persistence import FILE, ROWS, read_table, unfitted, write_settings, write_table
from generators.common.saved_rows import damaged
from generators.common.torch_training import Schedule, build, device, tensor, torch_stream
from generators.common.weights import check_sizes, load_weights, save_weights
from generators.diffusion.denoiser import Denoiser, trained
from generators.diffusion.guidance import Guide
from generators.diffusion.latent_space import Space
from generators.diffusion.region_projection import Box
from generators.diffusion.sampler import Walk
from generators.diffusion.steered import Steered
from generators.resampling.resample import class_stream, no_proposals, real_rows
from loop import seeds
from loop.errors import ConditionError, ConfigError
from loop.protocols import Generator, Steerable
from loop.rows import Rows
from loop.support.parallel.torch_threads import one_thread
from loop.support.progress import tell
from loop.support.record_checks import count, listed, mapped, number
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

MOST_AT_ONCE = 8192  # rows denoised together: bounds memory, and is the population that a guide chooses from
TRIES = 5  # maximum draws for each requested row: rounding may put a row outside the region
LEAST_BATCHES = 4  # in a pass: on few rows many small steps work better than few large ones
WARM_SHARE = 0.2  # share of the training steps that a warm start takes
NET = "net.safetensors"


@dataclass(eq=False)
class Diffusion:
    """A diffusion model of mixed columns, conditioned on the class, that samples in at most 50 steps.

    Ordered columns enter as normal scores, discrete ones as one-hot levels; a missing value is a level or an atom of
    the scores. One small net learns to remove noise of any level from all columns together (EDM, Karras et al. 2022;
    TabDDPM, Kotelnikov et al. 2022, arXiv 2209.15421; TabSyn, Zhang et al. 2023, arXiv 2310.09656; CDTD, Mueller et
    al. 2024).

    For a region, noise is added to its real rows and removed again under the region's rule (SDEdit, Meng et al. 2021,
    arXiv 2108.01073; "seeds"). Where the region has no real row, rows start as pure noise and the rule alone guides
    them ("native"). `sample_guided` also guides rows towards high scores of a function, such as a model's loss.

    Parameters
    ----------
    hidden, blocks : int
        Units of a layer of the net, and number of residual blocks.
    passes : int
        Passes over the rows in training, within the bounds of ``least_steps`` and ``most_steps``.
    least_steps, most_steps : int
        Bounds of the training steps: few rows need more passes, many rows fewer.
    batch : int
        Rows in a training step; small tables have smaller batches.
    rate : float
        Highest learning rate.
    sampling_steps : int
        Steps from pure noise to a row.
    seed_noise : float
        Noise added to the real row that a proposal starts from, in standard deviations: more noise, larger changes.
    warm_start : bool
        True: a second ``fit`` continues from the weights of the first, with a fifth of the steps, if the schema has not
        changed and the columns have levels for the same values.

    Raises
    ------
    ConfigError
        If a count is below one, ``sampling_steps`` is not in 2..50, or ``rate`` or ``seed_noise`` is not positive.

    Examples
    --------
    >>> generator = Diffusion().fit(table, rng)  # doctest: +SKIP
    >>> guide = Guide(lambda rows: entropy(learner.predict_proba(rows)), strength=2)  # doctest: +SKIP
    >>> generator.sample_guided(Request(region, None, 1000), guide, rng).sampling_method  # doctest: +SKIP
    'importance'
    """

    hidden: int = 256
    blocks: int = 3
    passes: int = 60
    least_steps: int = 200
    most_steps: int = 5000
    batch: int = 512
    rate: float = 2e-3
    sampling_steps: int = 30
    seed_noise: float = 0.5
    warm_start: bool = False

    table_: Table = field(init=False, repr=False)
    space_: Space = field(init=False, repr=False)
    net_: Denoiser = field(init=False, repr=False)
    shares_: np.ndarray = field(init=False, repr=False)  # (K,) shares of the classes
    steps_: int = field(init=False, repr=False)  # training steps of the last fit

    def __post_init__(self) -> None:
        counts = ("hidden", "blocks", "passes", "least_steps", "most_steps", "batch")
        check_bounds(self, least=dict.fromkeys(counts, 1) | {"sampling_steps": 2}, positive=["rate", "seed_noise"])
        if self.sampling_steps > 50:
            raise ConfigError(f"sampling_steps must be at most 50, got {self.sampling_steps}: lower it.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the real rows; torch's global state is not touched."""
        warm = self.warm_start and hasattr(self, "net_")
        old, before = (self.space_, self.net_.state_dict()) if warm else (None, {})
        self._learn_space(table)
        if old is not None and self.space_.like(old):
            self.space_ = self.space_.in_order(old.order)  # a new space numbers levels by frequency
        else:
            before = {}
        real = table.take(table.is_real)
        stream = torch_stream(rng, device())
        net = self._new_net(stream)
        warm = _shapes(before) == _shapes(net.state_dict())
        if warm:
            net.load_state_dict(before)
        batch = min(self.batch, ceil(len(real) / LEAST_BATCHES))
        steps = min(max(self.passes * len(real) // batch, self.least_steps), self.most_steps)
        self.steps_ = ceil(steps * WARM_SHARE) if warm else steps
        latents, label = tensor(self.space_.encode(real.X, rng), device()), tensor(real.y, device())
        self.net_ = trained(net, latents, label, Schedule(self.steps_, batch, self.rate), stream)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return at most ``request.n`` rows of the class, inside the region.

        Raises
        ------
        ConditionError
            If no real row has the requested class.
        """
        return self._sample(request, None, rng)

    def sample_guided(self, request: Request, guide: Guide, rng: np.random.Generator) -> Samples:
        """Return rows as `sample` does, but more of those that the guide scores high.

        Raises
        ------
        ConditionError
            If no real row has the requested class.
        """
        return self._sample(request, guide, rng)

    def steered(self, score: Callable[[Rows], np.ndarray]) -> Generator:
        """Return a generator that shares this fitted model and is guided by a score (n,) of n rows."""
        return Steered(self, Guide(score))

    def save(self, folder: Path) -> None:
        """Write settings, real rows and weights into a folder, as plain JSON, Parquet and arrays."""
        order = {number: values.tolist() for number, values in self.space_.order.items()}
        write_settings(self, folder, self.table_.schema, steps=self.steps_, order=order)
        write_table(self.table_, folder / ROWS)
        save_weights(self.net_, folder / NET)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        generator, learnt, schema = unfitted(cls, folder, {"steps": count, "order": mapped(listed(number))})
        generator._learn_space(read_table(folder / ROWS, schema))
        order = {column: np.array(values, dtype=np.float64) for column, values in learnt["order"].items()}
        known = {str(column): levels for column, levels in generator.space_.levels.items()}
        if set(order) != set(known) or not all(known[column].ordered_by(order[column]) for column in known):
            raise damaged(folder / FILE, "order must hold the values of the rows")
        generator.space_ = generator.space_.in_order({int(column): values for column, values in order.items()})
        generator.steps_ = learnt["steps"]
        check_sizes(folder / NET, hidden=generator.hidden, blocks=generator.blocks)
        blank = generator._new_net(torch.Generator(device()))  # its weights are overwritten
        generator.net_ = load_weights(blank, folder / NET)
        return generator

    def _learn_space(self, table: Table) -> None:
        real = real_rows(table)
        self.table_, self.space_ = table, Space.of(real.X, table.schema)
        self.shares_ = np.bincount(real.y, minlength=table.n_classes) / len(real)

    def _new_net(self, stream: torch.Generator) -> Denoiser:
        scores, points, classes = len(self.space_.scores), self.space_.points, len(self.shares_)
        return build(lambda: Denoiser(scores, points, classes, self.hidden, self.blocks), stream)

    @one_thread()
    def _sample(self, request: Request, guide: Guide | None, rng: np.random.Generator) -> Samples:
        self._check_label(request.label)
        root = seeds.root(class_stream(rng, request.label))
        rng = seeds.stream(root, "rows")
        parts, tried, found = [no_proposals(self.table_)], 0, 0
        box = Box.of(request.region, self.space_)
        if box is None or not request.n:
            return Samples(parts[0], request, 0)
        walk = Walk.to(request, box, self.table_, self.space_, self.net_, self.sampling_steps, self.seed_noise)
        if guide is not None:
            walk = walk.guided(guide, seeds.stream(root, "guide"))
        while found < request.n and tried < TRIES * request.n:
            drawn = walk.rows(min(request.n - found, MOST_AT_ONCE), rng)
            parts.append(drawn.take(request.region.contains(drawn.rows)))
            tried, found = tried + len(drawn), found + len(parts[-1])
            tell(found, request.n)
        return Samples(Table.concat(parts), request, tried, walk.sampling_method)

    def _check_label(self, label: int | None) -> None:
        if label is not None and not (0 <= label < len(self.shares_) and self.shares_[label] > 0):
            names = [str(name) for name, share in zip(self.table_.schema.classes, self.shares_, strict=True) if share]
            raise ConditionError(f"a label must be that of a real row, got {label}: ask for one of {', '.join(names)}.")


def _shapes(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in weights.items()}


_: type[Generator] = Diffusion
_steerable: type[Steerable] = Diffusion
