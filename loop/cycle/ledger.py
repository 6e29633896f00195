"""All new rows of some generations in one table, with the list of their origins."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from loop.types import Generation, Origin, Table


@dataclass(frozen=True, eq=False)
class Ledger:
    """New rows of the deliverable lane, stacked in the order of their generations."""

    rows: Table  # `rows.supply` indexes `origins`
    origins: tuple[Origin, ...]
    kept: np.ndarray  # (n,) bool, whether that generation was kept

    @classmethod
    def of(cls, history: Iterable[Generation], like: Table) -> Self:
        """Stack the rows of all generations; entries of origins are renumbered. Without any: no rows, like ``like``."""
        nothing = like.take(np.arange(0))
        tables, origins, turns = [nothing], list[Origin](), list(history)
        for turn in turns:
            tables.append(replace(turn.rows, supply=turn.rows.supply + len(origins)))
            origins += turn.origins
        sizes = [len(turn.rows) for turn in turns]
        return cls(
            rows=Table.concat(tables),
            origins=tuple(origins),
            kept=np.repeat(np.array([turn.decision.kept for turn in turns], dtype=bool), sizes),
        )

    def __len__(self) -> int:
        return len(self.rows)
