"""Sources of a column's values, as a rule book defines them in YAML."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from loop.errors import ConfigError
from loop.expressions.dates import seconds
from loop.expressions.parser import Expression, parse
from loop.expressions.tree import MOST_DIGITS, Literal

# Parameters of each distribution: numbers, or expressions over the columns before.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "lognormal": ("log_mean", "log_sd"),  # of the logarithm
    "uniform": ("low", "high"),
    "integers": ("low", "high"),  # both included
    "poisson": ("mean",),
    "exponential": ("mean",),
    "gamma": ("shape", "scale"),
    "beta": ("a", "b"),
}
# Computed from earlier rows of the same entity.
HISTORY: dict[str, tuple[str, ...]] = {
    "seconds_since_last": (),
    "count_before": ("seconds",),
    "mean_before": ("of",),
}
_NEEDED: dict[str, tuple[str, ...]] = {
    **PARAMETERS,
    **HISTORY,
    "choice": ("values",),
    "sequence": (),
    "datetime": ("start", "end"),
    "data": (),
}
_OPTIONAL = {"choice": ("weights",), "sequence": ("start", "step")}

_ROUNDING = 1e-6  # by which the sum of probabilities may differ from 1

Scalar = float | bool | str


@dataclass(frozen=True, eq=False)
class Source:
    """A distribution with its parameters, an expression, a constant, or another source of values."""

    kind: str  # a key of the tables above, "constant", "expression" or, of a label, "probabilities"
    numbers: Mapping[str, Expression] = field(default_factory=dict)  # parameters; "is" for an expression
    values: tuple[Scalar, ...] = ()  # of a choice or constant
    weights: tuple[Expression, ...] = ()  # of a choice; empty = equal weights
    of: str = ""  # the column whose mean is computed
    decimals: int | None = None  # digits after the point, None = all
    missing: float = 0.0  # probability of a missing value
    shares: tuple[float, ...] = ()  # of probabilities: that of each value

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns that must be drawn before."""
        read = (expression.names for expression in (*self.numbers.values(), *self.weights))
        return frozenset({self.of} if self.of else ()).union(*read)

    def in_zones(self, name: str, zones: Mapping[str, str]) -> Source:
        """Return the source of a column, whose dates are meant in its zone or in that of a column beside them."""
        numbers = {key: expression.in_zones(zones) for key, expression in self.numbers.items()}
        if self.kind == "datetime" and name in zones:
            numbers = {
                key: replace(each, tree=Literal(seconds(each.text, zones[name]))) for key, each in numbers.items()
            }
        weights = tuple(expression.in_zones(zones) for expression in self.weights)
        return replace(self, numbers=numbers, weights=weights)

    @property
    def likeliest(self) -> Scalar:
        """The most probable value of probabilities, the first of equals; the value of a constant."""
        return self.values[self.shares.index(max(self.shares)) if self.shares else 0]


def read_source(where: str, told: Any, before: Collection[str] | None) -> Source:
    """Read a source: a number, an expression, or a mapping with ``is: EXPRESSION`` or ``from: DISTRIBUTION``.

    Parameters
    ----------
    where : str
        Place in the book, named in errors.
    told : object
        The value in the book.
    before : collection of str or None
        Columns that its expressions may read; None = those of a table, which are checked when there is one.

    Raises
    ------
    ConfigError
        If the value is none of these, or reads another column.
    """
    if not isinstance(told, Mapping):
        source = (
            _expression(where, told) if isinstance(told, str) else Source("constant", values=(_scalar(where, told),))
        )
    elif "is" in told:
        keys(where, told, ("is",), ("decimals", "missing"))
        source = _expression(where, told["is"], **_finish(where, told))
    else:
        source = _drawn(where, told)
    unknown = [] if before is None else sorted(source.names - set(before))
    if before is not None and unknown:
        known = ", ".join(before) or "none"
        raise ConfigError(f"{where} must read columns that come before it ({known}), got {unknown[0]!r}: move it up.")
    return source


def read_label(where: str, told: Any, before: Collection[str] | None) -> Source:
    """Read a label: a class, probabilities of classes, or a mapping like those of the columns."""
    if isinstance(told, Mapping) and "probabilities" in told:
        keys(where, told, ("probabilities",))
        return _probabilities(f"{where}, probabilities", told["probabilities"])
    if isinstance(told, Mapping):
        return read_source(where, told, before)
    return Source("constant", values=(_scalar(where, told),))


def _probabilities(where: str, told: Any) -> Source:
    """Read the probability of each class; a class that is left out has none."""
    if not isinstance(told, Mapping) or not told:
        raise ConfigError(f"{where} must be a mapping of classes to numbers, got {told!r}: name at least one class.")
    shares = [a_number(f"{where}, {name!r}", share, least=0, most=1) for name, share in told.items()]
    if abs(sum(shares) - 1) > _ROUNDING:
        raise ConfigError(f"{where} must have the sum 1, got {sum(shares):g}: correct them.")
    values = tuple(_scalar(where, name) for name in told)
    return Source("probabilities", values=values, shares=tuple(share / sum(shares) for share in shares))


def _expression(where: str, told: Any, **finish: Any) -> Source:
    return Source("expression", {"is": _number_or_expression(where, told)}, **finish)


def _drawn(where: str, told: Mapping[str, Any]) -> Source:
    kind = told.get("from")
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise ConfigError(
            f"{where} must be a number, an expression, or draw from one of {', '.join(_NEEDED)}, got {told!r}: fix it."
        )
    needed, optional = _NEEDED[kind], _OPTIONAL.get(kind, ())
    keys(where, told, ("from", *needed), (*optional, "decimals", "missing"))
    plain = [name for name in (*needed, *optional) if name in told and name not in ("values", "weights", "of")]
    read = _moment_expression if kind == "datetime" else _number_or_expression
    values = tuple(_scalar(f"{where}, values", value) for value in a_list(f"{where}, values", told.get("values", [])))
    weights = tuple(
        _number_or_expression(f"{where}, weights", weight)
        for weight in a_list(f"{where}, weights", told.get("weights", []))
    )
    if kind == "choice" and (not values or len({isinstance(value, str) for value in values}) > 1):
        raise ConfigError(
            f"{where}: values must be all text or all numbers, at least one, got {list(values)!r}: fix it."
        )
    if weights and len(weights) != len(values):
        raise ConfigError(
            f"{where} must have one weight for each value, got {len(weights)} for {len(values)}: count them."
        )
    if "decimals" in told and any(isinstance(value, str | bool) for value in values):
        raise ConfigError(f"{where}: decimals must be those of numbers, and the values are none: leave decimals out.")
    if kind == "datetime" and a_moment(f"{where}, end", told["end"]) < a_moment(f"{where}, start", told["start"]):
        raise ConfigError(
            f"{where}: end must not be before start, got {told['end']} before {told['start']}: swap them."
        )
    numbers = {name: read(f"{where}, {name}", told[name]) for name in plain}
    of = a_text(f"{where}, of", told["of"]) if "of" in needed else ""
    return Source(kind, numbers, values, weights, of, **_finish(where, told))


def _finish(where: str, told: Mapping[str, Any]) -> dict[str, Any]:
    decimals = told.get("decimals")
    return {
        "decimals": None if decimals is None else a_whole(f"{where}, decimals", decimals, most=MOST_DIGITS),
        "missing": a_number(f"{where}, missing", told.get("missing", 0), least=0, most=1),
    }


def _number_or_expression(where: str, told: Any) -> Expression:
    try:
        return parse(told if isinstance(told, str) else repr(a_number(where, told)))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _moment_expression(where: str, told: Any) -> Expression:
    return Expression(str(told), Literal(a_moment(where, told)))


def keys(where: str, told: Any, needed: Collection[str] = (), optional: Collection[str] = ()) -> None:
    """Raise ConfigError unless the mapping has all needed keys and no unknown ones."""
    unknown = [key for key in a_mapping(where, told) if key not in (*needed, *optional)]
    if unknown:
        allowed = ", ".join((*needed, *optional)) or "none"
        raise ConfigError(f"{where} must have no keys but {allowed}, got {unknown[0]!r}: correct or remove it.")
    absent = [key for key in needed if key not in told]
    if absent:
        raise ConfigError(f"{where} must have {', '.join(needed)}, got no {absent[0]!r}: add it.")


def a_mapping(where: str, told: Any) -> Mapping[str, Any]:
    """Return a mapping with text as keys, else raise ConfigError."""
    if not isinstance(told, Mapping) or not all(isinstance(key, str) for key in told):
        raise ConfigError(f"{where} must be a mapping with text as keys, got {told!r}: see the examples.")
    return told


def a_list(where: str, told: Any) -> list[Any]:
    """Return a list, else raise ConfigError."""
    if not isinstance(told, list):
        raise ConfigError(f"{where} must be a list, got {told!r}: put it in brackets.")
    return told


def a_text(where: str, told: Any) -> str:
    """Return text that is not empty, else raise ConfigError."""
    if not isinstance(told, str) or not told:
        raise ConfigError(f"{where} must be text, got {told!r}: put it in quotes.")
    return told


def a_number(where: str, told: Any, *, least: float = -1.7e308, most: float = 1.7e308) -> float:
    """Return a number within bounds, else raise ConfigError."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not least <= told <= most:
        bounds = (
            "" if least < -1e308 else f" of at least {least:g}" + ("" if most > 1e308 else f" and at most {most:g}")
        )
        raise ConfigError(f"{where} must be a number{bounds}, got {told!r}: correct it.")
    return float(told)


def a_whole(where: str, told: Any, *, least: float = 0, most: float = 2.0**53) -> int:
    """Return a whole number within bounds, else raise ConfigError."""
    number = a_number(where, told, least=least, most=most)
    if number != int(number):
        raise ConfigError(f"{where} must be a whole number, got {told!r}: round it.")
    return int(number)


def a_moment(where: str, told: Any) -> float:
    """Return seconds since 1970-01-01 UTC of an ISO date or time, else raise ConfigError."""
    try:
        return seconds(a_text(where, told))
    except ConfigError:
        raise ConfigError(f"{where} must be an ISO date or time, got {told!r}: write 2024-01-31.") from None


def plain_values(told: Any) -> Any:
    """Convert YAML values to JSON values: dates become ISO text."""
    if isinstance(told, Mapping):
        return {key: plain_values(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [plain_values(value) for value in told]
    return told.isoformat() if isinstance(told, datetime.date) else told


def _scalar(where: str, told: Any) -> Scalar:
    if isinstance(told, bool | str):
        return told
    return a_number(where, told)
