"""Streams depend on the root and their purpose, and on nothing else."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loop.seeds import integer, root, stream

purposes = st.lists(st.integers(0, 1000) | st.sampled_from(["lane", "generator", "teacher"]), max_size=3)


def first(*purpose: int | str, seed: int = 7) -> int:
    return int(stream(seed, *purpose).integers(2**63))


@given(st.integers(0, 2**63 - 1), purposes)
def test_same_purpose_same_draws(seed: int, purpose: list[int | str]) -> None:
    assert first(*purpose, seed=seed) == first(*purpose, seed=seed)


@given(purposes, purposes)
def test_other_purposes_other_draws(one: list[int | str], other: list[int | str]) -> None:
    assert (first(*one) == first(*other)) == (one == other)


def test_other_roots_other_draws() -> None:
    assert len({first("lane", 1, seed=seed) for seed in range(50)}) == 50


def test_streams_do_not_depend_on_each_other() -> None:
    stream(7, "lane", 1).random(1000)
    np.random.seed(0)  # noqa: NPY002
    before = first("lane", 2)
    np.random.seed(1)  # noqa: NPY002
    assert first("lane", 2) == before


def test_streams_are_the_same_in_another_process() -> None:
    """Python salts the hashes of strings anew in each process; the streams must not."""
    code = "from loop.seeds import stream; print(stream(7, 'lane', 3, 'generator').integers(2**63))"
    drawn = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert {int(each.stdout) for each in drawn} == {first("lane", 3, "generator")}


def test_streams_are_uncorrelated() -> None:
    draws = np.stack([stream(0, "lane", lane).standard_normal(2000) for lane in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    assert np.abs(correlation).max() < 0.1


@given(st.integers(0, 2**32))
def test_roots_and_seeds_are_in_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert 0 <= root(rng) < 2**63
    assert 0 <= integer(rng) < 2**31 - 1
