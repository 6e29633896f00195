"""Streams of random numbers, one for each purpose.

Every stream is derived from one root integer and the names of its purpose, so the draws of one stage do not
depend on how many numbers another stage has used, on the order in which lanes run, or on the process.
"""

import zlib

import numpy as np


def root(rng: np.random.Generator) -> int:
    """Draw the root integer that all streams of one run are derived from."""
    return int(rng.integers(2**63))


def stream(root_seed: int, *purpose: int | str) -> np.random.Generator:
    """Return the generator for one purpose, for example ``stream(root, "lane", 3, "generator")``.

    Parameters
    ----------
    root_seed : int
        Non-negative root of the run.
    *purpose : int or str
        Names and non-negative numbers that identify this stream within the run.
    """
    key = tuple(zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose)
    return np.random.default_rng(np.random.SeedSequence(root_seed, spawn_key=key))


def integer(rng: np.random.Generator) -> int:
    """Draw a seed for a library that takes a 31-bit integer instead of a generator."""
    return int(rng.integers(2**31 - 1))
