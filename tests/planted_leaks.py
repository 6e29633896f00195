"""Tables of one distribution, cut into the parts of an audit, with leaks planted in the synthetic one."""

import numpy as np

from experiments.trust.audit.evidence import Evidence, Target
from loop.testing.tables import mixed_table
from loop.types import Table


def dealt(n: int, parts: int, seed: int = 0) -> list[Table]:
    """Deal rows of one distribution into so many tables of n rows."""
    table = mixed_table(n * parts, seed=seed)
    order = np.random.default_rng(seed).permutation(len(table))
    return [table.take(order[at::parts]) for at in range(parts)]


def target_with(share: float, n: int = 1600, seed: int = 0) -> Target:
    """Return a target of which this share of the synthetic rows are members, word for word; the others are fresh."""
    members, controls, reference, fresh = dealt(n, 4, seed)
    copied = round(share * n)
    synthetic = Table.concat([members.take(np.arange(copied)), fresh.take(np.arange(n - copied))])
    return Target(members, controls, reference, synthetic)


def evidence_with(share: float, n: int = 1600, seed: int = 0) -> Evidence:
    """Return the evidence of such a target."""
    target = target_with(share, n, seed)
    held_out = Table.concat([target.controls, target.reference])
    return Evidence(target.members, held_out, target.synthetic, target)
