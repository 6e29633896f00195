"""What generators built on torch share: seeded weights, the training loop, the weight average."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from loop.errors import ConfigError
from loop.seeds import integer
from loop.support.parallel.torch_threads import ONE_AT_A_TIME
from loop.support.progress import tell

NARROWNESS = 6.94  # exponent of the running average: spans about the last tenth of the steps (Karras et al. 2024)
WARM_UP_SHARE = 0.05  # share of the steps during which the learning rate rises to its maximum
WARM_UP_STEPS = 100  # maximum number of those steps
ROUND_STEPS = 100  # steps between two evaluations on held-out rows, at most
LEAST_PER_PASS = 20  # batches: few rows make small batches
LONGEST_GRADIENT = 10.0  # gradients are clipped to this norm, which normal steps rarely exceed

Net = TypeVar("Net", bound=nn.Module)


def device() -> torch.device:
    """Return the device to compute on: cuda, else mps, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def torch_stream(rng: np.random.Generator, where: torch.device) -> torch.Generator:
    """Return a torch generator seeded from ``rng``; torch's global state is not touched."""
    return torch.Generator(where).manual_seed(integer(rng))


def tensor(array: np.ndarray, where: torch.device) -> Tensor:
    """Copy an array to the device: whole numbers as int64, others as float32."""
    whole = np.issubdtype(array.dtype, np.integer)
    return torch.tensor(array, dtype=torch.int64 if whole else torch.float32, device=where)


def build(make: Callable[[], Net], stream: torch.Generator) -> Net:
    """Make a module on the stream's device, with weights drawn from the stream alone.

    Torch modules draw their initial weights from the global state; it is restored afterwards.
    """
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        net = make()
    return initialise(net.to(stream.device), stream)


@torch.no_grad()
def initialise(net: Net, stream: torch.Generator) -> Net:
    """Draw all parameters again from the stream, in place, as torch would from its global state.

    A module of another class that has parameters must have a method ``initialise(stream)``.

    Raises
    ------
    TypeError
        If such a module has no ``initialise``.
    """
    for module in net.modules():
        if not list(module.parameters(recurse=False)):
            continue
        if callable(own := getattr(module, "initialise", None)):
            own(stream)
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(generator=stream)
        elif isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=stream)
        elif isinstance(module, nn.LayerNorm | nn.GroupNorm | nn.modules.batchnorm._BatchNorm | nn.RMSNorm):
            module.reset_parameters()  # ones and zeros: nothing is drawn
        else:
            raise TypeError(f"a module with parameters needs a method initialise(stream), {type(module)} has none.")
    return net


class Average:
    """Running average of a module's weights, in evaluation mode, over about the last tenth of the steps.

    The share of new weights falls as one over the number of steps, so there is no horizon to choose and no slow start
    (power-function average of Karras, Aittala, Lehtinen, Hellsten, Aila, Laine 2024, arXiv 2312.02696, equation 2).
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self._steps = 0
        pairs = list(zip(self.net.state_dict().values(), net.state_dict().values(), strict=True))  # views: they move
        self._means = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def step(self) -> None:
        """Add the weights after one more step to the average; integer buffers (counters) are copied."""
        self._steps += 1
        share = 1 - (1 - 1 / self._steps) ** (NARROWNESS + 1)
        mine, theirs = zip(*self._means, strict=True)
        torch._foreach_lerp_(mine, theirs, share)
        for own, other in self._counters:
            own.copy_(other)


@dataclass(frozen=True)
class Schedule:
    """How a net is trained: most steps taken, and rows at each; AdamW's rate and weight decay.

    ``rate`` is the highest learning rate, for it rises shortly, then falls along a cosine. ``decay`` is that of
    matrices; vectors have none.
    """

    steps: int
    batch: int
    rate: float
    decay: float = 0.0


def train(
    net: nn.Module,
    loss: Callable[[nn.Module, Tensor], Tensor],
    n_rows: int,
    schedule: Schedule,
    stream: torch.Generator,
    *,
    judge: Callable[[nn.Module], float] | None = None,
    patience: int = 10,
) -> nn.Module:
    """Train a module in place and return the running average of its weights, in evaluation mode.

    Parameters
    ----------
    net : nn.Module
        The module; it must be on the stream's device.
    loss : callable
        Returns the mean loss (scalar tensor) of rows, from the module and row numbers (b,) below ``n_rows``.
    n_rows : int
        Rows to train on; each pass sees every row once, in a new random order.
    schedule : Schedule
        Steps, rows in each, learning rate and weight decay.
    stream : torch.Generator
        Draws the orders. The loss may draw from it too.
    judge : callable or None
        Returns the loss (float) of the average on held-out rows, once a round. The best average is then returned.
    patience : int
        Rounds without a lower held-out loss before training stops.

    Returns
    -------
    nn.Module
        A copy of the module with averaged weights.

    Raises
    ------
    ConfigError
        If training diverges.
    """
    net.train()
    average, best, steps = Average(net), _Best(patience), schedule.steps
    optimizer = adam(net, schedule.rate, schedule.decay)
    round_steps = min(ROUND_STEPS, max(1, n_rows // schedule.batch))
    for step, rows in zip(range(1, steps + 1), batches(n_rows, schedule.batch, stream), strict=False):
        set_rate(optimizer, schedule.rate * pace(step, steps))
        descend(optimizer, loss(net, rows))
        average.step()
        tell(step, steps)
        if judge is not None and (step % round_steps == 0 or step == steps) and best.ends(average.net, judge):
            break
    return converged(average.net if best.net is None else best.net, schedule.rate)


def plan(n_rows: int, *, epochs: int, steps: int, batch: int, multiple: int = 1) -> tuple[int, int]:
    """Return how many steps to take (int), and how many rows in each (int), for a table of a given length.

    Parameters
    ----------
    n_rows : int
        Rows to train on.
    epochs, steps : int
        Passes over the rows, and the maximum number of steps.
    batch, multiple : int
        Maximum number of rows in a step, and what that number must be a multiple of. A small table gets smaller
        batches, so that it still gets enough steps.
    """
    size = min(batch, max(1, n_rows // (LEAST_PER_PASS * multiple)) * multiple)
    return min(steps, epochs * math.ceil(n_rows / size)), size


def adam(net: nn.Module, rate: float, decay: float = 0.0, betas: tuple[float, float] = (0.9, 0.999)) -> Any:
    """Return AdamW over all parameters; vectors (biases, norms) do not decay."""
    matrices = [parameter for parameter in net.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=True)


def descend(optimizer: Any, loss: Any) -> None:
    """Take one optimiser step with a clipped gradient; no parameters but the optimiser's get gradients."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
    optimizer.step()


def converged(net: Net, rate: float) -> Net:
    """Return a trained net, unless training has diverged.

    Raises
    ------
    ConfigError
        If some of its weights are not finite.
    """
    if not all(value.isfinite().all() for value in net.state_dict().values()):
        raise ConfigError(f"training must converge, and with rate {rate} a net's weights are not finite: lower rate.")
    return net


def set_rate(optimizer: Any, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def pace(step: int, steps: int) -> float:
    """Return the share of the full learning rate at a step 1..steps: a linear rise, then a cosine to about zero."""
    rise = min(WARM_UP_STEPS, max(1, round(WARM_UP_SHARE * steps)))
    if step <= rise:
        return step / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise + 1)))


def batches(n_rows: int, size: int, stream: torch.Generator) -> Iterator[Tensor]:
    """Yield row numbers (b,) forever; each pass is split into equal batches of at most ``size``, so no row is lost."""
    while True:
        order = torch.randperm(n_rows, generator=stream, device=stream.device)
        yield from torch.tensor_split(order, math.ceil(n_rows / size))


class _Best:
    """The module with the lowest loss so far, and whether to stop waiting for a better one."""

    def __init__(self, patience: int) -> None:
        self.net: nn.Module | None = None
        self._lowest, self._waited, self._patience = math.inf, 0, patience

    def ends(self, net: nn.Module, judge: Callable[[nn.Module], float]) -> bool:
        with torch.no_grad():
            loss = judge(net)
        self._waited += 1
        if loss < self._lowest:
            self.net, self._lowest, self._waited = copy.deepcopy(net), loss, 0
        return self._waited >= self._patience
