"""Diffusion of series: noise is removed step by step, told the class, and steered by a score if one is given."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch

from generators.common.persistence import ROWS, read_table, unfitted, write_settings, write_table
from generators.common.rejection import keep_inside
from generators.common.torch_training import Schedule, build, torch_stream
from generators.common.weights import check_sizes, load_weights, save_weights
from generators.diffusion.solver import noise_levels
from generators.resampling.resample import class_stream, no_rows, real_rows, starting_rows
from generators.series.grid import Grid
from generators.series.network import GROUPS, Denoiser, trained
from generators.series.reading import Series
from generators.series.sampling import Scored, Steering, denoised
from loop import seeds
from loop.errors import ConditionError, ConfigError
from loop.protocols import Generator, Steerable
from loop.rows import Rows
from loop.support.parallel.torch_threads import one_thread
from loop.support.record_checks import count
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

CPU = torch.device("cpu")  # nets are small
NET = "net.safetensors"
BATCH = 512  # series denoised together, and the population that a score chooses from
MOST_SCORED = 1_000  # real rows by whose scores a score is ranked
WARM_SHARE = 0.2  # share of the training steps that a warm start takes
Score = Callable[[Rows], np.ndarray]


@dataclass(eq=False)
class DiffusionSeries:
    """A small U-Net along time that removes noise (EDM, Karras et al. 2022), told the class.

    A series is put on a grid of at most ``points`` points from its beginning to its end; its length, its gaps, its
    other columns and what the grid cannot hold are those of a real row of the same class, its host. Where the region
    has real rows of the class, some noise is added to these and removed again (SDEdit, Meng et al. 2022); else noise
    alone is the start. What is not inside the region is drawn again, a bounded number of times.

    Parameters
    ----------
    points : int
        Of the grid, at most.
    width : int
        Channels of the net at full length, a multiple of 4.
    passes, least_steps, most_steps : int
        Passes over the rows, and least and most training steps.
    batch : int
        Series in a training step.
    rate : float
        Highest learning rate.
    sampling_steps : int
        Steps from pure noise to a series, 2 to 30.
    start_noise : float
        Noise added to the real series that a new one starts from, in their spread: more noise, larger changes.
    tries : int
        Most draws for each requested row.
    warm_start : bool
        True: a second ``fit`` goes on from the weights of the first, with a fifth of the steps, if grid, channels and
        classes are the same.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    points: int = 128
    width: int = 16
    passes: int = 100
    least_steps: int = 300
    most_steps: int = 1000
    batch: int = 32
    rate: float = 4e-3
    sampling_steps: int = 16
    start_noise: float = 0.7
    tries: int = 8
    warm_start: bool = False

    reads: ClassVar[str] = "curves"

    table_: Table = field(init=False, repr=False)
    series_: Series = field(init=False, repr=False)
    grid_: Grid = field(init=False, repr=False)
    net_: Denoiser = field(init=False, repr=False)
    steps_: int = field(init=False, repr=False)  # training steps of the last fit

    def __post_init__(self) -> None:
        counts = ("passes", "least_steps", "most_steps", "batch", "tries")
        least = dict.fromkeys(counts, 1) | {"points": 8, "width": GROUPS, "sampling_steps": 2}
        most = {"points": 4096, "width": 256, "sampling_steps": 30}
        check_bounds(self, least=least, most=most, positive=["rate", "start_noise"])
        if self.width % GROUPS:
            raise ConfigError(f"width must be a multiple of {GROUPS}, got {self.width}: round it.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the real rows; torch's global state is not touched."""
        before = self.net_.state_dict() if self.warm_start and hasattr(self, "net_") else {}
        self._learn_grid(table)
        real, stream = np.flatnonzero(table.is_real), torch_stream(rng, CPU)
        net = build(self._blank, stream)
        warm = {name: each.shape for name, each in before.items()} == {
            name: each.shape for name, each in net.state_dict().items()
        }
        if warm:
            net.load_state_dict(before)
        batch = min(self.batch, max(1, len(real) // 4))
        steps = min(max(self.passes * len(real) // batch, self.least_steps), self.most_steps)
        self.steps_ = ceil(steps * WARM_SHARE) if warm else steps
        coarse = self.grid_.coarse(self.series_, real)
        self.net_ = trained(net, coarse, table.y[real], Schedule(self.steps_, batch, self.rate), stream)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Return at most ``request.n`` rows of the class, inside the region.

        Raises
        ------
        ConditionError
            If no real row has the requested class.
        """
        return self._sample(request, None, rng)

    def steered(self, score: Score, strength: float = 1.0, every: int = 3) -> Generator:
        """Return a generator that shares this fitted model and prefers rows with a high score (n,), see `Steering`."""
        return _Steered(self, score, strength, every)

    def save(self, folder: Path) -> None:
        """Write settings, real rows and weights into a folder."""
        write_settings(self, folder, self.table_.schema, steps=self.steps_)
        write_table(self.table_, folder / ROWS)
        save_weights(self.net_, folder / NET)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        made, learnt, schema = unfitted(cls, folder, {"steps": count})
        made._learn_grid(read_table(folder / ROWS, schema))
        made.steps_ = learnt["steps"]
        check_sizes(folder / NET, width=made.width)
        made.net_ = load_weights(build(made._blank, torch_stream(np.random.default_rng(0), CPU)), folder / NET)
        return made

    def scored(self, score: Score) -> Scored:
        """Return a score of series on the grid, by the rows that they become."""

        def of_series(coarse: np.ndarray, hosts: np.ndarray) -> np.ndarray:
            return score(self._rows(coarse, hosts, hosts).rows)

        return of_series

    def _learn_grid(self, table: Table) -> None:
        real_rows(table)
        self.table_, self.series_ = table, Series.of(table, self.reads)
        self.grid_ = Grid.of(self.series_, np.flatnonzero(table.is_real), self.points)

    def _blank(self) -> Denoiser:
        return Denoiser(self.series_.values.shape[1], self.table_.n_classes, self.width)

    @one_thread()
    def _sample(self, request: Request, steer: _Steered | None, rng: np.random.Generator) -> Samples:
        table = self.table_
        self._check_label(request.label)
        conditioned = bool(request.region.rule) or request.region.seeds is not None
        starts, chance = starting_rows(table, request)
        from_rows = conditioned and len(starts) > 0
        if not from_rows:
            fits = table.is_real if request.label is None else table.is_real & (table.y == request.label)
            starts = np.flatnonzero(fits)
            chance = np.full(len(starts), 1 / len(starts))
        if not request.n:
            return Samples(no_rows(self.table_), request, 0)
        root = seeds.root(class_stream(rng, request.label))
        draws = seeds.stream(root, "rows")
        steering = steer.steering(seeds.stream(root, "score")) if steer is not None else None

        def draw(anywhere: Request) -> Samples:
            hosts = draws.choice(starts, size=anywhere.n, p=chance)
            made = self._drawn(hosts, from_rows, steering, draws)
            return Samples(made, anywhere, len(made), "seeds" if from_rows else "native")

        samples = keep_inside(draw, request, self.tries, BATCH, draws)
        if steering is not None:
            return replace(samples, sampling_method="importance")
        return replace(samples, sampling_method="seeds") if from_rows else samples

    def _drawn(self, hosts: np.ndarray, from_rows: bool, steering: Steering | None, rng: np.random.Generator) -> Table:
        """Return a new row for each host, which is only its host or (from rows) its start, too."""
        if not len(hosts):
            return no_rows(self.table_)
        sigmas = noise_levels(self.sampling_steps)
        stream = torch_stream(rng, CPU)
        start = torch.zeros((len(hosts), len(self.grid_.mean), self.grid_.points))
        if from_rows:
            sigmas = [self.start_noise, *(sigma for sigma in sigmas if sigma < self.start_noise)]
            start = torch.from_numpy(self.grid_.coarse(self.series_, hosts))
        noisy = start + sigmas[0] * torch.randn(start.shape, generator=stream)
        label = torch.from_numpy(self.table_.y[hosts])
        coarse, origin = denoised(self.net_, noisy, hosts, label, sigmas, stream, steering)
        own = hosts[origin]
        return self._rows(coarse, own, own)

    def _rows(self, coarse: np.ndarray, hosts: np.ndarray, parents: np.ndarray) -> Table:
        values = self.grid_.fine(coarse, self.series_, hosts)
        return self.series_.made(self.table_, hosts, values, self.table_.y[hosts], parents[:, None])

    def _check_label(self, label: int | None) -> None:
        known = np.unique(self.table_.y[self.table_.is_real])
        if label is not None and label not in known:
            names = ", ".join(str(self.table_.schema.classes[code]) for code in known)
            raise ConditionError(f"a label must be that of a real row, got {label}: ask for one of {names}.")


@dataclass(frozen=True, eq=False)
class _Steered:
    """A fitted diffusion of series under a score."""

    model: DiffusionSeries
    score: Score
    strength: float
    every: int

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        return replace(self, model=copy.deepcopy(self.model).fit(table, rng))

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        return self.model._sample(request, self, rng)

    def steering(self, rng: np.random.Generator) -> Steering:
        """Return the steering of a request."""
        table = self.model.table_
        real = np.flatnonzero(table.is_real)
        some = real if len(real) <= MOST_SCORED else np.sort(rng.choice(real, MOST_SCORED, replace=False))
        known = self.score(table.rows.take(some))
        return Steering(self.model.scored(self.score), known, self.strength, self.every, rng)


_: type[Generator] = DiffusionSeries
_steerable: type[Steerable] = DiffusionSeries
