"""Weights of torch modules on disk, checked by name, type, shape and size before a module takes them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from generators.common.saved_rows import damaged
from generators.common.torch_training import build, device, torch_stream
from loop.errors import DataError
from loop.support.model_files.arrays import Form, checked
from loop.support.own_files import own_file

NUMBERS = (torch.float32, torch.float64, torch.int64)  # types of weights

Net = TypeVar("Net", bound=nn.Module)


def save_weights(net: nn.Module, path: Path) -> None:
    """Write all weights to a file ``*.safetensors``."""
    save_file({name: value.cpu().contiguous() for name, value in net.state_dict().items()}, path)


def load_weights(net: Net, path: Path) -> Net:
    """Read weights back into a module of the same shape, in place, and put it into evaluation mode.

    Raises
    ------
    DataError
        If the file is damaged, or its weights are not finite or of another shape.
    """
    wanted = net.state_dict()
    forms = {name: Form("f" if each.is_floating_point() else "iu", tuple(each.shape)) for name, each in wanted.items()}
    held = _weights(path)
    try:
        checked({name: each.numpy() for name, each in held.items()}, forms)
    except DataError as error:
        raise damaged(path, error) from error
    net.load_state_dict(held)
    return net.eval()


def check_sizes(path: Path, **sizes: int) -> None:
    """Check settings that a module's size follows from, before it is made: none is beyond what the file holds.

    Raises
    ------
    DataError
        If one is, so that the memory it asks for would be no one's.
    """
    held = _weights(path)
    most = max([len(held), *(length for each in held.values() for length in each.shape)])
    if odd := next((name for name, size in sizes.items() if size > most), None):
        raise damaged(path, f"it holds no weights for {odd} {sizes[odd]}")


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        held: dict[str, Tensor] = load_file(own_file(path))
    except (OSError, ValueError, SafetensorError) as error:
        raise damaged(path, " ".join(str(error).split())) from error
    if odd := next((name for name, each in held.items() if each.dtype not in NUMBERS), None):
        raise damaged(path, f"{odd[:40]!r} is of {held[odd].dtype}")
    return held


def rebuilt(make: Callable[[], Net], path: Path, **sizes: int) -> Net:
    """Make a module anew with the weights of a file, ready to be used; first weights are drawn and overwritten.

    ``sizes`` are checked as `check_sizes` does; errors are those of `load_weights`.
    """
    check_sizes(path, **sizes)
    return load_weights(build(make, torch_stream(np.random.default_rng(0), device())), path)
