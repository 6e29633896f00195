"""Single values of columns that can hold any number: how likely each class is there, told from the surroundings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from generators.marginals import Marginal
from loop.types import Condition

AROUND = 0.02  # share of the knots of all classes that count as surroundings, on either side
FEWEST = 5  # knots, where that would be fewer
POINT = 1e-9  # standard deviations: what is narrower has no probability


def surrounded(rule: Sequence[Condition], marginals: Sequence[Sequence[Marginal]]) -> tuple[Condition, ...]:
    """Widen ranges that hold a single value without a probability, so that classes can be compared there.

    A normal score's density says how likely a value is among the values of its own class, not which class it is of.
    Spikes are not surroundings: a range that reaches one stops before it.

    Parameters
    ----------
    rule : sequence of Condition
        Of a region.
    marginals : sequence of sequence of Marginal
        The columns' distributions, one sequence for each class.
    """
    return tuple(_widened(condition, [of[condition.column] for of in marginals]) for condition in rule)


def _widened(condition: Condition, marginals: Sequence[Marginal]) -> Condition:
    alone = replace(condition, missing=False)
    widths = [high - low for of in marginals for low, high in of.interval(alone)]
    if condition.codes is not None or any(of.discrete for of in marginals) or not widths or max(widths) > POINT:
        return condition
    value = condition.high
    knots = np.sort(np.concatenate([of.knots for of in marginals]))
    spikes = np.concatenate([of.knots[of.end > of.start] for of in marginals])
    few, at = max(FEWEST, int(AROUND * len(knots))), int(np.searchsorted(knots, value))
    low, high = knots[max(at - few, 0)], knots[min(at + few, len(knots) - 1)]
    low = spikes[spikes < value].max(initial=low)
    high = np.nextafter(spikes[spikes > value], -np.inf).min(initial=high)
    return replace(condition, low=float(low), high=float(max(high, value)))
