"""Gates refuse rows that must not enter training; several gates give one verdict."""

from collections.abc import Sequence

import numpy as np

from loop import seeds
from loop.gates.constraints import Constraints, Rule
from loop.gates.contradicted import Contradicted
from loop.gates.copies import Copies
from loop.gates.domain import Domain
from loop.gates.label import Label
from loop.protocols import Gate
from loop.types import Table, Verdict

__all__ = ["Constraints", "Contradicted", "Copies", "Domain", "Label", "Rule", "combine"]


def combine(gates: Sequence[Gate], candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
    """Judge candidates by several gates in order; a refused row keeps the first reason and is not judged again."""
    keep = np.ones(len(candidates), dtype=bool)
    reason = np.full(len(candidates), "", dtype=object)
    root = seeds.root(rng)
    for position, gate in enumerate(gates):
        rows = np.flatnonzero(keep)
        verdict = gate.judge(candidates.take(rows), reference, seeds.stream(root, "gate", position))
        keep[rows], reason[rows] = verdict.keep, verdict.reason
    return Verdict(keep, reason)
