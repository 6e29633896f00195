"""What many images cost in memory: read into a frame, split, encoded and learnt from, they stay bytes.

Run as ``python -m experiments.benchmarks.images.memory``; the last line is JSON, in megabytes above what the libraries
take: of the images alone, at most while they are split and encoded, and at most until a network is fitted.
"""

import json
import resource
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from experiments.benchmarks.options import console
from experiments.data.sources import Dataset
from experiments.data.split import Split
from learners import Convnet
from learners.encoders.pixels import Pixels
from loop.seeds import stream


def main(
    images: Annotated[int, typer.Option(min=100, help="How many.")] = 50_000,
    side: Annotated[int, typer.Option(min=4, max=64, help="Pixels along each side.")] = 28,
) -> None:
    """Make images at random, of two classes by their brightness, and measure the largest size of this process."""
    terminal = console()
    _learnt(_split(200, side))  # loads every library
    before = _peak()
    split = _split(images, side)
    held = sum(part.rows.arrays["image"].nbytes for part in (split.train, split.test))
    kinds = {str(part.rows.arrays["image"].dtype) for part in (split.train, split.test)}
    encoded = _peak() - before
    terminal.print(f"{images:,} images of {side} x {side}, {', '.join(kinds)}: {held / 1e6:.0f} MB in two parts")
    _learnt(split)
    figures = {"images": held / 1e6, "split": encoded, "fitted": _peak() - before}
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


def _split(n: int, side: int) -> Split:
    rng = stream(0, "memory", n)
    dark = rng.random(n) < 0.1
    made = rng.integers(0, 200, (n, 1, side, side), dtype=np.uint8)
    made[~dark] += 55
    cells = pd.Series(list(made), dtype=object)
    frame = pd.DataFrame({"image": cells, "kind": np.where(dark, "dark", "light")})
    return Split.of(Dataset("images", frame, "kind", encoders={"image": Pixels()}), 0)


def _learnt(split: Split) -> None:
    learner = Convnet(least_steps=20, most_steps=40).fit(split.train, stream(0, "fit"))
    learner.predict_proba(split.test.rows)


def _peak() -> float:
    """Return the largest size of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
