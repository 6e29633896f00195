"""Bounded rejection sampling: makes any generator region-conditional."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Self

import numpy as np

from generators.common.persistence import Savable, load, read_settings, save, unfitted, write_settings
from loop.errors import DataError
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import Region, Request, Samples, Table

INNER = "generator"  # folder of the wrapped generator, inside the wrapper's


@dataclass(eq=False)
class Reject:
    """Asks another generator for rows of the class, without the region's rule, and keeps those inside the region.

    A region with probability p costs 1 / p draws a row, so this suits generators that cannot condition and regions
    that are not too rare. The bound ends hopeless requests: the shortfall is then visible in the samples.

    Parameters
    ----------
    generator : Generator
        The generator to wrap. It is copied before it is fitted.
    tries : int
        Maximum number of draws for each requested row.
    batch : int
        Maximum number of rows drawn at once: bounds memory.

    Raises
    ------
    ConfigError
        If ``tries`` or ``batch`` is below one.
    """

    generator: Generator
    tries: int = 20
    batch: int = 10_000

    generator_: Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"tries": 1, "batch": 1})

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit a copy of the wrapped generator."""
        self.generator_ = copy.deepcopy(self.generator).fit(table, rng)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw until ``request.n`` rows lie inside the region or the tries are used up."""
        return keep_inside(lambda anywhere: self.generator_.sample(anywhere, rng), request, self.tries, self.batch, rng)

    def save(self, folder: Path) -> None:
        """Write settings into a folder, and the wrapped generator into a folder inside.

        Raises
        ------
        DataError
            If the wrapped generator cannot be saved.
        """
        inner = self.generator_
        if not isinstance(inner, Savable):
            raise DataError(
                f"a generator to be saved must have save and load, {type(inner).__name__} lacks them: add them."
            )
        save(inner, folder / INNER)
        write_settings(self, folder, read_settings(folder / INNER)[-1])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        inner = load(folder / INNER)
        made = unfitted(cls, folder, None, inner)[0]
        made.generator_ = inner
        return made


def keep_inside(
    draw: Callable[[Request], Samples], request: Request, tries: int, batch: int, rng: np.random.Generator
) -> Samples:
    """Draw rows and keep those inside the region, at most ``tries * request.n`` draws, ``batch`` at once.

    ``draw`` gets the region's seeds but not its rule, so a generator that can start from given rows wastes fewer draws.
    The first draw is as large as the request; later ones grow with the rejection rate so far.

    Parameters
    ----------
    draw : callable
        Returns samples of a request without a rule.
    request : Request
        The rows wanted.
    tries, batch : int
        Maximum number of draws for each requested row, and of rows drawn at once.
    rng : np.random.Generator
        Shuffles the rows that are kept.
    """
    anywhere = Region(seeds=request.region.seeds, seed_weight=request.region.seed_weight)
    budget = tries * request.n
    asked = tried = found = 0
    parts: list[Table] = []
    while not parts or (found < request.n and asked < budget):
        needed = ceil((request.n - found) * (asked + 1) / (found + 1))
        n = min(batch, budget - asked, max(request.n, needed))
        drawn = draw(Request(anywhere, request.label, n))
        parts.append(drawn.table.take(request.region.contains(drawn.table.rows)))
        asked, tried, found = asked + n, tried + drawn.tried, found + len(parts[-1])
    # Random order: which rows are cut off must not depend on the order in which the generator makes them.
    kept = rng.permutation(found)[: request.n]
    return Samples(
        Table.concat(parts).take(kept), request, tried, "rejection" if request.region.rule else drawn.sampling_method
    )


_: type[Generator] = Reject
