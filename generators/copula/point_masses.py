"""Conditions on a single value of a continuous column: class probabilities there, estimated from nearby values."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from generators.common.marginals import Marginal
from loop.types import Condition

AROUND = 0.02  # share of the knots of all classes that count as nearby, on either side
FEWEST = 5  # minimum of nearby knots on either side
REPEATED = 1.5  # rows of a class at one value that make it a spike; a class's outermost values are half a row wide
NEXT_TO = 1e-9  # share of the range: practically no width


def surrounded(
    rule: Sequence[Condition], marginals: Sequence[Sequence[Marginal]], counts: Sequence[int]
) -> tuple[Condition, ...]:
    """Widen conditions that allow a single value of probability zero, so that classes can be compared there.

    The density of a normal score compares values within one class; it does not compare classes. Class frequencies are
    therefore taken from nearby values, up to the next spike. A spike itself has a probability and is not widened.

    Parameters
    ----------
    rule : sequence of Condition
        Rule of a region.
    marginals : sequence of sequence of Marginal
        The columns' distributions, one sequence for each class.
    counts : sequence of int
        Number of rows of each class.

    Returns
    -------
    tuple of Condition
        The rule, with such conditions widened.
    """
    return tuple(_widened(condition, [of[condition.column] for of in marginals], counts) for condition in rule)


def _widened(condition: Condition, marginals: Sequence[Marginal], counts: Sequence[int]) -> Condition:
    value, knots = condition.high, np.sort(np.concatenate([of.knots for of in marginals]))
    is_single = condition.codes is None and condition.low >= np.nextafter(value, -np.inf)
    if not is_single or any(of.discrete for of in marginals) or not len(knots) or not knots[0] <= value <= knots[-1]:
        return condition
    spikes = np.concatenate([_spikes(of, count) for of, count in zip(marginals, counts, strict=True)])
    few, at = max(FEWEST, int(AROUND * len(knots))), int(np.searchsorted(knots, value))
    low, high = knots[max(at - few, 0)], knots[min(at + few, len(knots) - 1)]
    if value in spikes:  # other classes have a density there, negligible against a probability
        low, high = value - NEXT_TO * (knots[-1] - knots[0]), value + NEXT_TO * (knots[-1] - knots[0])
    low = min(low, np.nextafter(value, -np.inf))
    low = spikes[spikes < value].max(initial=low)
    high = np.nextafter(spikes[spikes > value], -np.inf).min(initial=high)
    return replace(condition, low=float(low), high=float(max(high, value)))


def _spikes(of: Marginal, count: int) -> np.ndarray:
    """Return the values (s,) that are repeated in a class of ``count`` rows, ascending."""
    spikes: np.ndarray = of.knots[(of.end - of.start) * count >= REPEATED]
    return spikes
