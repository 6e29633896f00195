"""Confirmation of groups that are given, not chosen from the data, so all rows are used."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from loop.regions import clusters
from loop.regions.significance import benjamini_hochberg, difference, permutation_p
from loop.regions.weakness import seed_weights
from loop.types import Region, Table

Candidate = tuple[Region, np.ndarray]  # its region, and which of the measured rows are in it (m,) bool


def confirmed(
    candidates: Sequence[Candidate],
    table: Table,
    weakness: np.ndarray,
    rows: np.ndarray,
    false_discovery: float,
    rng: np.random.Generator,
) -> tuple[Region, ...]:
    """Return the candidates that are weaker than all other rows, worst first, with counts, deficit and seeds.

    Parameters
    ----------
    candidates : sequence of (Region, bool ndarray of shape (m,))
        Each with at least one row inside and one outside.
    table : Table
    weakness : ndarray of shape (n,)
        Weakness of each row of the table.
    rows : int ndarray of shape (m,)
        Positions of the measured rows in the table.
    false_discovery : float
        Largest expected share of returned candidates that are not weaker.
    rng : numpy.random.Generator
    """
    weakness, is_positive = weakness[rows], table.y[rows] == table.schema.positive
    unit = clusters.of(table.unit, rows)
    draws = max(1999, int(2 * len(candidates) / false_discovery))  # enough draws for a single weak candidate to pass
    p = permutation_p(weakness, [inside for _, inside in candidates], draws, rng, unit)
    shown = np.flatnonzero(benjamini_hochberg(p, false_discovery))
    regions = []
    for region, inside in (candidates[int(number)] for number in shown):
        deficit = difference(weakness, inside, unit, rng, shown=len(shown), tested=len(candidates))
        told = replace(
            region,
            rows=int(inside.sum()),
            positives=int(is_positive[inside].sum()),
            deficit=deficit,
            seeds=rows[inside],
            seed_weight=seed_weights(weakness[inside]),
        )
        regions.append((deficit.estimate, told))
    return tuple(region for _, region in sorted(regions, key=lambda each: -each[0]))
