"""Drawing the values of a source, directly inside a region where its distribution allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from generators.rules.sources import PARAMETERS, Source
from loop.errors import ConfigError
from loop.expressions.parser import Expression
from loop.types import NOBODY

Columns = Mapping[str, np.ndarray]  # each (n,): numbers, booleans, or text as objects
ROW = "#"  # a column that always exists: the number of the row
LABEL = "#label"  # a column that exists once labels are drawn

# scipy's distributions by name; arguments in the order of PARAMETERS.
_LAWS: dict[str, Callable[..., Any]] = {
    "normal": stats.norm,
    "lognormal": lambda log_mean, log_sd: stats.lognorm(log_sd, scale=np.exp(log_mean)),
    "uniform": lambda low, high: stats.uniform(low, high - low),
    "integers": lambda low, high: stats.randint(low, high + 1),
    "poisson": stats.poisson,
    "exponential": lambda mean: stats.expon(scale=mean),
    "gamma": lambda shape, scale: stats.gamma(shape, scale=scale),
    "beta": stats.beta,
}
_POSITIVE = ("sd", "log_sd", "shape", "scale", "a", "b")
_COUNTABLE = 2.0**53  # above it not every whole number is a float64
_EDGE = 2.0**-53  # quantiles of exactly 0 and 1 may be infinite


@dataclass(frozen=True, eq=False)
class Limit:
    """The condition of a region on one column, in the book's values."""

    low: float  # low < x <= high
    high: float
    allows: Callable[[np.ndarray], np.ndarray]  # the exact test of values (m,)
    missing: bool  # True if a missing value satisfies it


@dataclass(frozen=True, eq=False)
class Seen:
    """Values of real rows, as the book names them."""

    columns: Columns  # each (m,)
    label: np.ndarray  # (m,)
    row_number: np.ndarray  # (m,) of each in the table
    starts: Mapping[str, np.ndarray] = field(default_factory=dict)  # scenario -> (m,) bool: rows it may start from
    seeds: np.ndarray | None = None  # (m,) weight of each as a seed of the region asked for; None = it has none


class Drawn(NamedTuple):
    """One value for each of n rows."""

    values: np.ndarray  # (n,) numbers, booleans, or text as objects
    mass: np.ndarray  # (n,) probability that an unlimited draw would have been inside the limit: the weight of the row
    parents: np.ndarray  # (n,) row number of the real row that the value was taken from, -1 = none


def draw(
    where: str, source: Source, columns: Columns, limit: Limit | None, seen: Seen | None, rng: np.random.Generator
) -> Drawn:
    """Draw one value for each row.

    Parameters
    ----------
    where : str
        The column, named in errors.
    source : Source
        Any kind except those of history, which need all rows of an entity together.
    columns : mapping of str to ndarray of shape (n,)
        Columns that the source reads, and `ROW`.
    limit : Limit or None
        Draw inside it if the source can: expressions, sequences and datetimes cannot.
    seen : Seen or None
        For sources with ``from: data``: they draw from real rows of the row's class, once classes are drawn.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    Drawn
        The values, with the mass and the real row of each. A value that is rounded or set to missing afterwards keeps
        its real row.

    Raises
    ------
    ConfigError
        If parameters are out of range, or data are needed and ``seen`` is None.
    """
    n = len(columns[ROW])
    parents = np.full(n, NOBODY)
    if source.kind in PARAMETERS:
        values, mass = _from_law(where, source, columns, limit, rng)
    elif source.kind == "data":
        values, mass, parents = _from_data(where, columns, limit, seen, rng)
    elif source.kind in ("choice", "constant", "probabilities"):
        values, mass = _from_list(where, source, columns, limit, rng)
    else:
        values, mass = _free(where, source, columns, rng), np.ones(n)
    if source.kind in (*PARAMETERS, "sequence") and not np.isfinite(values[mass > 0]).all():
        raise ConfigError(
            f"{where} must be finite, and its {source.kind} overflows in some rows: lower its parameters."
        )
    return Drawn(*finish(where, source, values, mass, limit, rng), parents)


def finish(
    where: str, source: Source, values: np.ndarray, mass: np.ndarray, limit: Limit | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Round values (n,) and set some to missing, as the source says; parameters and results are those of `draw`.

    Raises
    ------
    ConfigError
        If the values to be rounded are not numbers.
    """
    if source.decimals is not None:
        if values.dtype.kind not in "fiu":
            raise ConfigError(f"{where}: decimals must be those of numbers, and it holds none: leave decimals out.")
        rough = np.abs(values) < _COUNTABLE  # larger numbers are whole
        values = np.where(rough, np.round(np.where(rough, values, 0), source.decimals), values)
    return _with_missing(values, mass, source.missing, limit, rng)


def parameter(where: str, expression: Expression, columns: Columns) -> np.ndarray:
    """Evaluate a parameter for each row (n,), float64; raise ConfigError unless all values are finite."""
    values = expression.evaluate({ROW: columns[ROW], **{name: columns[name] for name in expression.names}})
    if values.dtype == object or not np.isfinite(values.astype(float)).all():
        raise ConfigError(f'{where} must be a finite number in every row, "{expression.text}" is not: use if(...).')
    return values.astype(float)


def _from_law(
    where: str, source: Source, columns: Columns, limit: Limit | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    law = _law(where, source, columns)
    n = len(columns[ROW])
    if limit is None or (limit.low == -np.inf and limit.high == np.inf):
        return np.asarray(law.rvs(size=n, random_state=rng), dtype=float), np.ones(n)
    # Rounding to decimals moves values by up to half a unit: widen by it, the exact test comes later.
    half = 0.0 if source.decimals is None else 0.5 * 10.0**-source.decimals
    return truncated(law, limit.low - half, limit.high + half, n, rng)


def truncated(law: Any, low: float, high: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw n values with ``low < x <= high`` by the inverse distribution function; return them and the mass, both (n,).

    ``law`` is a frozen distribution of scipy. Above its median the survival function is used, so that far tails keep
    their precision.
    """
    below, above = law.cdf(low), law.sf(low)
    upper = below > 0.5
    mass = np.broadcast_to(np.clip(np.where(upper, above - law.sf(high), law.cdf(high) - below), 0, 1), (n,))
    share = np.clip(rng.random(n), _EDGE, 1 - _EDGE)
    x = np.where(upper, law.isf(above - share * mass), law.ppf(below + share * mass))
    return np.clip(x, np.nextafter(low, np.inf), high), mass


def _law(where: str, source: Source, columns: Columns) -> Any:
    names = PARAMETERS[source.kind]
    numbers = {name: parameter(f"{where}, {name}", source.numbers[name], columns) for name in names}
    positive = (*_POSITIVE, *(("mean",) if source.kind in ("poisson", "exponential") else ()))
    for name in names:
        if name in positive and (numbers[name] <= 0).any():
            raise ConfigError(f"{where}, {name} must be above 0, got {numbers[name].min():g}: correct its expression.")
    if source.kind == "uniform" and (numbers["low"] >= numbers["high"]).any():
        raise ConfigError(f"{where}: low must be below high in every row: correct their expressions.")
    if source.kind == "integers" and (numbers["low"] > numbers["high"]).any():
        raise ConfigError(f"{where}: low must not be above high in any row: correct their expressions.")
    for name in numbers if source.kind in ("integers", "poisson") else ():
        if source.kind == "integers" and (numbers[name] != np.floor(numbers[name])).any():
            raise ConfigError(f"{where}, {name} must be a whole number in every row: use floor(...) or round(...).")
        if (np.abs(numbers[name]) > _COUNTABLE).any():
            raise ConfigError(f"{where}, {name} must lie within -2^53..2^53 in every row: bring it nearer to 0.")
    with np.errstate(over="ignore"):
        return _LAWS[source.kind](*numbers.values())


def _from_data(where: str, columns: Columns, limit: Limit | None, seen: Seen | None, rng: np.random.Generator) -> Drawn:
    """Draw real values of the row's class, or of all classes where labels are drawn later or the class is unseen."""
    if seen is None:
        raise ConfigError(f"{where!r} comes from the data, and there are none: fit first, or give it a distribution.")
    real = seen.columns[where]
    allowed = np.ones(len(real), dtype=bool) if limit is None else limit.allows(real)
    n = len(columns[ROW])
    chosen, mass = np.empty(n, dtype=np.int64), np.empty(n)
    wanted = columns.get(LABEL, np.full(n, None, dtype=object))  # None matches no class
    for label in pd.unique(wanted):
        mine = np.flatnonzero(wanted == label)
        known = np.asarray(seen.label == label, dtype=bool)
        of_class = known if known.any() else np.ones(len(real), dtype=bool)
        pool = np.flatnonzero(of_class & allowed)
        mass[mine] = len(pool) / of_class.sum()
        pool = pool if len(pool) else np.arange(len(real))  # drawn rows have a mass of 0
        chosen[mine] = pool[rng.integers(len(pool), size=len(mine))]
    return Drawn(real[chosen], mass, seen.row_number[chosen])


def _from_list(
    where: str, source: Source, columns: Columns, limit: Limit | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw from a list of values, with the weights outside the limit masked."""
    n = len(columns[ROW])
    values = constants((source.likeliest,) if source.shares else source.values)
    allowed = np.ones(len(values), dtype=bool) if limit is None else limit.allows(values)
    if not source.weights:
        pool = values[allowed] if allowed.any() else values
        return pool[rng.integers(len(pool), size=n)], np.full(n, allowed.mean())
    weight = np.stack([parameter(f"{where}, weights", each, columns) for each in source.weights], axis=1)  # (n, k)
    if (weight < 0).any() or (weight.sum(axis=1) <= 0).any():
        raise ConfigError(f"{where}: weights must not be negative and have a sum above 0 in every row: correct them.")
    weight = weight / weight.sum(axis=1, keepdims=True)
    mass = weight @ allowed.astype(float)
    weight = np.where((mass > 0)[:, None], weight * allowed, weight)
    ladder = np.cumsum(weight, axis=1)
    pick = (ladder <= (rng.random(n) * ladder[:, -1])[:, None]).sum(axis=1)
    return values[np.minimum(pick, len(values) - 1)], mass


def constants(values: tuple[float | bool | str, ...]) -> np.ndarray:
    """Return values of a book as an array (k,)."""
    return np.array(values, dtype=object if any(isinstance(value, str) for value in values) else None)


def _free(where: str, source: Source, columns: Columns, rng: np.random.Generator) -> np.ndarray:
    """Draw from a source that cannot be limited: an expression, a sequence or a datetime range."""
    if source.kind == "expression":
        return source.numbers["is"].evaluate(columns)
    number = {name: parameter(f"{where}, {name}", each, columns) for name, each in source.numbers.items()}
    n = len(columns[ROW])
    if source.kind == "datetime":
        moments: np.ndarray = np.floor(rng.uniform(number["start"], number["end"], n))
        return moments
    with np.errstate(over="ignore"):  # the caller refuses overflow
        sequence: np.ndarray = number.get("start", np.zeros(n)) + number.get("step", np.ones(n)) * columns[ROW]
    return sequence


def _with_missing(
    values: np.ndarray, mass: np.ndarray, chance: float, limit: Limit | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Set values to missing with the given probability, conditional on the limit; return values and mass (n,)."""
    if not chance:
        return values, mass
    absent = chance if limit is None or limit.missing else 0.0
    total = (1 - chance) * mass + absent
    gone = rng.random(len(values)) * total < absent
    if values.dtype == object:
        kept = values.copy()
        kept[gone] = None
        return kept, total
    return np.where(gone, np.nan, values.astype(float)), total
