"""A small convolutional network for images of 8 x 8 to about 64 x 64 pixels, on the processor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from learners.common.persistence import unfitted, write_settings
from learners.images.augmentation import AUGMENTATIONS, Augmentation
from learners.images.net import ConvNet, new_net
from learners.images.training import Content, Schedule, trained, unit
from loop.encoders import array_of, entries_of
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support import record_checks as checks
from loop.support.model_files.arrays import Form, checked
from loop.support.own_files import own_file
from loop.support.parallel.torch_threads import one_thread
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

FILE = "convnet.safetensors"
CHUNK = 512  # images that are floats at once
LARGEST_SIDE = 4096
_LEARNT: Mapping[str, checks.Check] = {
    "array": checks.text,
    "shape": checks.listed(checks.integer(1, LARGEST_SIDE), 3),
    "classes": checks.integer(1, 100_000),
}


@dataclass(eq=False)
class Convnet:
    """Three convolutions and a linear layer, trained with AdamW; the running average of the weights answers.

    What others do about rare classes instead of new rows are settings, so that each is a control of the loop's learner:
    augmentation, batches with classes equally often, and logit adjustment.

    Parameters
    ----------
    width : int
        Channels of the first layer.
    passes : int
        Passes over the rows, within the bounds of ``least_steps`` and ``most_steps``.
    least_steps, most_steps : int
        Bounds of the training steps: few rows need more passes, many rows fewer.
    batch : int
        Images in a step; few rows make smaller batches.
    rate : float
        Highest learning rate.
    augment : str
        "none", "classical" (shift, rotation, scale, elastic distortion), "mixup" or "cutmix".
    balanced : bool
        Whether batches hold each class equally often; soft labels count in part.
    adjustment : float
        How strongly logits are adjusted by the log shares of the classes in training (Menon et al. 2021, "Long-tail
        learning via logit adjustment", arXiv 2007.07314; their temperature, 1 in most of their tables). 0 = not.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    reads: ClassVar[str] = "pixels"

    width: int = 16
    passes: int = 20
    least_steps: int = 300
    most_steps: int = 1500
    batch: int = 64
    rate: float = 5e-3
    augment: Augmentation = "none"
    balanced: bool = False
    adjustment: float = 0.0

    array_: str = field(init=False, repr=False)
    net_: ConvNet = field(init=False, repr=False)
    shape_: tuple[int, int, int] = field(init=False, repr=False)  # channels, height, width
    classes_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("width", "passes", "least_steps", "most_steps", "batch"), 1)
        check_bounds(self, least=counts | {"adjustment": 0}, most={"width": 512, "adjustment": 10}, shares=("rate",))
        if self.augment not in AUGMENTATIONS:
            raise ConfigError(f"augment must be one of {', '.join(AUGMENTATIONS)}, got {self.augment!r}: use one.")

    @one_thread()
    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Train on the rows with weight above zero; torch's global state is not touched.

        Raises
        ------
        DataError
            If the rows hold no images.
        ConfigError
            If training diverges.
        """
        name = array_of(table, self.reads)
        table = table.take(table.weight > 0)
        images = entries_of(table.rows, name)
        self.array_, self.classes_ = name, table.n_classes
        self.shape_ = (images.shape[1], images.shape[2], images.shape[3])
        stream = torch.Generator().manual_seed(integer(rng))
        net = new_net(self.shape_, self.classes_, self.width, stream)
        steps = min(max(self.passes * math.ceil(len(table) / self.batch), self.least_steps), self.most_steps)
        schedule = Schedule(steps, self.batch, self.rate, self.augment, self.balanced, self.adjustment)
        self.net_ = trained(net, Content(images, table.targets, table.weight), schedule, rng)
        return self

    @one_thread()
    @torch.no_grad()
    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K).

        Raises
        ------
        DataError
            If the rows hold no images, or ones of another shape.
        """
        images = entries_of(rows, self.array_)
        if images.shape[1:] != self.shape_:
            raise DataError(f"images must have the shape {self.shape_}, got {images.shape[1:]}: resize or pad them.")
        if not len(images):
            return np.empty((0, self.classes_))
        chunks = (unit(images[first : first + CHUNK]) for first in range(0, len(images), CHUNK))
        return np.concatenate([self.net_(chunk).double().softmax(-1).numpy() for chunk in chunks])

    def save(self, folder: Path) -> None:
        """Write settings and weights into a folder."""
        write_settings(self, folder, array=self.array_, shape=list(self.shape_), classes=self.classes_)
        weights = {name: value.contiguous().numpy() for name, value in self.net_.state_dict().items()}
        save_file(weights, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        (learner, told), path = unfitted(cls, folder, _LEARNT), folder / FILE
        channels, height, wide = told["shape"]
        learner.array_, learner.shape_, learner.classes_ = told["array"], (channels, height, wide), told["classes"]
        try:
            held = load_file(own_file(path))
            if (learner.classes_,) != held.get("offset", np.zeros(0)).shape or len(held.get("centre", ())) != channels:
                raise DataError("it is for other images or classes")  # before such a network is made
            net = new_net(learner.shape_, learner.classes_, learner.width, torch.Generator())
            wanted: Mapping[str, Any] = net.state_dict()
            checked(held, {name: _form(value) for name, value in wanted.items()})
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            why = " ".join(str(error).split())[:120]
            raise DataError(f"{path} must hold a whole network, and does not ({why}): save the model again.") from error
        net.load_state_dict({name: torch.as_tensor(array) for name, array in held.items()})
        learner.net_ = net.eval().requires_grad_(False)
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        here = [array for array in schema.arrays if array.column == self.array_]
        shape = getattr(here[0].encoder, "shape_", None) if here else None
        if (shape, schema.n_classes) == (self.shape_, self.classes_):
            return None
        held = f"images {shape} in {self.array_!r}" if here else f"no images in {self.array_!r}"
        return f"images {self.shape_} and {self.classes_} classes, not {held} and {schema.n_classes}"


def _form(value: torch.Tensor) -> Form:
    return Form("f" if value.is_floating_point() else "iu", tuple(value.shape))


_: type[Learner] = Convnet
