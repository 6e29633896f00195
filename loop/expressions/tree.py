"""The tree of an expression and its evaluation on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from loop.errors import ConfigError
from loop.expressions.dates import DATE, seconds
from loop.expressions.tokens import KNOWN, MISSING

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
TRUTHS = (*COMPARISONS, "in", "not in", "and", "or", "not", MISSING, KNOWN)  # operators that give true or false
MOST_DIGITS = 15  # what a float64 can hold

Value = float | bool | str | np.ndarray  # a constant, or one value a row


@dataclass(frozen=True)
class Literal:
    """A constant."""

    value: float | bool | str
    depth: int = 1
    bare: bool = False  # a word without quotes, as reports print categories
    written: str = field(default="", compare=False, repr=False)  # a number as it stands in the text


@dataclass(frozen=True)
class Name:
    """A column."""

    name: str
    depth: int = 1


@dataclass(frozen=True)
class Apply:
    """An operator or function with its arguments; ``in`` looks for the first argument among the others."""

    operator: str
    arguments: tuple[Node, ...]
    depth: int  # levels of the tree


Node = Literal | Name | Apply


@dataclass(frozen=True)
class Function:
    """A function of the language, with its numbers of arguments."""

    compute: Callable[..., Any]
    fewest: int = 1  # arguments
    most: int = 1


def names(tree: Node) -> frozenset[str]:
    """Return the columns that a tree reads."""
    if isinstance(tree, Apply):
        return frozenset[str]().union(*map(names, tree.arguments))
    return frozenset({tree.name} if isinstance(tree, Name) else ())


def evaluate(tree: Node, columns: Mapping[str, np.ndarray]) -> Value:
    """Compute a tree over columns of shape (n,); a tree without columns gives a scalar.

    Raises
    ------
    ConfigError
        If a column does not exist, or an operator gets values of the wrong type.
    """
    if isinstance(tree, Literal):
        check_word(tree, columns)
        return tree.value
    if isinstance(tree, Name):
        if tree.name not in columns:
            raise ConfigError(f"{tree.name!r} is no column here: use one of {', '.join(map(str, columns)) or 'none'}.")
        return _readable(tree.name, columns[tree.name])
    arguments = [evaluate(argument, columns) for argument in tree.arguments]
    if tree.operator in (*COMPARISONS, "in", "not in"):
        for column, values in zip(tree.arguments, arguments, strict=True):
            if isinstance(column, Name) and is_text(values) and not _is_blank(values):
                check_quoted(column.name, tree.arguments)
    return apply(tree.operator, arguments)


def apply(operator: str, arguments: list[Value]) -> Value:
    """Compute one operator or function.

    Raises
    ------
    ConfigError
        If an argument has the wrong type.
    """
    if operator in COMPARISONS:
        return _compare(operator, *arguments)
    if operator in ("in", "not in"):
        matches = [_compare("==", arguments[0], item) for item in arguments[1:]]
        found: np.ndarray = reduce(np.logical_or, matches)
        return found if operator == "in" else ~found & ~_missing(arguments[0])
    if operator in (MISSING, KNOWN):
        blank = _missing(arguments[0])
        return blank if operator == MISSING else ~blank
    if operator == "if":
        return _choose(*arguments)
    with np.errstate(all="ignore"):
        numbers = [_number(argument, operator) for argument in arguments]
        if operator in _LOGIC:
            truth: np.ndarray = _LOGIC[operator](*map(_true, numbers))
            return truth
        compute = _ARITHMETIC.get(operator) or FUNCTIONS[operator].compute
        return finite(compute(*numbers))


def check_word(tree: Node, columns: Collection[str]) -> None:
    """Raise ConfigError if a tree is a word without quotes that is also the name of a column."""
    if isinstance(tree, Literal) and tree.bare and tree.value in columns:
        raise ConfigError(
            f"behind = and in braces stand words, and {tree.value!r} is also a column: write == for the column, "
            f"or '{tree.value}' for the word."
        )


def check_quoted(column: str, constants: Iterable[Node]) -> None:
    """Raise ConfigError if a column of text is compared with a number, such as 08028, whose zero would be lost."""
    number = next((each for each in constants if isinstance(each, Literal) and each.written), None)
    if number is not None:
        raise ConfigError(
            f"{column!r} holds text, and {number.written} without quotes is a number: write '{number.written}'."
        )


def finite(x: np.ndarray) -> np.ndarray:
    """Replace infinities by NaN, which means missing."""
    clean: np.ndarray = np.where(np.isfinite(x), x, np.nan)
    return clean


def is_text(value: Value) -> bool:
    """Tell whether a value is text: a string, or an array of strings."""
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind in "OU")


def in_zones(tree: Node, zones: Mapping[str, str]) -> Node:
    """Return a tree in which a date that is compared with a column of datetimes is meant in its zone, given by name.

    Dates that state an offset of their own mean that.
    """
    if not isinstance(tree, Apply):
        return tree
    arguments = tuple(in_zones(argument, zones) for argument in tree.arguments)
    meant = {zones[name] for name in names(tree) if name in zones}
    if tree.operator in (*COMPARISONS, "in", "not in") and len(meant) == 1:
        zone = meant.pop()
        arguments = tuple(_dated(argument, zone) for argument in arguments)
    return replace(tree, arguments=arguments)


def _dated(tree: Node, zone: str) -> Node:
    if isinstance(tree, Literal) and isinstance(tree.value, str) and DATE.match(tree.value):
        return replace(tree, value=seconds(tree.value, zone))
    return tree


def _readable(name: str, values: np.ndarray) -> np.ndarray:
    """Convert a column to numbers, booleans or text."""
    if values.dtype.kind == "M":
        since = values.astype("datetime64[us]")
        return np.where(np.isnat(since), np.nan, since.astype(np.int64) / 1e6)
    if values.dtype.kind in "bU":
        return values
    if values.dtype.kind in "iuf":
        return finite(values.astype(np.float64))
    missing = pd.isna(values)  # None, NaN and pandas.NA all mean it
    if missing.all() or any(isinstance(value, str) for value in values):
        return np.array([value if isinstance(value, str) else None for value in values], dtype=object)
    try:
        return finite(values.astype(np.float64))
    except (TypeError, ValueError):  # numpy.ndarray.astype: an object that is no number, bytes that name none
        raise ConfigError(
            f"{name!r} must hold numbers, booleans, datetimes or text, got {values.dtype}: convert it."
        ) from None


def _is_blank(value: Value) -> bool:
    """Tell whether all values are missing, so that they can count as text or as numbers."""
    return isinstance(value, np.ndarray) and value.dtype == object and all(item is None for item in value.flat)


def _number(value: Value, operator: str) -> np.ndarray:
    if _is_blank(value):
        return np.full(np.shape(value), np.nan)
    if is_text(value):
        raise ConfigError(f"{operator} needs numbers, got text: compare text with ==, != or in.")
    return np.asarray(value, dtype=np.float64)


def _true(x: np.ndarray) -> np.ndarray:
    """Tell which numbers are true: all but zero and missing."""
    true: np.ndarray = (x != 0) & ~np.isnan(x)
    return true


def _missing(value: Value) -> np.ndarray:
    if is_text(value):
        return np.asarray(np.asarray(value, dtype=object) == None, dtype=bool)  # noqa: E711  (elementwise)
    return np.isnan(np.asarray(value, dtype=np.float64))


def _compare(operator: str, left: Value, right: Value) -> np.ndarray:
    if _is_blank(left) or _is_blank(right):
        return np.zeros(np.broadcast_shapes(np.shape(left), np.shape(right)), dtype=bool)
    if is_text(left) != is_text(right):
        left, right = (seconds(side) if isinstance(side, str) else side for side in (left, right))
    if is_text(left) != is_text(right):
        raise ConfigError(f"{operator} needs two numbers or two texts, got one of each: compare like with like.")
    if not is_text(left):
        holds: np.ndarray = _ORDER[operator](_number(left, operator), _number(right, operator))
        return holds if operator != "!=" else holds & ~_missing(left) & ~_missing(right)
    if operator not in ("==", "!="):
        raise ConfigError(f"{operator} needs numbers, got text: compare text with ==, != or in.")
    equal = np.asarray(np.asarray(left, dtype=object) == np.asarray(right, dtype=object), dtype=bool)
    kept: np.ndarray = (equal if operator == "==" else ~equal) & ~_missing(left) & ~_missing(right)
    return kept


def _choose(condition: Value, yes: Value, no: Value) -> np.ndarray:
    if is_text(yes) != is_text(no):
        yes, no = (_number(side, "if") if _is_blank(side) else side for side in (yes, no))
    if is_text(yes) != is_text(no):
        raise ConfigError("if needs two numbers or two texts to choose from, got one of each: make them alike.")
    truths = all(np.asarray(side).dtype == bool for side in (yes, no))
    dtype = object if is_text(yes) else bool if truths else np.float64
    holds = _true(_number(condition, "if"))
    chosen: np.ndarray = np.where(holds, np.asarray(yes, dtype=dtype), np.asarray(no, dtype=dtype))
    return chosen


def _round(x: np.ndarray, *wanted: np.ndarray) -> np.ndarray:
    digits = wanted[0] if wanted else np.zeros(())
    if digits.ndim or not abs(digits) <= MOST_DIGITS or digits != int(digits):
        raise ConfigError(f"round needs a constant whole number of digits, at most {MOST_DIGITS}: write round(x, 2).")
    rounded: np.ndarray = np.round(x, int(digits))
    return rounded


def _most(*numbers: np.ndarray) -> np.ndarray:
    most: np.ndarray = reduce(np.maximum, numbers)
    return most


def _least(*numbers: np.ndarray) -> np.ndarray:
    least: np.ndarray = reduce(np.minimum, numbers)
    return least


_ORDER: dict[str, Callable[..., Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
}
_LOGIC: dict[str, Callable[..., Any]] = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_not}
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": np.power,
    "negative": np.negative,
    "positive": np.positive,
}
FUNCTIONS: dict[str, Function] = {
    "if": Function(_choose, 3, 3),
    "min": Function(_least, 2, 99),
    "max": Function(_most, 2, 99),
    "abs": Function(np.abs),
    "round": Function(_round, 1, 2),
    "floor": Function(np.floor),
    "log": Function(np.log),
    "exp": Function(np.exp),
    "sqrt": Function(np.sqrt),
    "sin": Function(np.sin),
}
