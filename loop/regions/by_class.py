"""Weak classes: those on which the learner does worse than on the rest."""

from dataclasses import dataclass

import numpy as np

from loop.regions.predefined import confirmed
from loop.regions.weakness import measured_rows
from loop.support.setting_checks import check_bounds
from loop.types import Region, Table


@dataclass(frozen=True)
class ByClass:
    """Finds the classes on which the learner is weaker than on all other rows.

    Classes are given, not chosen from the data, so all rows are used to confirm them.

    Parameters
    ----------
    min_rows : int
        Fewest rows of a class.
    false_discovery : float
        Largest expected share of reported classes that are not weaker; on pure noise, the chance to report any.

    Raises
    ------
    ConfigError
        If ``min_rows`` is below 1, or ``false_discovery`` is not above 0 and at most 1.
    """

    min_rows: int = 5
    false_discovery: float = 0.05

    def __post_init__(self) -> None:
        check_bounds(self, least={"min_rows": 1}, shares=("false_discovery",))

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return a region without a rule for each confirmed class, worst first; there may be none.

        Parameters and errors are those of `loop.protocols.RegionFinder.find`.
        """
        rows = measured_rows(table, weakness)
        y = table.y[rows]
        counts = np.bincount(y, minlength=table.n_classes)
        classes = np.flatnonzero((counts >= self.min_rows) & (counts < len(rows)))
        candidates = [(Region(text=f"class = {table.schema.classes[c]}", label=int(c)), y == c) for c in classes]
        return confirmed(candidates, table, weakness, rows, self.false_discovery, rng)
