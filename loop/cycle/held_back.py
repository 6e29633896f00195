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


def caught_by(prepared: Prepared, trained: Sequence[Trained]) -> dict[str, tuple[int, Interval]]:
    """Measure what learners of the judging lanes catch of the rows held back, for each supply of stated rows.

    Intervals are those of Wilson (1927): they take rows made from the same real row as independent.

    Parameters
    ----------
    prepared : Prepared
    trained : sequence of Trained
        Learners of the judging lanes, in order.

    Returns
    -------
    dict of str to tuple of int and Interval
        Rows held back and the share that is caught, by name of the supply; without supplies of which no lane can make
        rows.
    """
    found = {}
    for supply in (each for each in prepared.parts.supplies if each.stated):
        lanes = zip(prepared.lanes[:-1], trained, strict=True)
        counts = [_of_lane(prepared, supply, lane, each) for lane, each in lanes]
        rows, hits = (sum(count[which] for count in counts) for which in (0, 1))
        if rows:
            interval = binomtest(hits, rows).proportion_ci(method="wilson")
            found[supply.name] = (rows, Interval(hits / rows, float(interval.low), float(interval.high)))
    return found


def caught(prepared: Prepared, before: Sequence[Trained], after: Sequence[Trained]) -> tuple[Caught, ...]:
    """Compare what learners on real rows alone and learners with the kept rows catch; see `caught_by`."""
    old, new = caught_by(prepared, before), caught_by(prepared, after)
    return tuple(Caught(name, rows, share, new[name][1]) for name, (rows, share) in old.items())


def _of_lane(prepared: Prepared, supply: Supply, lane: Lane, trained: Trained) -> tuple[int, int]:
    """Return the number of rows held back in a lane, and how many of them its learner catches."""
    judge = prepared.table.take(lane.judge)
    rows = _made(supply, judge, ceil(ROWS / (len(prepared.lanes) - 1)), prepared, lane)
    if rows is None:
        return 0, 0
    label = int(np.bincount(rows.y).argmax())
    rows, others = rows.take(rows.y == label), judge.y != label
    if not others.any():
        return 0, 0
    limit = np.quantile(trained.proba[others, label], 1 - FALSE_POSITIVES, method="higher")
    return len(rows), int((trained.learner.predict_proba(rows.rows)[:, label] > limit).sum())


def _made(supply: Supply, real: Table, n: int, prepared: Prepared, lane: Lane) -> Table | None:
    """Make rows of the pattern from rows that were not learnt from; None if these rows allow none."""
    rng = prepared.stream("held back", supply.name, lane.index + 1)
    try:
        generator = copy.deepcopy(supply.generator).fit(replace(real, weight=np.ones(len(real))), rng)
        made = generator.sample(Request(Region(), None, n), rng).table
    except WeakspotError:  # too few judge rows: none to start from, say
        return None
    return made if len(made) else None
