"""Images as columns: brightness, contrast, and the main components of a coarse view."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from learners.encoders.principal import MOST_ROWS, Principal
from loop.encoders import Encoder
from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds

SIDE = 12  # cells along each side of the coarse view, at most
BLOCK = 2**20  # pixels that are floats at once
_CHECK = checks.fields(
    {"components": checks.integer(1, 64), "shape": checks.listed(checks.integer(1, 100_000), 3)}
    | {"dtype": checks.text_in(("uint8", "float32")), "view": checks.anything},
    known_only=True,
)


@dataclass(eq=False)
class Pixels:
    """Encodes images (n, channels, height, width), uint8 or float32, all of one shape.

    A float image holds values from 0 to 1; one of uint8 counts as its value divided by 255.

    Parameters
    ----------
    components : int
        How many components of the coarse view, at most.

    Raises
    ------
    ConfigError
        If ``components`` is not between 1 and 64.
    """

    components: int = 8

    shape_: tuple[int, int, int] | None = field(default=None, init=False, repr=False)  # channels, height, width
    dtype_: str = field(default="uint8", init=False, repr=False)
    view_: Principal = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"components": 1}, most={"components": 64})

    def fit(self, entries: np.ndarray) -> Self:
        """Learn shape, type and the directions in which the coarse views (n, ...) of training rows vary most."""
        self.shape_, self.dtype_ = (entries.shape[1], entries.shape[2], entries.shape[3]), str(entries.dtype)
        some = entries[np.linspace(0, len(entries) - 1, min(len(entries), MOST_ROWS)).astype(int)]
        views = [self._coarse(pixels) for pixels in _in_blocks(some)]
        self.view_ = Principal.of(np.concatenate(views), self.components)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return ("brightness", "contrast", *self.view_.names)

    def columns(self, entries: np.ndarray) -> np.ndarray:
        """Return mean, standard deviation and components (n, e) of images (n, c, h, w)."""
        made = [np.empty((0, len(self.names)))]
        for pixels in _in_blocks(entries):
            flat = pixels.reshape(len(pixels), -1).astype(np.float64)
            components = self.view_.of_rows(self._coarse(pixels))
            made.append(np.column_stack([flat.mean(axis=1), flat.std(axis=1), components]))
        return np.concatenate(made)

    def stacked(self, cells: Sequence[object]) -> np.ndarray:
        """Return n images, as arrays or nested lists of (c, h, w) or (h, w), as one array (n, c, h, w)."""
        images = [self._image(cell) for cell in cells]
        if not images:
            return np.empty((0, *(self.shape_ or (1, 1, 1))), dtype=self.dtype_)
        wanted = self.shape_ or images[0].shape
        if odd := next((image.shape for image in images if image.shape != wanted), None):
            raise DataError(f"images must all have the shape {wanted}, got one of {odd}: resize or pad them.")
        kind = self.dtype_ if self.shape_ else images[0].dtype
        if any(image.dtype != kind for image in images):
            raise DataError(
                f"images must all be {kind}, got one of another type: whole numbers from 0 to 255 are uint8, "
                "numbers from 0 to 1 are float32; convert them."
            )
        return np.stack(images)

    def cells(self, entries: np.ndarray) -> list[object]:
        """Return images (n, c, h, w) as n arrays (c, h, w), views of the same memory."""
        return list(entries)

    def to_json(self) -> dict[str, Any]:
        """Return settings and what was learnt as values that JSON can write."""
        shape = list(self.shape_ or ())
        return {"components": self.components, "shape": shape, "dtype": self.dtype_, "view": self.view_.to_json()}

    @classmethod
    def from_json(cls, content: object) -> Self:
        """Rebuild an encoder from what `to_json` returned; DataError if it is something else."""
        told = _CHECK(content, "the encoder of images")
        made = cls(told["components"])
        channels, height, width = told["shape"]
        made.shape_, made.dtype_ = (channels, height, width), told["dtype"]
        made.view_ = Principal.from_json(told["view"], "the encoder of images, view")
        if len(made.view_.centre) != channels * min(SIDE, height) * min(SIDE, width):
            raise DataError("the encoder of images must have a view of the images' shape, and it has another")
        return made

    def _image(self, cell: object) -> np.ndarray:
        """Return one image (c, h, w) of a type that is known."""
        array = cell if isinstance(cell, np.ndarray) else _of_lists(cell)
        array = array[None] if array.ndim == 2 else array
        if array.ndim != 3 or not array.size or array.dtype.kind not in "uif":
            raise DataError(
                f"an image must have channels, height and width, got the shape {array.shape} of {array.dtype}: give "
                "whole numbers from 0 to 255 or numbers from 0 to 1."
            )
        if array.dtype == np.uint8:
            return array
        whole, low, high = array.dtype.kind in "ui", array.min(), array.max()
        if np.isnan(low):  # then some value is
            raise DataError(
                "an image must have a value in each pixel, and one has none (NaN): fill it or leave it out."
            )
        if not (low >= 0 and high <= (255 if whole else 1)):
            raise DataError(
                f"an image must hold whole numbers from 0 to 255 or numbers from 0 to 1, got {low:g} to {high:g}: "
                "rescale it."
            )
        return array.astype(np.uint8 if whole else np.float32)

    def _coarse(self, pixels: np.ndarray) -> np.ndarray:
        """Return coarse views (n, m), means of cells, of images (n, c, h, w) of floats."""
        height, width = pixels.shape[2:]
        at_row = np.arange(min(SIDE, height) + 1) * height // min(SIDE, height)
        at_column = np.arange(min(SIDE, width) + 1) * width // min(SIDE, width)
        area = np.diff(at_row)[:, None] * np.diff(at_column)
        summed = np.add.reduceat(np.add.reduceat(pixels, at_row[:-1], axis=2), at_column[:-1], axis=3) / area
        coarse: np.ndarray = summed.reshape(len(pixels), -1).astype(np.float32)
        return coarse


def _in_blocks(entries: np.ndarray) -> Iterator[np.ndarray]:
    """Yield images (n, c, h, w) as floats from 0 to 1, some at a time: together they stay bytes."""
    scale = np.float32(255.0 if entries.dtype == np.uint8 else 1.0)
    step = max(1, BLOCK // max(int(np.prod(entries.shape[1:])), 1))
    for first in range(0, len(entries), step):
        yield entries[first : first + step].astype(np.float32) / scale


def _of_lists(cell: object) -> np.ndarray:
    try:
        return np.array(cell)
    except ValueError as error:  # numpy.array: lists of different lengths
        raise DataError("an image must be rows of equal length, and one is not: pad or cut it.") from error


_: type[Encoder] = Pixels
