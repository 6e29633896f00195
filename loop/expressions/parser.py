"""A small language of expressions over columns: its own parser, evaluated on whole arrays.

Numbers, 'text' (a quote inside it is written twice), true, false, columns (`` `odd names` `` in backquotes),
``+ - * / % **``, comparisons, ``and or not``, ``in [...]`` and the functions of `FUNCTIONS`. The language has nothing
else, so no other code can be run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from loop.errors import ConfigError
from loop.expressions.tree import COMPARISONS, FUNCTIONS, Apply, Literal, Name, Node, evaluate, in_zones, is_text, names

LONGEST = 4000  # characters
DEEPEST = 80  # levels of a tree: keeps both parser and evaluation well within Python's stack

# How tightly an operator binds its right side; ** is the only one that groups to the right.
_BINDING = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8}
_NOT, _COMPARISON, _SIGN = 3, 4, 7
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<name>[^\W\d]\w*|`(?:[^`]|``)+`)|(?P<sign>\*\*|[=!<>]=|[-+*/%<>()\[\],])"
)
_WORDS = ("and", "or", "not", "in", "true", "false")


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text and tree."""

    text: str
    tree: Node

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns it reads."""
        return names(self.tree)

    def in_zones(self, zones: Mapping[str, str]) -> Expression:
        """Return the expression with dates meant in the time zones of the columns that they are compared with."""
        return replace(self, tree=in_zones(self.tree, zones)) if zones else self

    def evaluate(self, columns: Mapping[str, np.ndarray], zones: Mapping[str, str] = {}) -> np.ndarray:
        """Compute the value of every row.

        Datetimes count as seconds since 1970-01-01 UTC, so that arithmetic works; so does a quoted ISO date that is
        compared with numbers. A comparison with a missing value is false. A result that is not finite (a division by
        zero, the logarithm of -1, an overflow) is missing.

        Parameters
        ----------
        columns : mapping of str to ndarray of shape (n,)
            Numbers, booleans, datetime64 or text; at least the columns of `names`.
        zones : mapping of str to str
            Time zones of columns: a date without an offset that is compared with one of them is meant in its zone.

        Returns
        -------
        ndarray of shape (n,)
            float64, bool, or object for text.

        Raises
        ------
        ConfigError
            If a column does not exist or a value has the wrong type for its operator.
        """
        try:
            value = evaluate(self.in_zones(zones).tree, columns)
        except ConfigError as error:
            raise ConfigError(f'"{self.text}": {error}') from None
        n = len(next(iter(columns.values()), ()))
        dtype = object if is_text(value) else None
        return np.array(np.broadcast_to(np.asarray(value, dtype=dtype), (n,)))


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    ConfigError
        If the text is not an expression, longer than `LONGEST` or deeper than `DEEPEST`.

    Examples
    --------
    >>> expression = parse("amount > 300 and night == 1")
    >>> sorted(expression.names)
    ['amount', 'night']
    >>> expression.evaluate({"amount": np.array([200.0, 400.0]), "night": np.array([1, 1])})
    array([False,  True])
    """
    if len(text) > LONGEST:
        raise ConfigError(
            f"an expression must have at most {LONGEST} characters, got {len(text)}: cut it into several columns."
        )
    return Expression(text, _Parser(text).whole())


def quoted(name: str) -> str:
    """Return a column's name as it is written in an expression, in backquotes if needed."""
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name not in _WORDS
    return name if plain else "`{}`".format(name.replace("`", "``"))


def spelled(value: object) -> str:
    """Return a constant as it is written in an expression."""
    if isinstance(value, str):
        return "'{}'".format(value.replace("'", "''"))
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def _unquoted(token: str) -> str:
    """Remove the quotes around a token, and read doubled ones inside as one."""
    sign = token[0]
    return token[1:-1].replace(2 * sign, sign) if sign in "'\"`" else token


@dataclass(frozen=True)
class _Token:
    kind: str  # number, text, name, sign, word or end
    text: str
    at: int  # character, counted from 1


class _Parser:
    """Precedence climbing (Pratt, 1973): one loop for all binary operators."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place, self.nested = text, _tokens(text), 0, 0

    def whole(self) -> Node:
        tree = self.climb(0)
        if self.next.kind != "end":
            self.fail("an operator", "put and, or, a comparison or arithmetic between two values")
        return tree

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def fail(self, expected: str, way_out: str) -> NoReturn:
        got = repr(self.next.text) if self.next.kind != "end" else "the end"
        raise ConfigError(f'"{self.text}": expected {expected} at character {self.next.at}, got {got}: {way_out}.')

    def accept(self, *texts: str) -> str:
        """Consume the next token and return it if it is one of these operators, else return ""."""
        if self.next.kind in ("sign", "word") and self.next.text in texts:
            self.place += 1
            return self.tokens[self.place - 1].text
        return ""

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            self.fail(repr(sign), "add it")

    def climb(self, least: int) -> Node:
        """Read a value and every operator after it that binds more tightly than ``least``."""
        self.nested += 1
        self.bound(self.nested)
        left = self.value()
        while True:
            if least < _COMPARISON and (operator := self.comparison()):
                left = self.compared(operator, left)
            elif (binding := _BINDING.get(self.operator, 0)) > least:
                operator = self.accept(self.operator)
                left = self.apply(operator, left, self.climb(binding - (operator == "**")))
            else:
                self.nested -= 1
                return left

    @property
    def operator(self) -> str:
        return self.next.text if self.next.kind in ("sign", "word") else ""

    def comparison(self) -> str:
        if self.accept("not"):
            if not self.accept("in"):
                self.fail("'in'", "write not in, or put not before the value")
            return "not in"
        return self.accept(*COMPARISONS, "in")

    def compared(self, operator: str, left: Node) -> Node:
        if operator in ("in", "not in"):
            self.expect("[")
            tree = self.apply(operator, left, *self.listed("]"))
        else:
            tree = self.apply(operator, left, self.climb(_COMPARISON))
        if self.operator in (*COMPARISONS, "in", "not"):
            self.fail("and, or or the end", "write a < b and b < c")
        return tree

    def value(self) -> Node:
        token = self.next
        if self.accept("not"):
            return self.apply("not", self.climb(_NOT))
        if sign := self.accept("-", "+"):
            return self.apply("negative" if sign == "-" else "positive", self.climb(_SIGN))
        if self.accept("("):
            inner = self.climb(0)
            self.expect(")")
            return inner
        if self.accept("true", "false"):
            return Literal(token.text == "true")
        if token.kind not in ("number", "text", "name"):
            self.fail("a value", "write a number, a 'text', a column or a function")
        self.place += 1
        if token.kind == "number":
            return self.number(token)
        if token.kind == "text":
            return Literal(_unquoted(token.text))
        return self.call(token) if self.accept("(") else Name(_unquoted(token.text))

    def number(self, token: _Token) -> Literal:
        if not np.isfinite(value := float(token.text)):
            raise ConfigError(f'"{self.text}": numbers must be below 1.8e308, got {token.text}: write a smaller one.')
        return Literal(value)

    def call(self, token: _Token) -> Node:
        if token.text not in FUNCTIONS:
            self.place -= 2
            self.fail("a function", f"use one of {', '.join(FUNCTIONS)}")
        function, arguments = FUNCTIONS[token.text], self.listed(")")
        if not function.fewest <= len(arguments) <= function.most:
            told = f"{function.fewest}" if function.fewest == function.most else f"at least {function.fewest}"
            raise ConfigError(f'"{self.text}": {token.text} needs {told} arguments, got {len(arguments)}: count them.')
        return self.apply(token.text, *arguments)

    def listed(self, close: str) -> list[Node]:
        nodes = [self.climb(0)]
        while self.accept(","):
            nodes.append(self.climb(0))
        self.expect(close)
        return nodes

    def apply(self, operator: str, *arguments: Node) -> Apply:
        depth = 1 + max(argument.depth for argument in arguments)
        self.bound(depth)
        return Apply(operator, arguments, depth)

    def bound(self, depth: int) -> None:
        if depth > DEEPEST:
            raise ConfigError(
                f"an expression must have at most {DEEPEST} levels, got more at character {self.next.at}:"
                " cut it into several columns."
            )


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ConfigError(
                f'"{text}": expected a value or an operator at character {place + 1}, got {text[place]!r}:'
                " put text in quotes and odd column names in backquotes."
            )
        kind = "word" if found.group() in _WORDS else str(found.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, found.group(), place + 1))
        place = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]
