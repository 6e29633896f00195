"""Whether a stated pattern describes rows of other classes, too: told before any work."""

import copy
from collections.abc import Iterator

import numpy as np

from generators.rules.conditions import ROWS, alike
from loop.cycle.parts import Parts
from loop.protocols import Finite
from loop.seeds import stream
from loop.supplies.supply import Supply
from loop.types import Region, Request, Table

LEAST = 0.01  # share of a class's rows that is told


def overlaps(parts: Parts, train: Table, seed: int) -> Iterator[str]:
    """Yield a sentence for each stated supply whose pattern holds 1 % or more of the real rows of another class.

    A row is inside if each column that the pattern states lies where the middle 95 % of the pattern's rows lie, or is
    one of its categories. Of given rows that a book labels, how often it is right is told instead.

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
        if supply.stated and not isinstance(supply.generator, Finite):
            yield from _overlap(supply, train, seed)


def _overlap(supply: Supply, train: Table, seed: int) -> Iterator[str]:
    rng = stream(seed, "overlap", supply.name)
    generator = copy.deepcopy(supply.generator).fit(train, rng)
    made = generator.sample(Request(Region(), None, ROWS), rng).table
    stated = getattr(generator, "stated", ())
    columns = [number for number, name in enumerate(train.schema.names) if name in stated]
    if not columns or not len(made):
        return
    categorical = train.schema.categorical
    like = (alike(made.X[:, j], discrete=bool(categorical[j])).hold(train.X[:, j]) for j in columns)
    inside = np.all(list(like), axis=0)
    for code in np.flatnonzero(np.bincount(train.y, minlength=train.n_classes)):
        share = float(inside[train.y == code].mean())
        if code not in made.y and share >= LEAST:
            yield (
                f"{supply.name} holds {share:.1%} of the real rows of class {train.schema.classes[code]!r} in the "
                "columns it states: if these are not what it describes, state more columns."
            )
