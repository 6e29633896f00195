"""A small convolutional network that reads series: a second kind of member for teachers."""

import copy
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from learners.common.persistence import unfitted, write_settings
from learners.series.network import GROUPS, SeriesNet
from learners.series.reading import evened, filled_of
from loop.encoders import array_of
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support import record_checks as checks
from loop.support.model_files.arrays import Form, checked
from loop.support.own_files import own_file
from loop.support.parallel.torch_threads import ONE_AT_A_TIME, one_thread
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

FILE = "convnet.safetensors"
CHUNK = 256  # series predicted at once
FLAT = 1e-12  # spread below which a channel is not scaled
LONGEST_GRADIENT = 5.0
LEARNT = {
    "array": checks.text,
    "channels": checks.integer(1),
    "longest": checks.integer(1),
    "n_classes": checks.integer(2),
}


@dataclass(eq=False)
class ConvnetSeries:
    """A residual network of one-dimensional convolutions, on the CPU.

    The loss is the weighted cross-entropy to ``table.targets``; series are scaled by the spread of their channel over
    training rows, and while it trains each is scaled and jittered a little. The weights are a running average.

    Parameters
    ----------
    width : int
        Channels of the first convolution, a multiple of 8.
    steps, batch : int
        Training steps, and series in each.
    rate, decay : float
        AdamW's highest learning rate, and its weight decay.
    jitter : float
        Spread of the noise added in training, as a share of a channel's; 0 = none.
    balanced : bool
        Whether all classes count alike, as with class weights.

    Raises
    ------
    ConfigError
        If a setting is out of its range, or training does not converge.
    """

    width: int = 16
    steps: int = 300
    batch: int = 32
    rate: float = 5e-3
    decay: float = 0.05
    jitter: float = 0.05
    balanced: bool = False

    reads: ClassVar[str] = "curves"

    array_: str = field(init=False, repr=False)
    n_classes_: int = field(init=False, repr=False)
    longest_: int = field(init=False, repr=False)
    mean_: np.ndarray = field(init=False, repr=False)  # (channels,)
    scale_: np.ndarray = field(init=False, repr=False)  # (channels,)
    seen_: np.ndarray = field(init=False, repr=False)  # (K,) bool: classes that training rows had
    net_: SeriesNet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"width": GROUPS, "steps": 1, "batch": 1, "decay": 0, "jitter": 0}, shares=("rate",))
        if self.width % GROUPS or self.width > 512:
            raise ConfigError(f"width must be a multiple of {GROUPS} up to 512, got {self.width}: round it.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the rows with weight above zero; the global torch generator is not touched."""
        self.array_ = array_of(table, self.reads)
        table = table.take(table.weight > 0)
        table = evened(table) if self.balanced else table
        values, lengths = filled_of(table.rows, self.array_)
        self.n_classes_, self.longest_ = table.n_classes, values.shape[2]
        inside = (np.arange(self.longest_) < lengths[:, None])[:, None]
        steps = lengths.sum()
        self.mean_ = values.sum(axis=(0, 2), dtype=np.float64) / steps
        spread = np.sqrt((np.where(inside, values - self.mean_[:, None], 0.0) ** 2).sum(axis=(0, 2)) / steps)
        self.scale_ = np.where(spread > FLAT, spread, 1.0)
        self.seen_ = table.targets.sum(axis=0) > 0
        stream = torch.Generator().manual_seed(integer(rng))
        self.net_ = self._trained(self._new_net(stream), self._inputs(values, lengths), table, stream)
        return self

    @one_thread()
    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K); a class without a training row has none."""
        values, lengths = filled_of(rows, self.array_, len(self.mean_))
        made = [np.empty((0, self.n_classes_))]
        for first in range(0, len(values), CHUNK):
            inputs = self._inputs(values[first : first + CHUNK], lengths[first : first + CHUNK])
            with torch.no_grad():
                logits = self.net_(*inputs).double().masked_fill(~torch.from_numpy(self.seen_), -torch.inf)
            made.append(logits.softmax(1).numpy())
        return np.concatenate(made)

    def save(self, folder: Path) -> None:
        """Write settings and weights into a folder."""
        told = {"array": self.array_, "channels": len(self.mean_), "longest": self.longest_}
        write_settings(self, folder, **told, n_classes=self.n_classes_)
        own = {"mean": self.mean_, "scale": self.scale_, "seen": self.seen_.astype(np.int64)}
        weights = {f"net/{name}": value.numpy() for name, value in self.net_.state_dict().items()}
        save_file({name: np.ascontiguousarray(array) for name, array in {**own, **weights}.items()}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written, each array checked."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.array_, channels, learner.longest_, learner.n_classes_ = (learnt[name] for name in LEARNT)
        try:
            arrays = load_file(own_file(folder / FILE))
            largest = max((max(each.shape, default=0) for each in arrays.values()), default=0)
            if max(channels, learner.n_classes_, learner.width) > largest:  # before a net of that size is made
                raise DataError("its settings are those of another network")
            learner.mean_ = np.zeros(channels)
            learner.net_ = learner._new_net(torch.Generator())  # its weights are overwritten
            own = {"mean": Form("f", (channels,)), "scale": Form("f", (channels,), np.finfo(float).tiny)}
            own["seen"] = Form("iu", (learner.n_classes_,), 0, 1)
            blank = learner.net_.state_dict()
            checked(arrays, own | {f"net/{name}": Form("f", tuple(each.shape)) for name, each in blank.items()})
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            why = " ".join(str(error).split())[:120]
            raise DataError(
                f"{folder / FILE} must hold a whole network, and does not ({why}): save the model again."
            ) from error
        learner.mean_, learner.scale_, learner.seen_ = arrays["mean"], arrays["scale"], arrays["seen"] == 1
        learner.net_.load_state_dict({name: torch.from_numpy(arrays[f"net/{name}"]) for name in blank})
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.array_ not in [each.column for each in schema.arrays]:
            return f"series in {self.array_!r}"
        return None if schema.n_classes == self.n_classes_ else f"{self.n_classes_} classes, not {schema.n_classes}"

    def _new_net(self, stream: torch.Generator) -> SeriesNet:
        """Return a network whose weights come from the stream alone."""
        with ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
            net = SeriesNet(len(self.mean_), self.longest_, self.n_classes_, self.width)
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, torch.nn.Conv1d | torch.nn.Linear):
                    bound = 1 / math.sqrt(module.weight[0].numel())
                    for parameter in module.parameters(recurse=False):
                        parameter.uniform_(-bound, bound, generator=stream)
        return net.eval()

    def _inputs(self, values: np.ndarray, lengths: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return scaled series (n, c, t) of the training length, and masks (n, 1, t)."""
        values, lengths = values[:, :, : self.longest_], np.minimum(lengths, self.longest_)
        short = self.longest_ - values.shape[2]
        mask = (np.arange(self.longest_) < lengths[:, None])[:, None].astype(np.float32)
        scaled = ((values - self.mean_[:, None]) / self.scale_[:, None]).astype(np.float32)
        padded = np.pad(scaled, ((0, 0), (0, 0), (0, short))) * mask
        return torch.from_numpy(padded), torch.from_numpy(mask)

    def _trained(
        self, net: SeriesNet, inputs: tuple[Tensor, Tensor], table: Table, stream: torch.Generator
    ) -> SeriesNet:
        """Train, and return the running average of the weights."""
        targets = torch.from_numpy(table.targets).float()
        weight = torch.from_numpy(table.weight / table.weight.mean()).float()
        average, n = copy.deepcopy(net), len(targets)
        matrices = [each for each in net.parameters() if each.ndim > 1]
        vectors = [each for each in net.parameters() if each.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.rate, weight_decay=self.decay)
        for step in range(self.steps):
            for group in optimizer.param_groups:
                group["lr"] = self.rate * min((step + 1) / 20, 0.5 * (1 + math.cos(math.pi * step / self.steps)))
            rows = torch.randint(n, (min(self.batch, n),), generator=stream)
            series, mask = (each[rows] for each in inputs)
            noise = torch.randn(series.shape, generator=stream) * self.jitter
            size = 1 + self.jitter * torch.randn((len(rows), 1, 1), generator=stream)
            logits = net((series * size + noise) * mask, mask)
            losses = -(targets[rows] * logits.log_softmax(1)).sum(1)
            optimizer.zero_grad()
            loss: Any = (weight[rows] * losses).mean()  # torch leaves backward() untyped
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), LONGEST_GRADIENT)
            optimizer.step()
            share = max(0.02, 1 / (step + 1))
            with torch.no_grad():
                for own, other in zip(average.parameters(), net.parameters(), strict=True):
                    own.lerp_(other, share)
        if not all(each.isfinite().all() for each in average.parameters()):
            raise ConfigError(f"rate must keep the weights finite, got {self.rate}: lower it.")
        return average.eval()


_learner: type[Learner] = ConvnetSeries
