"""Whether a stated pattern describes rows of other classes, too: told before any work."""

import copy
from collections.abc import Iterator

import numpy as np

from loop.cycle.parts import Parts
from loop.seeds import stream
from loop.supplies.supply import Supply
from loop.types import Region, Request, Table

ROWS = 500  # of the pattern
MIDDLE = (0.025, 0.975)  # quantiles of a stated column between which a row counts as inside
LEAST = 0.01  # share of a class's rows that is told


def overlaps(parts: Parts, train: Table, seed: int) -> Iterator[str]:
    """Yield a sentence for each stated supply whose pattern holds 1 % or more of the real rows of another class.

    A row is inside if each column that the pattern states lies where the middle 95 % of the pattern's rows lie, or is
    one of its categories.

    Parameters
    ----------
    parts : Parts
    train : Table, n rows
        Real training rows.
    seed : int

    Raises
    ------
    ConfigError, DataError
        If a pattern does not fit the table, or no real row can start it.
    """
    for supply in parts.supplies:
        if supply.stated:
            yield from _overlap(supply, train, seed)


def _overlap(supply: Supply, train: Table, seed: int) -> Iterator[str]:
    rng = stream(seed, "overlap", supply.name)
    generator = copy.deepcopy(supply.generator).fit(train, rng)
    made = generator.sample(Request(Region(), None, ROWS), rng).table
    stated = getattr(generator, "stated", ())
    columns = [number for number, name in enumerate(train.schema.names) if name in stated]
    if not columns or not len(made):
        return
    inside = np.all([_among(train.X[:, j], made.X[:, j], bool(train.schema.categorical[j])) for j in columns], axis=0)
    for code in np.flatnonzero(np.bincount(train.y, minlength=train.n_classes)):
        share = float(inside[train.y == code].mean())
        if code not in made.y and share >= LEAST:
            yield (
                f"{supply.name} holds {share:.1%} of the real rows of class {train.schema.classes[code]!r} in the "
                "columns it states: if these are not what it describes, state more columns."
            )


def _among(x: np.ndarray, made: np.ndarray, categorical: bool) -> np.ndarray:
    """Tell which values (n,) are like those of the pattern."""
    known = made[~np.isnan(made)]
    inside = np.isnan(x) if np.isnan(made).any() else np.zeros(len(x), dtype=bool)
    if not len(known):
        return inside
    low, high = np.quantile(known, MIDDLE)
    return inside | (np.isin(x, known) if categorical else (x >= low) & (x <= high))
