"""Diffusion of images: noise is removed step by step, conditioned on a class, a region and a model's weakness."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import ClassVar, Self, cast

import numpy as np
import torch

from generators.common.persistence import ROWS, read_table, unfitted, write_settings, write_table
from generators.common.rejection import keep_inside
from generators.common.torch_training import Schedule, build, device, tensor, torch_stream, train
from generators.common.weights import check_sizes, load_weights, save_weights
from generators.diffusion.guidance import Guide
from generators.diffusion.solver import State, Steering, Unsteered, noise_levels, run
from generators.diffusion.steered import Steered
from generators.images.guidance import Flat, maker
from generators.images.pixels import has_more, pixels, unit, with_images
from generators.images.unet import UNet
from generators.images.warping import Strength, warped
from generators.resampling.resample import class_stream, no_rows, proposals, real_rows, starting_rows
from loop import seeds
from loop.encoders import array_of, entries_of
from loop.errors import ConditionError, ConfigError
from loop.protocols import Generator, Steerable
from loop.rows import Rows
from loop.support.parallel.torch_threads import one_thread
from loop.support.record_checks import number
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, SamplingMethod, Table

AT_ONCE = 512  # images denoised together: bounds memory, and is the population that a guide chooses from
NET = "unet.safetensors"
WARM_SHARE = 0.2  # share of the training steps that a warm start takes
MOST_MEASURED, LEAST_SPREAD = 2000, 1e-3  # images whose pixels are measured, and the least deviation of these
SLIGHT = Strength(shift=0.05, rotation=8.0, elastic=0.03)  # changes in training: few images are not learnt by heart


@dataclass(eq=False)
class DiffusionImages:
    """A class-conditional diffusion model of images, small enough for the processor.

    A U-Net of about 70,000 weights learns to remove noise of any level (EDM, Karras et al. 2022, arXiv 2206.00364).
    Rows are made in at most 30 steps of DPM-Solver++(2M) for the stochastic equation (Lu et al. 2022, arXiv
    2211.01095), each of which asks the net once. Rare classes are seen more often in training than their share.

    Noise is added to real images of the region, and removed again (SDEdit, Meng et al. 2021, arXiv 2108.01073); where
    it has none, images are made from noise. Those outside are refused, and others made, within a bound.
    `steered` resamples partial images by a score of the predicted clean ones, such as a learner's entropy (deliberate
    practice, Askari-Hemmat et al. 2025, arXiv 2502.15588; Feynman-Kac steering, Singhal et al. 2025).

    Parameters
    ----------
    width : int
        Channels of the finest resolution, a multiple of 4.
    passes : int
        Passes over the rows in training, within the bounds of ``least_steps`` and ``most_steps``.
    least_steps, most_steps : int
        Bounds of the training steps.
    batch : int
        Images in a step.
    rate : float
        Highest learning rate.
    balance : float
        0 = classes are seen by their shares in training, 1 = equally often.
    slight_changes : bool
        Whether images are slightly shifted, turned and bent in training.
    sampling_steps : int
        Steps from pure noise to an image, 2 to 30.
    seed_noise : float
        Noise added to the real image that a proposal starts from, in standard deviations of pixels.
    from_noise : bool
        Whether images for no particular region begin as pure noise. A net that has seen few images makes better ones
        from real images.
    tries : int
        Most draws for each requested row.
    warm_start : bool
        True: a second ``fit`` continues from the weights of the first, with a fifth of the steps, if images have the
        same shape and there are as many classes.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    reads: ClassVar[str] = "pixels"

    width: int = 16
    passes: int = 40
    least_steps: int = 400
    most_steps: int = 1500
    batch: int = 64
    rate: float = 6e-3
    balance: float = 0.5
    slight_changes: bool = False
    sampling_steps: int = 20
    seed_noise: float = 1.5
    from_noise: bool = False
    tries: int = 10
    warm_start: bool = False

    table_: Table = field(init=False, repr=False)  # real rows
    array_: str = field(init=False, repr=False)
    net_: UNet = field(init=False, repr=False)
    centre_: float = field(init=False, repr=False)  # of the pixels
    spread_: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("passes", "least_steps", "most_steps", "batch", "tries"), 1)
        most = {"sampling_steps": 30, "balance": 1.0, "width": 256}
        least = counts | {"sampling_steps": 2, "balance": 0.0, "width": 4}
        check_bounds(self, least=least, most=most, shares=("rate",), positive=("seed_noise",))
        if self.width % 4:
            raise ConfigError(f"width must be a multiple of 4, got {self.width}: round it.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the real rows; torch's global state is not touched."""
        before = self.net_.state_dict() if self.warm_start and hasattr(self, "net_") else {}
        self._learn_rows(table)
        images = entries_of(self.table_.rows, self.array_)  # as they are: floats of a batch alone are made
        some = unit(images[rng.permutation(len(images))[:MOST_MEASURED]])
        self.centre_, self.spread_ = float(some.mean()), max(float(some.std(correction=0)), LEAST_SPREAD)
        stream = torch_stream(rng, device())
        net = build(self._net, stream)
        warm = {name: each.shape for name, each in before.items()} == {n: e.shape for n, e in net.state_dict().items()}
        if warm:
            net.load_state_dict(before)
        seen = _seen(self.table_.y, self.balance)
        batch = min(self.batch, max(1, ceil(len(seen) / 4)))
        steps = min(max(self.passes * len(seen) // batch, self.least_steps), self.most_steps)
        schedule = Schedule(ceil(steps * WARM_SHARE) if warm else steps, batch, self.rate)
        label = tensor(self.table_.y, device())

        def loss(net: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
            chosen = seen[rows.cpu().numpy()]
            shown = warped(unit(images[chosen]), SLIGHT, rng) if self.slight_changes else unit(images[chosen])
            clean = ((shown - self.centre_) / self.spread_).to(rows.device)
            return cast(UNet, net).loss(clean, label[chosen], stream)

        self.net_ = cast(UNet, train(net, loss, len(seen), schedule, stream))
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
        """Return rows as `sample` does, but more of those that the guide scores high; only particles guide images."""
        return self._sample(request, guide, rng)

    def steered(self, score: Callable[[Rows], np.ndarray]) -> Generator:
        """Return a generator that shares this fitted model and is guided by a score (n,) of n rows with images."""
        return Steered(self, Guide(score))

    def save(self, folder: Path) -> None:
        """Write settings, real rows and weights into a folder."""
        write_settings(self, folder, self.table_.schema, centre=self.centre_, spread=self.spread_)
        write_table(self.table_, folder / ROWS)
        save_weights(self.net_, folder / NET)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written; a further fit with ``warm_start`` goes on from its weights."""
        generator, told, schema = unfitted(cls, folder, {"centre": number, "spread": number})
        generator._learn_rows(read_table(folder / ROWS, schema))
        generator.centre_, generator.spread_ = told["centre"], max(told["spread"], LEAST_SPREAD)
        check_sizes(folder / NET, width=generator.width)
        generator.net_ = load_weights(build(generator._net, torch.Generator(device())), folder / NET)
        return generator

    def _learn_rows(self, table: Table) -> None:
        self.array_ = array_of(table, self.reads)
        entries_of(table.rows, self.array_)
        self.table_ = real_rows(table)

    def _net(self) -> UNet:
        channels, height, width = entries_of(self.table_.rows, self.array_).shape[1:]
        net = UNet((channels, height, width), self.table_.n_classes, self.width)
        whole: UNet = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return whole

    @one_thread()
    def _sample(self, request: Request, guide: Guide | None, rng: np.random.Generator) -> Samples:
        self._check_label(request.label)
        root = seeds.root(class_stream(rng, request.label))
        starts, chance = self._starts(request)
        steering: Callable[[int], Steering] = Unsteered
        if guide is not None and request.n:
            steering = maker(guide, self._flat(guide.score), seeds.stream(root, "guide"))
        draw = partial(self._drawn, starts, chance, steering, seeds.stream(root, "rows"))
        found = keep_inside(draw, request, self.tries, AT_ONCE, seeds.stream(root, "kept"))
        if guide is not None and not len(starts):
            return replace(found, sampling_method="importance")
        return found

    def _starts(self, request: Request) -> tuple[np.ndarray, np.ndarray]:
        """Return the real images (m,) to add noise to, and the chance of each; none = rows begin as pure noise."""
        anywhere = not request.region.rule and request.region.seeds is None
        if anywhere and self.from_noise:
            return np.arange(0), np.empty(0)
        return starting_rows(self.table_, request)

    def _drawn(
        self,
        starts: np.ndarray,
        chance: np.ndarray,
        steering: Callable[[int], Steering],
        rng: np.random.Generator,
        request: Request,
    ) -> Samples:
        """Make images from the real rows ``starts`` (m,) with noise added, or from pure noise if there are none."""
        table, sigmas, n, place = self.table_, noise_levels(self.sampling_steps), request.n, device()
        if not n:
            return Samples(no_rows(table), request, 0)
        if len(starts):
            at = rng.choice(starts, n, p=chance)
            sigmas = [self.seed_noise, *(sigma for sigma in sigmas if sigma < self.seed_noise)]
        else:
            alike = np.ones(len(table), dtype=bool) if request.label is None else table.y == request.label
            at = rng.choice(np.flatnonzero(alike), n)
        stream, images = torch_stream(rng, place), entries_of(table.rows, self.array_)
        clean = ((unit(images[at]) - self.centre_) / self.spread_).to(place) * bool(len(starts))
        noisy = clean + sigmas[0] * torch.randn(clean.shape, generator=stream, device=place)
        state = State(noisy, tensor(table.y[at], place), tensor(at, place))
        with torch.no_grad():
            end = run(self.net_.clean, state, sigmas, steering(len(sigmas)), stream)
        made = pixels(end.noisy.cpu() * self.spread_ + self.centre_, images.dtype)
        at, y = end.parent.cpu().numpy(), end.label.cpu().numpy()
        is_parent = len(starts) > 0 or has_more(table, self.array_)  # what else a row holds is from a real row
        parent = table.row_number[at] if is_parent else np.full(n, -1)
        rows = with_images(table, at, self.array_, made)
        how: SamplingMethod = "seeds" if len(starts) else "native"
        return Samples(proposals(rows, y, parent, table.schema), request, n, how)

    def _flat(self, score: Callable[[Rows], np.ndarray]) -> Flat:
        return Flat(self.table_, self.array_, self.centre_, self.spread_, score)

    def _check_label(self, label: int | None) -> None:
        if label is not None and label not in self.table_.y:
            names = [str(self.table_.schema.classes[code])[:40] for code in np.unique(self.table_.y)[:5]]
            raise ConditionError(f"a label must be that of a real row, got {label}: ask for one of {', '.join(names)}.")


def _seen(y: np.ndarray, balance: float) -> np.ndarray:
    """Return row numbers of one pass: rows of rare classes several times, see ``balance``."""
    counts = np.bincount(y)
    times = np.maximum(1, np.round((counts.max() / np.maximum(counts, 1)) ** balance)).astype(int)
    return np.repeat(np.arange(len(y)), times[y])


_: type[Generator] = DiffusionImages
_steerable: type[Steerable] = DiffusionImages
