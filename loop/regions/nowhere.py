"""The finder that finds nothing: the control arm without weak regions."""

from dataclasses import dataclass

import numpy as np

from loop.protocols import RegionFinder
from loop.types import Region, Table


@dataclass(frozen=True)
class Nowhere:
    """Finds no region, so that all new rows are made anywhere."""

    def find(self, table: Table, weakness: np.ndarray, rng: np.random.Generator) -> tuple[Region, ...]:
        """Return no region."""
        return ()


_: type[RegionFinder] = Nowhere
