"""Small tables of images, for tests of what reads or makes them."""

from functools import cache

import numpy as np
import pandas as pd

from learners.encoders.pixels import Pixels
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.types import Table


@cache
def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """Return the digits 0, 3 and 8 of scikit-learn, (n, 1, 8, 8) uint8, and what they are (n,)."""
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    chosen = np.isin(y, (0, 3, 8))
    return (images[chosen].reshape(-1, 1, 8, 8) * 15).astype(np.uint8), y[chosen]


def image_table(images: np.ndarray, labels: np.ndarray, **columns: np.ndarray) -> Table:
    """Return images (n, c, h, w) with their labels (n,) as a table, with other columns (n,) by name."""
    frame = pd.DataFrame({"image": list(images), **columns, "digit": labels})
    return encode(infer(frame, "digit", encoders={"image": Pixels(components=4)}), frame)


def digits(n: int = 120) -> Table:
    """Return the first n digits as a table of three classes."""
    images, y = digit_images()
    return image_table(images[:n], y[:n])
