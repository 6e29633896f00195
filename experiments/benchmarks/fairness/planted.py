"""Tables whose truth about groups is known: one group in which a column means the opposite, or none that differs."""

import numpy as np

from loop.types import Column, Schema, Table

GROUP = "group"
NAMES = ("a", "b", "c", "d", "e")
FLIPPED, SHARE = "e", 0.08  # the group in which a column means the opposite, and its share of the rows


def planted(n: int, rng: np.random.Generator, *, flipped: bool) -> Table:
    """Draw n rows of four numbers and a group; about one in ten is to catch.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    flipped : bool
        Whether the first two columns mean the opposite in one small group; else no group differs from another.
    """
    columns = [Column(f"x{number}", "numeric", "float64") for number in range(4)]
    schema = Schema((*columns, Column(GROUP, "categorical", "str", categories=NAMES)), classes=("no", "yes"))
    others = (1 - SHARE) / (len(NAMES) - 1)
    group = rng.choice(len(NAMES), n, p=[others] * (len(NAMES) - 1) + [SHARE])
    X = rng.normal(size=(n, 4))
    sign = np.where(flipped & (group == NAMES.index(FLIPPED)), -1.0, 1.0)
    log_odds = sign * (2.0 * X[:, 0] + 1.2 * X[:, 1]) + 0.6 * X[:, 2] * X[:, 3] - 3.2
    y = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    return Table.real(np.column_stack([X, group]), y.astype(np.int64), schema)
