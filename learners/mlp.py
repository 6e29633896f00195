"""A deep ensemble of small networks, trained side by side as one batched model."""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn import functional

from learners.common.batched_net import EMBEDDING, FREQUENCIES, BatchedNet
from learners.common.persistence import columns_misfit, unfitted, write_settings
from learners.common.tabular_encoding import NetInput
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support.model_files.arrays import Form, checked
from loop.support.own_files import own_file
from loop.support.parallel.torch_threads import one_thread
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

FILE = "mlp.safetensors"
AVERAGING = 0.98  # share of the running average of the weights kept at each step
MIN_FOLDS = 5  # each member holds out at most a fifth of the rows
MAX_JUDGE_ROWS = 2000  # rows a member holds out at most
MAX_ROUND = 100  # most steps between two evaluations on the held-out rows
CHUNK = 4096  # rows predicted at once


@dataclass(eq=False)
class MLP:
    """Mean of several multilayer perceptrons that share no weights and are computed together.

    All members are held in one set of tensors of shape (members, in, out), so eight networks cost little more than one
    (cf. TabM, Gorishniy et al. 2024, arXiv 2410.24210); their disagreement makes the mean well calibrated (deep
    ensembles, Lakshminarayanan et al. 2017). Numbers also enter through periodic features (Gorishniy et al. 2022,
    arXiv 2203.05556), which let a small network follow local structure.

    Each member holds out a fold of its own. Training stops when the log-loss pooled over all held-out rows no longer
    falls, and the best running average of the weights is kept: with few positives, one common hold-out would
    contain only a handful of them. The loss is the weighted cross-entropy to ``table.targets``.

    Parameters
    ----------
    members : int
        Networks in the ensemble.
    hidden, layers : int
        Units of a hidden layer, and how many such layers.
    rate, decay : float
        AdamW's learning rate and weight decay.
    batch : int
        Rows that each member sees in a step.
    steps : int
        Most steps taken.
    patience : int
        Evaluations on the held-out rows without progress before training stops.

    Raises
    ------
    ConfigError
        If a whole number is below 1, ``decay`` is below 0, or ``rate`` is not above 0 and at most 1.
    """

    members: int = 8
    hidden: int = 48
    layers: int = 2
    rate: float = 2e-3
    decay: float = 0.05
    batch: int = 256
    steps: int = 2000
    patience: int = 8
    input_: NetInput = field(init=False, repr=False)
    net_: BatchedNet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        least = dict.fromkeys(("members", "hidden", "layers", "batch", "steps", "patience"), 1)
        check_bounds(self, least={**least, "decay": 0}, shares=("rate",))

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the rows with weight above zero; the global torch generator is not touched.

        Raises
        ------
        ConfigError
            If rate or decay is so high that the loss is never finite.
        """
        table = table.take(table.weight > 0)
        self.input_ = NetInput().fit(table)
        device = _device()
        generator = torch.Generator(device).manual_seed(integer(rng))
        rows = _Rows(
            tuple(_tensor(part, device) for part in self.input_.transform(table.X)),
            _tensor(table.targets, device),
            _tensor(table.weight / table.weight.mean(), device),
        )
        judge, rest = (torch.as_tensor(part, device=device) for part in member_folds(table.y, self.members, rng))
        inputs = tuple(part.shape[1] for part in rows.inputs)
        net = BatchedNet(self.members, inputs, self.input_.n_slots, [self.hidden] * self.layers, rows.shares, generator)
        self.net_ = self._best(self._averages(net, rows, rest, generator), rows, judge)
        return self

    @one_thread()
    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K): the mean over members."""
        chunks = np.array_split(rows.X, max(1, len(rows) // CHUNK))
        return np.concatenate([self._predict_chunk(chunk) for chunk in chunks])

    def save(self, folder: Path) -> None:
        """Write settings, weights and encoding into a folder."""
        write_settings(self, folder)
        weights = {f"net/{name}": value.cpu().numpy() for name, value in self.net_.state_dict().items()}
        arrays = {**self.input_.arrays(), **weights}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        (learner, _), path = unfitted(cls, folder, {}), folder / FILE
        try:
            arrays = load_file(own_file(path))
            learner.input_ = NetInput.of(arrays)
            learner._check_weights(arrays)
        except (OSError, ValueError, KeyError, SafetensorError) as error:  # KeyError: of a type that NumPy has not
            why = " ".join(str(error).split())[:120]
            raise DataError(f"{path} must hold whole networks, and does not ({why}): save the model again.") from error
        weights = {name.removeprefix("net/"): array for name, array in arrays.items() if name.startswith("net/")}
        device = _device()
        n_classes = weights[f"bias.{learner.layers}"].shape[-1]
        generator = torch.Generator(device)  # its weights are overwritten below
        hidden = [learner.hidden] * learner.layers
        shape = learner.members, learner.input_.widths, learner.input_.n_slots, hidden
        learner.net_ = BatchedNet(*shape, torch.ones(n_classes, device=device), generator)
        learner.net_.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        misfit = columns_misfit(schema, len(self.input_.categorical_), self.net_.bias[-1].shape[-1])
        return misfit or self.input_.misfit(schema)

    def _check_weights(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise a DataError unless weights are finite and have the shapes that the settings and the encoding give."""
        held = {name.removeprefix("net/"): array for name, array in arrays.items() if name.startswith("net/")}
        if self.layers > len(held):  # before as many shapes are made
            raise DataError(f"it has no {self.layers} layers")
        last = held.get(f"bias.{self.layers}", np.zeros(0)).shape[-1:]
        widths = [*[self.hidden] * self.layers, *last]
        checked(held, {name: Form("f", shape) for name, shape in shapes(self.members, self.input_, widths).items()})

    def _predict_chunk(self, X: np.ndarray) -> np.ndarray:
        device = self.net_.bias[-1].device
        inputs = (_tensor(part, device).expand(self.members, *part.shape) for part in self.input_.transform(X))
        with torch.no_grad():
            proba: np.ndarray = self.net_(*inputs).cpu().double().softmax(-1).mean(0).numpy()
        return proba

    def _averages(
        self, net: BatchedNet, rows: "_Rows", rest: Tensor, generator: torch.Generator
    ) -> Iterator[BatchedNet]:
        """Train, and yield the running average of the weights after each round (always the same object)."""
        average = copy.deepcopy(net)
        matrices = [p for name, p in net.named_parameters() if not name.startswith("bias")]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": list(net.bias), "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.rate, weight_decay=self.decay, fused=True)
        round_steps = min(MAX_ROUND, max(1, rest.shape[1] // self.batch))
        batches = _batches(rest, self.batch, generator)
        for step in range(1, self.steps + 1):
            optimizer.zero_grad()
            loss: Any = rows.loss(net, next(batches))  # torch leaves backward() untyped
            loss.backward()
            optimizer.step()
            average.approach(net, max(1 - AVERAGING, 9 / (step + 9)))
            if step % round_steps == 0 or step == self.steps:
                yield average

    def _best(self, averages: Iterator[BatchedNet], rows: "_Rows", judge: Tensor) -> BatchedNet:
        """Return the average with the lowest loss on the held-out rows; stop when it no longer falls."""
        best: BatchedNet | None = None
        lowest, waited = math.inf, 0
        for average in averages:
            with torch.no_grad():
                loss = float(rows.loss(average, judge))
            waited += 1
            if loss < lowest:
                best, lowest, waited = copy.deepcopy(average), loss, 0
            if waited == self.patience:
                break
        if best is None:
            raise ConfigError(
                f"rate and decay must keep the loss finite, got {self.rate} and {self.decay}: lower them."
            )
        return best


def shapes(members: int, inputs: NetInput, widths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a `BatchedNet` by name, given the units of each layer."""
    ends = [BatchedNet.n_inputs(inputs.widths), *widths]
    own = {"frequency": (members, 1, inputs.widths[0], FREQUENCIES), "embedding": (members, inputs.n_slots, EMBEDDING)}
    for layer, (n_in, n_out) in enumerate(pairwise(ends)):
        own |= {f"weight.{layer}": (members, n_in, n_out), f"bias.{layer}": (members, 1, n_out)}
    return own


@dataclass(frozen=True, eq=False)
class _Rows:
    inputs: tuple[Tensor, ...]  # (n, p), (n, q), (n, c): see NetInput.transform
    targets: Tensor  # (n, K)
    weight: Tensor  # (n,), mean 1

    @property
    def shares(self) -> Tensor:
        """Share of each class, shape (K,)."""
        return (self.weight[:, None] * self.targets).mean(0)

    def loss(self, net: BatchedNet, rows: Tensor) -> Tensor:
        """Return the weighted cross-entropy in nats of each member's own rows (members, b), summed over members."""
        logits = net(*(part[rows] for part in self.inputs))
        per_row = -(self.targets[rows] * functional.log_softmax(logits, -1)).sum(-1)
        return (self.weight[rows] * per_row).mean(1).sum()


def member_folds(y: np.ndarray, members: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Deal the rows of each class in turn to folds; return the rows (members, j) held out, and the rest (members, r).

    Both are cut to the shortest fold, so that they are arrays.
    """
    n = len(y)
    n_folds = min(max(members, MIN_FOLDS, n // MAX_JUDGE_ROWS), n)
    fold = np.empty(n, dtype=np.int64)
    fold[np.lexsort((rng.random(n), y))] = np.arange(n) % n_folds
    held_out = [fold == member % n_folds for member in range(members)]
    judge = [np.flatnonzero(mask)[: n // n_folds] for mask in held_out]
    rest = [rng.permutation(np.flatnonzero(~mask))[: n - math.ceil(n / n_folds)] for mask in held_out]
    return np.stack(judge), np.stack(rest)


def _batches(rows: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches (members, b) without end; in each pass, every member sees its rows in a different order."""
    while True:
        order = torch.rand(rows.shape, generator=generator, device=rows.device).argsort(1)
        shuffled = rows.gather(1, order)
        for start in range(0, max(rows.shape[1] - size, 0) + 1, size):
            yield shuffled[:, start : start + size]


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    whole = np.issubdtype(array.dtype, np.integer)
    return torch.as_tensor(array, dtype=torch.int64 if whole else torch.float32, device=device)


_learner: type[Learner] = MLP
