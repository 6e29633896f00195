"""Checks of a rule book: what must hold for the score of every row, whatever the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generators.rules.sources import a_list, a_mapping, a_number, a_text, keys
from loop.errors import ConfigError
from loop.expressions.parser import Expression, parse

WITHIN = 0.01  # change of the score that a column may cause that must not matter
DIRECTIONS = {"up": True, "down": False}


@dataclass(frozen=True, eq=False)
class Bound:
    """Least and largest score of the rows for which an expression is true."""

    where: Expression
    at_least: float = 0.0
    at_most: float = 1.0


@dataclass(frozen=True, eq=False)
class Checks:
    """What a book demands of the score of the class to catch."""

    monotone: Mapping[str, bool] = field(default_factory=dict)  # by column: True = raising it never lowers the score
    invariant: tuple[str, ...] = ()  # columns that change the score by no more than `within`
    within: float = WITHIN
    limits: tuple[Bound, ...] = ()

    @property
    def any(self) -> bool:
        """Is anything demanded?"""
        return bool(self.monotone or self.invariant or self.limits)


def read_checks(told: Any) -> Checks:
    """Read the section ``checks`` of a book.

    Raises
    ------
    ConfigError
        For an unknown key, a value of the wrong type or range, or limits that contradict each other.
    """
    keys("checks", told, optional=("monotone", "invariant", "within", "limits"))
    monotone = a_mapping("checks, monotone", told.get("monotone", {}))
    for name, direction in monotone.items():
        if not isinstance(direction, str) or direction not in DIRECTIONS:
            raise ConfigError(f"checks, monotone, {name!r} must be up or down, got {direction!r}: write one of them.")
    invariant = [a_text("checks, invariant", name) for name in a_list("checks, invariant", told.get("invariant", []))]
    return Checks(
        {name: DIRECTIONS[direction] for name, direction in monotone.items()},
        tuple(dict.fromkeys(invariant)),
        a_number("checks, within", told.get("within", WITHIN), least=0, most=1),
        tuple(_bound(f"checks, limit {number}", each) for number, each in enumerate(_limits(told), start=1)),
    )


def _limits(told: Mapping[str, Any]) -> list[Any]:
    return a_list("checks, limits", told.get("limits", []))


def _bound(place: str, told: Any) -> Bound:
    keys(place, told, ("where",), ("at_least", "at_most"))
    if len(told) == 1:
        raise ConfigError(f"{place} must have at_least or at_most, got neither: add one.")
    try:
        where = parse(a_text(f"{place}, where", told["where"]))
    except ConfigError as error:
        raise ConfigError(f"{place}, where: {error}") from None
    low, high = (
        a_number(f"{place}, {key}", told.get(key, usual), least=0, most=1)
        for key, usual in (("at_least", 0.0), ("at_most", 1.0))
    )
    bound = Bound(where, low, high)
    check_agree(bound, bound)
    return bound


def check_agree(one: Bound, other: Bound) -> None:
    """Raise ConfigError if no score can satisfy the limits of a row for which both expressions are true."""
    low, high = max(one.at_least, other.at_least), min(one.at_most, other.at_most)
    if low > high:
        both = dict.fromkeys(f'"{each.where.text}"' for each in (one, other))
        raise ConfigError(
            f"limits must leave a score for every row, those of {' and '.join(both)} ask for at least {low:g} and at "
            f"most {high:g}: correct one of them."
        )
