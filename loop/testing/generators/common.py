"""What the laws of generators share: makers, regions, and one fit for all laws that ask about rows."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from loop.errors import ConditionError
from loop.protocols import Generator
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request, Samples, Table

Make = Callable[[], Generator]
ANYWHERE = Region()
FAR = 1e6  # where rows are planted that nobody may learn
HOT = Region((Condition(1, low=0.5),), text="score > 0.5")  # a part of `mixed_table`


def column_regions(table: Table) -> tuple[Region, ...]:
    """One region on each column that varies: a middle range, or one category."""
    regions = []
    for number, column in enumerate(table.schema.columns):
        seen = table.X[:, number][~np.isnan(table.X[:, number])]
        if len(np.unique(seen)) < 2:
            continue
        if table.schema.discrete[number]:
            condition = Condition(number, codes=frozenset({1}))
        else:
            condition = Condition(number, *np.quantile(seen, [0.55, 0.9]).tolist())
        regions.append(Region((condition,), text=f"a part of {column.name}"))
    return tuple(regions)


@lru_cache(maxsize=4)
def fitted(make: Make, table: Callable[[], Table] = mixed_table) -> Generator:
    """One fit for all laws that ask about rows and not about fitting."""
    return make().fit(table(), new_rng())


def sample_or_refuse(generator: Generator, request: Request) -> Samples | None:
    try:
        return generator.sample(request, new_rng())
    except ConditionError:
        return None


def new_rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
