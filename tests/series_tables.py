"""Small tables of series whose classes differ by what only the order of the values tells."""

import numpy as np
import pandas as pd

from learners.encoders.curves import Curves
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.types import Table


def series_frame(
    n: int = 160,
    *,
    classes: int = 2,
    channels: int = 1,
    several_lengths: bool = False,
    seed: int = 0,
    rare: float = 0.3,
) -> pd.DataFrame:
    """Noisy waves: each class has its own number of waves, the phase is random; the last class is the rarest."""
    rng = np.random.default_rng(seed)
    chance = np.append(np.full(classes - 1, (1 - rare) / (classes - 1)), rare)
    labels = rng.choice(classes, n, p=chance)
    labels[:classes] = np.arange(classes)
    cells = []
    for label in labels:
        length = rng.integers(24, 41) if several_lengths else 32
        clock = np.linspace(0, 1, length)
        phases = rng.uniform(0, 2 * np.pi, (channels, 1))
        wave = np.sin(2 * np.pi * (2 + 2 * label) * clock + phases) + 0.2 * rng.normal(size=(channels, length))
        cells.append((wave * rng.uniform(0.7, 1.3) + rng.normal(0, 0.3)).astype(np.float32))
    return pd.DataFrame({"wave": pd.Series(cells, dtype=object), "kind": [f"k{label}" for label in labels]})


def series_table(n: int = 160, **kind: object) -> Table:
    """The frame as a table, with the columns that its encoder makes."""
    frame = series_frame(n, **kind)  # type: ignore[arg-type]
    return encode(infer(frame, "kind", encoders={"wave": Curves(components=3)}), frame)
