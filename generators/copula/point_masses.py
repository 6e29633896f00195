"""Single values of columns that can hold any number: how likely each class is there, told from the surroundings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from generators.common.marginals import Marginal
from loop.types import Condition

AROUND = 0.02  # share of the knots of all classes that count as surroundings, on either side
FEWEST = 5  # knots, where that would be fewer
REPEATED = 1.5  # rows of a class at one value that make it a spike; a class's outermost values are half a row wide
NEXT_TO = 1e-9  # of the range: as good as no width


def surrounded(
    rule: Sequence[Condition], marginals: Sequence[Sequence[Marginal]], counts: Sequence[int]
) -> tuple[Condition, ...]:
    """Widen conditions that allow a single value without a probability, so that classes can be compared there.

    A normal score's density says how likely a value is among the values of its own class, not which class it is of.
    The surroundings tell that. Spikes are no part of them: they end before one. A spike itself needs none.

    Parameters
    ----------
    rule : sequence of Condition
        Of a region.
    marginals : sequence of sequence of Marginal
        The columns' distributions, one sequence for each class.
    counts : sequence of int
        Rows of each class.
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
    if value in spikes:  # other classes have a density there, which is nothing beside a probability
        low, high = value - NEXT_TO * (knots[-1] - knots[0]), value + NEXT_TO * (knots[-1] - knots[0])
    low = min(low, np.nextafter(value, -np.inf))
    low = spikes[spikes < value].max(initial=low)
    high = np.nextafter(spikes[spikes > value], -np.inf).min(initial=high)
    return replace(condition, low=float(low), high=float(max(high, value)))


def _spikes(of: Marginal, count: int) -> np.ndarray:
    """Return the values that are repeated in a class of so many rows, ascending."""
    spikes: np.ndarray = of.knots[(of.end - of.start) * count >= REPEATED]
    return spikes
