"""Images as floats and back, and rows of new images with the columns that agree with them."""

import numpy as np
import torch
from torch import Tensor

from loop.encoders import rows_of
from loop.rows import Rows
from loop.types import Table


def unit(images: np.ndarray) -> Tensor:
    """Return images (n, c, h, w) as floats from 0 to 1, copied."""
    values = torch.from_numpy(np.array(images)).float()
    return values / 255 if images.dtype == np.uint8 else values


def pixels(values: Tensor, dtype: np.dtype) -> np.ndarray:
    """Return floats (n, c, h, w) as images of a type: uint8, or floats from 0 to 1."""
    inside = values.clamp(0, 1)
    if dtype == np.uint8:
        return (inside * 255).round().to(torch.uint8).numpy()
    made: np.ndarray = inside.numpy().astype(dtype)
    return made


def with_images(table: Table, at: np.ndarray, name: str, images: np.ndarray) -> Rows:
    """Return new images (n, c, h, w) as rows whose other columns and arrays are those of the rows ``at`` (n,)."""
    kept = {each: array[at] for each, array in table.rows.arrays.items() if each != name}
    return rows_of(table.schema, table.X[at], {**kept, name: images})


def has_more(table: Table, name: str) -> bool:
    """Tell whether rows hold more than an array and the columns made of it."""
    made = {each for array in table.schema.arrays if array.column == name for each in array.names}
    return not set(table.schema.names) <= made or len(table.rows.arrays) > 1
