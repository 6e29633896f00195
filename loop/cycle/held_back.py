"""Rows of a stated pattern that were held back: how many of them does the model catch, without and with stated rows?

The judge rows cannot tell, since none of them shows the pattern. So each judging lane makes rows of the pattern from
its own judge rows, which neither its learner nor its generator has seen, and they are never proposed.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from scipy.stats import binomtest

from loop.cycle.lanes import Lane
from loop.cycle.training import Prepared, Trained
from loop.errors import WeakspotError
from loop.supplies.supply import Supply
from loop.types import Interval, Region, Request, Table

ROWS = 1000  # of each pattern, in all lanes together
FALSE_POSITIVES = 0.01  # share of the judge rows of other classes that may be alarmed


@dataclass(frozen=True)
class Caught:
    """Share of the held-back rows of a stated pattern that score above 99 % of the judge rows of other classes."""

    supply: str
    rows: int  # held back
    before: Interval  # by the learner on real rows alone
    after: Interval  # by the learner with the kept rows


def caught(prepared: Prepared, before: Sequence[Trained], after: Sequence[Trained]) -> tuple[Caught, ...]:
    """Measure, for each supply of stated rows, what learners of the judging lanes catch of the rows held back.

    Intervals are those of Wilson (1927): they take rows made from the same real row as independent.

    Parameters
    ----------
    prepared : Prepared
    before, after : sequence of Trained
        Learners of the judging lanes, on real rows alone and with the kept rows.

    Returns
    -------
    tuple of Caught
        Without supplies of which no lane can make rows.
    """
    found = []
    for supply in (each for each in prepared.parts.supplies if each.stated):
        hits = [
            counts
            for lane, old, new in zip(prepared.lanes[:-1], before, after, strict=True)
            if (counts := _of_lane(prepared, supply, lane, (old, new))) is not None
        ]
        if n := sum(rows for rows, *_ in hits):
            old, new = (sum(counts[which] for counts in hits) for which in (1, 2))
            found.append(Caught(supply.name, n, _share(old, n), _share(new, n)))
    return tuple(found)


def _of_lane(
    prepared: Prepared, supply: Supply, lane: Lane, learners: tuple[Trained, Trained]
) -> tuple[int, int, int] | None:
    """Return the rows held back in a lane, and how many of them each of two learners catches; None without any."""
    judge = prepared.table.take(lane.judge)
    rows = _made(supply, judge, ceil(ROWS / (len(prepared.lanes) - 1)), prepared, lane)
    if rows is None:
        return None
    label = int(np.bincount(rows.y).argmax())
    rows = rows.take(rows.y == label)
    others = judge.y != label
    if not len(rows) or not others.any():
        return None
    counts = []
    for each in learners:
        limit = np.quantile(each.proba[others, label], 1 - FALSE_POSITIVES, method="higher")
        counts.append(int((each.learner.predict_proba(rows.rows)[:, label] > limit).sum()))
    return len(rows), counts[0], counts[1]


def _made(supply: Supply, real: Table, n: int, prepared: Prepared, lane: Lane) -> Table | None:
    """Make rows of the pattern from rows that were not learnt from; None if these rows allow none."""
    rng = prepared.stream("held back", supply.name, lane.index + 1)
    try:
        generator = copy.deepcopy(supply.generator).fit(replace(real, weight=np.ones(len(real))), rng)
        made = generator.sample(Request(Region(), None, n), rng).table
    except WeakspotError:  # too few judge rows: none to start from, say
        return None
    return made if len(made) else None


def _share(hits: int, n: int) -> Interval:
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return Interval(hits / n, float(interval.low), float(interval.high))
