"""Weak regions are scored before and after on the test rows inside them."""

import numpy as np
import pytest
from tiny import rare_table

from experiments.report.mended import ANSWERS, mended
from loop.types import Condition, Region

TEST = rare_table(800, seed=1)
RIGHT, HALF = (0.95, 0.5)


def region(low: float) -> Region:
    return Region((Condition(0, low=low),), f"x0 > {low}", None, 10, 5)


def proba(inside: float, outside: float) -> np.ndarray:
    """Give the class of each row so much probability, by whether it lies where x0 > 0."""
    right = np.where(TEST.X[:, 0] > 0, inside, outside)
    caught = np.where(TEST.y == 1, right, 1 - right)
    return np.column_stack([1 - caught, caught])


def test_the_same_region_is_told_mended_worse_or_open() -> None:
    rng, regions = np.random.default_rng(0), (region(0.0), region(50.0))
    weak, strong = proba(HALF, RIGHT), proba(RIGHT, RIGHT)
    alerts = (np.zeros(len(TEST)), np.ones(len(TEST)))
    first, empty = mended(regions, TEST, (weak, strong), alerts, rng)
    assert (first["rule"], first["answer"]) == ("x0 > 0.0", "better")
    assert first["rows"] == int((TEST.X[:, 0] > 0).sum())
    assert first["before"]["error"] == pytest.approx(-np.log(HALF))
    assert first["after"]["error"] == pytest.approx(-np.log(RIGHT))
    assert (first["before"]["caught"], first["after"]["caught"]) == (0, 1)
    assert (empty["rows"], empty["change"], empty["answer"]) == (0, None, "few")
    assert mended(regions, TEST, (strong, weak), alerts, rng)[0]["answer"] == "worse"
    assert mended(regions, TEST, (weak, weak), alerts, rng)[0]["answer"] == "open"
    assert {"better", "worse", "open", "few"} == set(ANSWERS)


def test_a_region_without_a_row_to_catch_is_scored() -> None:
    inside = Region((Condition(0, high=-1.0),), "x0 <= -1", None, 10, 5)
    weak, strong = proba(RIGHT, HALF), proba(RIGHT, RIGHT)
    none = np.zeros(len(TEST))
    (told,) = mended((inside,), TEST, (weak, strong), (none, none), np.random.default_rng(0))
    assert told["answer"] == "better"
    assert (told["positives"] == 0) == (told["after"]["caught"] is None)
