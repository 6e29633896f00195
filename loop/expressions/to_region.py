"""From an expression to a region: the box that a rule such as ``amount > 300 and night == 1`` describes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from loop.errors import ConfigError
from loop.expressions.dates import seconds
from loop.expressions.parser import Expression
from loop.expressions.tokens import MISSING, spelled
from loop.expressions.tree import COMPARISONS, Apply, Literal, Name, Node, check_quoted, check_word, evaluate, names
from loop.expressions.zones import zone_of
from loop.types import Column, Condition, Region, Schema

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
ANYWHERE = Region().text
_RULE = (
    "a region must be conditions joined by and, each comparing one column with a constant "
    "(amount > 300, 1 <= age < 5, merchant == 'travel', channel in {web, chip}, opened < '2024-01-31', night, "
    "not night, amount missing, amount > 300 or missing)"
)


def as_region(expression: Expression, schema: Schema) -> Region:
    """Turn an expression into the box of rows for which it is true.

    The region contains exactly the rows for which `Expression.evaluate` says true.

    Parameters
    ----------
    expression : Expression
        From `loop.expressions.parser.parse`; categories are given by value, datetimes as quoted ISO dates, in the
        zone of their column unless they state an offset.
    schema : Schema
        Defines the columns.

    Returns
    -------
    Region
        One condition a column, in the order of the columns; the text is the expression's.

    Raises
    ------
    ConfigError
        If the expression is not a conjunction of comparisons of one column with a constant, names a column or category
        that does not exist, or contradicts itself.
    """
    if expression.tree == Name(ANYWHERE) and ANYWHERE not in schema.names:
        return Region()
    rule: dict[int, Condition] = {}
    for part in _conjuncts(expression.tree):
        condition = _condition(part, expression, schema)
        number = condition.column
        rule[number] = _both(rule[number], condition) if number in rule else condition
    for number, condition in sorted(rule.items()):
        if (condition.low >= condition.high or condition.codes == frozenset()) and not condition.missing:
            name = schema.names[number]
            raise ConfigError(
                f'"{expression.text}": conditions must leave a value of {name!r}, these leave none: drop one of them.'
            )
    return Region(tuple(rule[number] for number in sorted(rule)), text=expression.text)


def _conjuncts(tree: Node) -> Iterator[Node]:
    if isinstance(tree, Apply) and tree.operator == "and":
        for argument in tree.arguments:
            yield from _conjuncts(argument)
    else:
        yield tree


def _condition(part: Node, expression: Expression, schema: Schema) -> Condition:
    """Turn one condition on a column into that of a region."""
    match part:
        case Name(name):
            return _flag(name, True, expression, schema)
        case Apply("not", (Name(name),)):
            return _flag(name, False, expression, schema)
        case Apply(("missing" | "known") as word, (Name(name),)):
            return _presence(name, word, expression, schema)
        case Apply("or", (known, Apply("missing", (Name(name),)))):
            return _or_missing(known, name, expression, schema)
        case Apply(operator, (Name(name), *constants)) if operator in (*COMPARISONS, "in", "not in"):
            return _compared(name, operator, constants, expression, schema)
        case Apply(operator, (constant, Name(name))) if operator in COMPARISONS:
            return _compared(name, _MIRRORED.get(operator, operator), [constant], expression, schema)
    raise ConfigError(f'"{expression.text}": {_RULE}: split it into such conditions.')


def _compared(name: str, operator: str, constants: Sequence[Node], expression: Expression, schema: Schema) -> Condition:
    """Return the condition that a column is compared with constants."""
    if any(names(constant) for constant in constants):
        raise ConfigError(f'"{expression.text}": {_RULE}, got two columns: compare {name!r} with a constant.')
    number, column = _find(name, expression, schema)
    values = [_constant(constant) for constant in constants]
    try:
        for constant in constants:
            check_word(constant, schema.names)
        if schema.discrete[number]:
            if column.categories and all(isinstance(value, str) for value in column.categories):
                check_quoted(name, constants)
            return Condition(number, codes=_codes(column, operator, values))
        return Condition(number, *_range(column, operator, values))
    except ConfigError as error:
        raise ConfigError(f'"{expression.text}": {error}') from None


def _flag(name: str, wanted: bool, expression: Expression, schema: Schema) -> Condition:
    number, column = _find(name, expression, schema)
    if column.kind != "boolean":
        raise ConfigError(
            f'"{expression.text}": a column by itself must be boolean, {name!r} is {column.kind}: {_RULE}.'
        )
    return Condition(number, codes=frozenset({int(wanted)}), missing=not wanted)


def _presence(name: str, word: str, expression: Expression, schema: Schema) -> Condition:
    """Return the condition that a value is missing, or that it is known."""
    number, _ = _find(name, expression, schema)
    wanted = word == MISSING
    if not schema.discrete[number]:
        return Condition(number, low=np.inf, missing=True) if wanted else Condition(number)
    codes = frozenset[int]() if wanted else frozenset(range(len(schema.columns[number].categories or (False, True))))
    return Condition(number, codes=codes, missing=wanted)


def _or_missing(known: Node, name: str, expression: Expression, schema: Schema) -> Condition:
    """Return the condition on a column, with its missing values."""
    number, _ = _find(name, expression, schema)
    conditions = [_condition(part, expression, schema) for part in _conjuncts(known)]
    if any(condition.column != number for condition in conditions):
        raise ConfigError(f'"{expression.text}": {_RULE}, got or between two columns: ask for them one by one.')
    return replace(reduce(_both, conditions), missing=True)


def _find(name: str, expression: Expression, schema: Schema) -> tuple[int, Column]:
    if name not in schema.names:
        known = ", ".join(schema.names)
        raise ConfigError(f'"{expression.text}": columns must be features of the table, got {name!r}: use {known}.')
    number = schema.names.index(name)
    return number, schema.columns[number]


def _constant(tree: Node) -> float | bool | str:
    """Compute a tree without columns; text and booleans stay unchanged, everything else is a number."""
    value = tree.value if isinstance(tree, Literal) else evaluate(tree, {})
    return value if isinstance(value, (bool, str)) else np.asarray(value).item()


def _codes(column: Column, operator: str, values: list[float | bool | str]) -> frozenset[int]:
    """Return the codes for which the comparison is true."""
    if operator not in ("==", "!=", "in", "not in"):
        raise ConfigError(f"{operator} needs an ordered column, {column.name!r} is {column.kind}: use ==, != or in.")
    categories = column.categories if column.kind == "categorical" else (False, True)
    unknown = next((value for value in values if value not in categories), None)
    if unknown is not None:
        known = ", ".join(map(spelled, categories[:20]))
        raise ConfigError(f"values of {column.name!r} must be known, got {spelled(unknown)}: use one of {known}.")
    named = {categories.index(value) for value in values}
    return frozenset(named if operator in ("==", "in") else set(range(len(categories))) - named)


def _range(column: Column, operator: str, values: list[float | bool | str]) -> tuple[float, float]:
    """Return low and high of ``low < x <= high``, exact to the last bit."""
    if operator in ("in", "not in", "!="):
        raise ConfigError(
            f"{operator} needs a column of categories or a boolean one, {column.name!r} is {column.kind}: use < and >."
        )
    value = values[0]
    if isinstance(value, str) and column.kind != "datetime":
        raise ConfigError(
            f"{column.name!r} is {column.kind} and must be compared with a number, got {value!r}: write one."
        )
    x = seconds(value, zone_of(column)) if isinstance(value, str) else float(value)
    if np.isnan(x):
        raise ConfigError(f"{column.name!r} must be compared with a finite number: correct the constant.")
    below = float(np.nextafter(x, -np.inf))
    low = {"==": below, ">=": below, ">": x}.get(operator, -np.inf)
    high = {"==": x, "<=": x, "<": below}.get(operator, np.inf)
    return low, high


def _both(one: Condition, other: Condition) -> Condition:
    """Return the condition that holds where two conditions on the same column both hold."""
    missing = one.missing and other.missing
    if one.codes is not None and other.codes is not None:
        return replace(one, codes=one.codes & other.codes, missing=missing)
    return replace(one, low=max(one.low, other.low), high=min(one.high, other.high), missing=missing)
