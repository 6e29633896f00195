"""Small tables and proposals whose truth is known, built by hand so that they depend on nothing but the types."""

from dataclasses import replace

import numpy as np

from loop.rows import Rows
from loop.supplies.pool import Pool
from loop.types import Column, Condition, Kind, Region, Schema, Table

MERCHANTS = ("grocery", "travel", "online", "jewels")  # the last one is rare: 2 %
CHANNELS = ("chip", "swipe", "web")
NEVER_SEEN = "never seen"  # a category of the schema that no real row has


def mixed_table(n: int = 600, seed: int = 0) -> Table:
    """Build a table of every kind of column, about a tenth of its rows positive.

    Columns: amount (two decimals, 5 % missing), score, visits (integer), opened (datetime), night (boolean),
    merchant (2 % in its rarest category), channel (5 % missing), fixed (constant), empty (all missing).

    Parameters
    ----------
    n : int
        Number of rows, 50 or more.
    seed : int
        Seed of the rows.

    Returns
    -------
    Table
        Real rows (n, 9) of the classes "fine" and "fraud"; the score, the night and the merchant raise the risk.
    """
    rng = np.random.default_rng(seed)
    amount = np.where(rng.random(n) < 0.05, np.nan, np.round(rng.lognormal(3, 1, n), 2))
    score = rng.normal(size=n)
    visits = rng.poisson(5, n).astype(float)
    opened = 1_600_000_000.0 + rng.integers(0, 10_000_000, n)
    night = (rng.random(n) < 0.3).astype(float)
    merchant = rng.permutation(np.arange(n) * 50 // n)  # fiftieths: the last one is the rare category
    merchant = np.select([merchant < 30, merchant < 42, merchant < 49], [0.0, 1.0, 2.0], 3.0)
    channel = np.where(rng.random(n) < 0.05, np.nan, rng.integers(0, 3, n))
    X = np.column_stack([amount, score, visits, opened, night, merchant, channel, np.full(n, 7.0), np.full(n, np.nan)])
    risk = score + night + 0.5 * (merchant == 2) + 0.5 * rng.normal(size=n)
    columns = (
        _ordered("amount", "numeric", "float64", amount, decimals=2),
        _ordered("score", "numeric", "float64", score),
        _ordered("visits", "integer", "int64", visits),
        _ordered("opened", "datetime", "datetime64[us]", opened),
        Column("night", "boolean", "bool", 0, 1),
        Column("merchant", "categorical", "str", 0, 4, (*MERCHANTS, NEVER_SEEN)),
        Column("channel", "categorical", "str", 0, 2, CHANNELS, missing=True),
        _ordered("fixed", "numeric", "float64", X[:, 7], decimals=0),
        Column("empty", "numeric", "float64", missing=True),
    )
    return Table.real(X, _top(risk, 0.1), Schema(columns, ("fine", "fraud")))


def numeric_table(n: int = 500, d: int = 5, seed: int = 0) -> Table:
    """Build standard normal columns x0.. of which the first two make a fifth of the rows positive.

    Parameters
    ----------
    n : int
        Number of rows.
    d : int
        Number of columns, 2 or more.
    seed : int
        Seed of the rows.

    Returns
    -------
    Table
        Real rows (n, d) of the classes "no" and "yes".
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    risk = X[:, :2].sum(axis=1) + 0.5 * rng.normal(size=n)
    return Table.real(X, _top(risk, 0.2), _numeric_schema(X))


def planted_table(n: int = 2000, d: int = 5, seed: int = 0) -> tuple[Table, Region]:
    """Build uniform columns in [0, 1] with a corner in which labels are flipped.

    The label is ``x2 > 0.5`` except in the corner ``x0 > 0.7, x1 > 0.7`` (9 % of the rows), where it is the opposite.

    Parameters
    ----------
    n, d, seed : int
        Number of rows, number of columns (3 or more), seed of the rows.

    Returns
    -------
    Table
        Real rows (n, d) of the classes "no" and "yes".
    Region
        The corner, the truth that a search for weak regions should come back with.
    """
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    corner = Region((Condition(0, low=0.7), Condition(1, low=0.7)), text="x0 > 0.7 and x1 > 0.7")
    y = (X[:, 2] > 0.5) ^ corner.contains(Rows(X))
    return Table.real(X, y, _numeric_schema(X)), corner


def example_pool(n: int = 200, seed: int = 0) -> Pool:
    """Build proposals with the answers of a learner that is unsure and of a teacher that is surer.

    Parameters
    ----------
    n : int
        Number of proposals; 0 is allowed.
    seed : int
        Seed of rows and answers.

    Returns
    -------
    Pool
        Rows of `mixed_table` with probabilities (n, 2) of learner and teacher and the teacher's variance (n,).
    """
    rng = np.random.default_rng(seed)
    table = mixed_table(max(n, 50), seed).take(np.arange(n))
    table = replace(table, generation=np.ones(n, np.int64), supply=np.zeros(n, np.int64))
    learner, teacher = rng.beta(2, 2, n), rng.beta(0.5, 0.5, n)
    one, other = (np.column_stack([1 - positive, positive]) for positive in (learner, teacher))
    return Pool(table, one, other, rng.random(n) / 20)


def _top(risk: np.ndarray, share: float) -> np.ndarray:
    top: np.ndarray = (risk > np.quantile(risk, 1 - share)).astype(np.int64)
    return top


def _numeric_schema(X: np.ndarray) -> Schema:
    columns = tuple(_ordered(f"x{number}", "numeric", "float64", x) for number, x in enumerate(X.T))
    return Schema(columns, ("no", "yes"))


def _ordered(name: str, kind: Kind, dtype: str, x: np.ndarray, decimals: int | None = None) -> Column:
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    return Column(name, kind, dtype, low, high, missing=bool(np.isnan(x).any()), decimals=decimals)
