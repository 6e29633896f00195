"""Constraints as a user writes them, and the gate made of them.

An entry is an expression that must hold (``amount >= 0``, ``opened <= closed``), an equation with its tolerance
(``net + fee == total within 0.01``), or ``unique: [card, time]``.
"""

import math
import re
from collections.abc import Mapping, Sequence

from generators.rules.column_types import is_truth
from loop.errors import ConfigError
from loop.expressions.parser import parse
from loop.gates import Constraints, Rule
from loop.types import Table

UNIQUE, WITHIN = "unique", " within "
SLACK = "0.000000001"  # of the larger side: 1.01 - 1 is not quite 0.01 in binary fractions
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")  # keywords inside quotes do not count
SHAPES = (
    "an expression such as 'amount >= 0', an equation such as 'net + fee == total within 0.01', or 'unique: [card]'"
)

Entry = str | dict[str, list[str]]


def checked(entry: object) -> Entry:
    """Return an entry in normal form: text, or ``{"unique": [names]}``.

    Raises
    ------
    ConfigError
        If it is no constraint, or its expression cannot be parsed.
    """
    if isinstance(entry, str):
        rule(entry)
        return entry
    names = entry.get(UNIQUE) if isinstance(entry, Mapping) and len(entry) == 1 else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"a constraint must be {SHAPES}, got {entry!r}: rewrite it.")
    return {UNIQUE: names}


def constraints(entries: Sequence[Entry]) -> Constraints:
    """Make the gate that enforces checked entries."""
    rules = tuple(rule(entry) for entry in entries if isinstance(entry, str))
    return Constraints(rules, tuple(tuple(entry[UNIQUE]) for entry in entries if not isinstance(entry, str)))


def rule(text: str) -> Rule:
    """Parse a rule.

    Raises
    ------
    ConfigError
        If it cannot be parsed, or names no column.
    """
    expression = parse(_as_inequality(text) if WITHIN in _QUOTED.sub("", text) else text)
    if not expression.names:
        raise ConfigError(f"a constraint must name a column, {text!r} names none: compare a column with something.")
    return Rule(text, expression.names, expression.evaluate)


def complaints(gate: Constraints, table: Table) -> tuple[str, ...]:
    """Return a sentence for each constraint that real rows break.

    Raises
    ------
    ConfigError
        If a constraint does not suit the table.
    """
    return tuple(
        f"constraint {text!r}: broken by {count:,} of {len(table):,} real rows; they stay, new rows must obey it"
        for text, count in gate.broken(table).items()
        if count
    )


def _as_inequality(text: str) -> str:
    """Rewrite ``left == right within tolerance``."""
    equation, _, tolerance = text.rpartition(WITHIN)
    left, equals, right = equation.partition("==")
    if not equals or "==" in right or not _is_tolerance(tolerance):
        raise ConfigError(
            f"a tolerance must end an equation, as in 'net + fee == total within 0.01', got {text!r}: rewrite it."
        )
    for side in (left, right):
        if is_truth(parse(side).tree, ()):  # parsed alone first, so that errors quote the user's text
            raise ConfigError(
                f"a tolerance must belong to an equation of numbers, and {side.strip()!r} in {text!r} is "
                "true or false: make two constraints of it, or spell abs(left - right) <= tolerance."
            )
    slack = f" + {SLACK} * max(abs({left}), abs({right}))" if float(tolerance) else ""  # within 0 means exactly equal
    return f"abs(({left}) - ({right})) <= {tolerance}{slack}"


def _is_tolerance(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) >= 0
    except ValueError:
        return False
