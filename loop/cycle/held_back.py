"""Rows of a stated pattern that were held back: how many of them does the model catch, without and with stated rows?

The judge rows cannot tell, since none of them shows the pattern. So each judging lane makes rows of the pattern from
its own judge rows, which neither its learner nor its generator has seen, and they are never proposed.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from loop.cycle.lanes import Lane
from loop.cycle.training import Prepared, Trained
from loop.errors import WeakspotError
from loop.evaluation.proportion import proportion
from loop.protocols import Finite
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


HeldBack = Mapping[str, Sequence[Table | None]]  # by supply: the rows of each judging lane, None where it makes none


def held_back(prepared: Prepared) -> HeldBack:
    """Make, for each supply of stated rows, the rows that are held back in each judging lane, all of one class.

    Rows that are given cannot be held back: a generator of them has the same ones in every lane.
    """
    judging = prepared.lanes[:-1]
    each = ceil(ROWS / len(judging))
    supplies = prepared.parts.supplies
    stated = (each for each in supplies if each.stated and not isinstance(each.generator, Finite))
    return {supply.name: [_made(prepared, supply, lane, each) for lane in judging] for supply in stated}


def caught_by(prepared: Prepared, rows: HeldBack, trained: Sequence[Trained]) -> dict[str, tuple[int, Interval]]:
    """Measure what learners of the judging lanes catch of the rows held back.

    The intervals take rows made from the same real row as independent.

    Parameters
    ----------
    prepared : Prepared
    rows : mapping of str to sequence of Table or None
        From `held_back`.
    trained : sequence of Trained
        Learners of the judging lanes, in order.

    Returns
    -------
    dict of str to tuple of int and Interval
        Rows held back and the share that is caught, by name of the supply; without supplies of which no lane makes
        rows.
    """
    found = {}
    for name, made in rows.items():
        lanes = zip(prepared.lanes[:-1], made, trained, strict=True)
        counts = [(len(own), _hits(prepared, lane, own, each)) for lane, own, each in lanes if own is not None]
        if counts:
            n, hits = (sum(count[which] for count in counts) for which in (0, 1))
            found[name] = (n, proportion(hits, n))
    return found


def caught(prepared: Prepared, before: Sequence[Trained], after: Sequence[Trained]) -> tuple[Caught, ...]:
    """Compare what learners on real rows alone and learners with the kept rows catch; see `caught_by`."""
    rows = held_back(prepared)
    old, new = caught_by(prepared, rows, before), caught_by(prepared, rows, after)
    return tuple(Caught(name, n, share, new[name][1]) for name, (n, share) in old.items())


def above_others(judged: np.ndarray, y: np.ndarray, proba: np.ndarray, label: int) -> np.ndarray:
    """Tell which rows score above nearly all judge rows of other classes.

    Parameters
    ----------
    judged : ndarray of shape (j, K)
        Probabilities of the judge rows.
    y : ndarray of shape (j,), int
        Their labels.
    proba : ndarray of shape (n, K)
        Probabilities of the rows.
    label : int
        Class of the rows.

    Returns
    -------
    ndarray of shape (n,), bool
    """
    limit = np.quantile(judged[y != label, label], 1 - FALSE_POSITIVES, method="higher")
    above: np.ndarray = proba[:, label] > limit
    return above


def _hits(prepared: Prepared, lane: Lane, rows: Table, trained: Trained) -> int:
    """Count the rows that score above nearly all judge rows of other classes."""
    answers = trained.learner.predict_proba(rows.rows)
    return int(above_others(trained.proba, prepared.table.y[lane.judge], answers, rows.y[0]).sum())


def _made(prepared: Prepared, supply: Supply, lane: Lane, n: int) -> Table | None:
    """Make rows of the pattern from judge rows, of its commonest class; None if these rows allow none."""
    real, rng = prepared.table.take(lane.judge), prepared.stream("held back", supply.name, lane.index + 1)
    try:
        generator = copy.deepcopy(supply.generator).fit(replace(real, weight=np.ones(len(real))), rng)
        made = generator.sample(Request(Region(), None, n), rng).table
    except WeakspotError:  # too few judge rows: none to start from, say
        return None
    if not len(made):
        return None
    label = int(np.bincount(made.y).argmax())
    return made.take(made.y == label) if (real.y != label).any() else None
