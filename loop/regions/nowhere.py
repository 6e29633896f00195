"""The finder that finds nothing: what is left of the loop without its aim."""

from dataclasses import dataclass

import numpy as np

from loop.protocols import RegionFinder
from loop.types import Region, Table


@dataclass(frozen=True)
class Nowhere:
    """Look for no region, so that all new rows come from anywhere."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return no region."""
        return ()


_: type[RegionFinder] = Nowhere
