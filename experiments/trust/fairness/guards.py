"""Groups in the loop: weak groups as the weak regions, and a guard for the worst group of each column."""

from dataclasses import replace

import numpy as np

from experiments.config.run_config import FairnessConfig
from experiments.trust.fairness.groups import codes_of
from loop.cycle.acceptance import GroupGuard
from loop.cycle.parts import Parts
from loop.regions import Groups, TreeFinder
from loop.regions.groups import MISSING, positions
from loop.types import Table


def with_groups(parts: Parts, config: FairnessConfig, train: Table) -> Parts:
    """Guard the worst group of each column and, if configured, use weak groups as the weak regions.

    A strategy that looks for weak classes keeps its finder.

    Raises
    ------
    DataError
        If a column is missing or cannot form groups.
    """
    guards = [
        GroupGuard(_by_row(codes_of(train, at), train.row_number), tolerance=config.tolerance, least=config.least)
        for at in positions(train.schema, config.columns)
    ]
    acceptance = replace(parts.acceptance, guards=(*parts.acceptance.guards, *guards))
    aimed = config.aim and isinstance(parts.finder, TreeFinder)
    return replace(parts, acceptance=acceptance, finder=Groups(config.columns) if aimed else parts.finder)


def _by_row(codes: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return the codes (m,) of some rows at their row numbers in the input; other rows count as missing."""
    every = np.full(source.max() + 1, MISSING)
    every[source] = codes
    return every
