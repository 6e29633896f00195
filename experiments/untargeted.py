"""Rows from anywhere, labelled and judged as the loop does: what its aim is measured against."""

import math
from dataclasses import replace

import numpy as np

from loop.gates import combine
from loop.pool import Pool
from loop.training import Prepared
from loop.types import Region, Request, Table

AT_ONCE = 4000  # rows asked for in one request: a generator may start a request from so many rows at most
SPARE = 1.2  # rows proposed, as a multiple of those wanted: the gates take some
MOST_TRIED = 100  # rows proposed for each one wanted, at most


def proposed(prepared: Prepared, n: int, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Propose n rows from anywhere; return them labelled, and which of them (n,) the gates let through."""
    parts, teacher = prepared.parts, prepared.teacher
    sample = prepared.generators[-1].sample(Request(Region(), None, n), rng).table
    proba, variance = teacher.views(sample.X, None) if teacher else (sample.targets, np.zeros(len(sample)))
    labelled = parts.labeller.label(Pool(sample, proba, proba, variance), rng)
    keep = combine(parts.gates, labelled, prepared.table, rng).keep
    return replace(labelled, weight=labelled.weight * parts.settings.weight), keep


def untargeted(prepared: Prepared, n: int, rng: np.random.Generator) -> Table:
    """Make n rows that the gates let through; fewer if they refuse all but a hundredth."""
    kept, found, made = [prepared.table.take(np.arange(0))], 0, 0
    while found < n and made < MOST_TRIED * n:
        passing = max(found, 1) / made if made else 1.0
        rows, keep = proposed(prepared, min(AT_ONCE, math.ceil(SPARE * (n - found) / passing)), rng)
        kept.append(rows.take(np.flatnonzero(keep)[: n - found]))
        found, made = found + len(kept[-1]), made + max(len(rows), 1)
    return Table.concat(kept)
