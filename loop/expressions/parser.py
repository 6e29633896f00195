"""A small language of expressions over columns: its own parser, evaluated on whole arrays.

Numbers, 'text' (a quote inside it is written twice), true, false, columns (`` `odd names` `` in backquotes),
``+ - * / % **``, comparisons, ``and or not``, ``in [...]`` and the functions of `FUNCTIONS`. The language has nothing
else, so no other code can be run.

What reports print is read as well: ``merchant = fuel`` and ``merchant in {fuel, 'car hire'}`` compare with words, dates
need no quotes, ``1 <= x < 2`` is a range; ``x missing``, ``x known`` and ``x > 3 or missing`` ask for missing values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from loop.errors import ConfigError
from loop.expressions.tokens import FALSE, KNOWN, MISSING, TRUE, Token, tokens, unquoted
from loop.expressions.tree import COMPARISONS, FUNCTIONS, Apply, Literal, Name, Node, evaluate, in_zones, is_text, names

LONGEST = 4000  # characters
EXACT = 2**53  # integers up to it are exact as float64
DEEPEST = 80  # levels of a tree: keeps both parser and evaluation well within Python's stack

# How tightly an operator binds its right side; ** is the only one that groups to the right.
_BINDING = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8}
_NOT, _COMPARISON, _SIGN = 3, 4, 7
_RISING, _FALLING = ("<", "<="), (">", ">=")


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


class _Parser:
    """Precedence climbing (Pratt, 1973): one loop for all binary operators."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place, self.nested = text, tokens(text), 0, 0

    def whole(self) -> Node:
        tree = self.climb(0)
        if self.next.kind != "end":
            self.fail("an operator", "put and, or, a comparison or arithmetic between two values")
        return tree

    @property
    def next(self) -> Token:
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
        return self.accept(*COMPARISONS, "in", "=")

    def compared(self, operator: str, left: Node) -> Node:
        """Read what a value is compared with; behind it may stand the end of a range, and ``or missing``."""
        sides = [left]
        if operator in ("in", "not in"):
            tree = self.apply(operator, left, *self.items())
        elif operator == "=":
            tree = self.apply("==", left, self.item() if self.next.kind == "name" else self.climb(_COMPARISON))
        else:
            sides.append(self.climb(_COMPARISON))
            tree = self.apply(operator, *sides)
            same = next((way for way in (_RISING, _FALLING) if operator in way), ())
            if then := self.accept(*same):
                tree = self.apply("and", tree, self.apply(then, sides[1], self.climb(_COMPARISON)))
        if self.operator in (*COMPARISONS, "in", "not", "="):
            self.fail("and, or or the end", "write a < b and b > c")
        return self.or_missing(tree, next((side for side in sides if isinstance(side, Name)), None))

    def or_missing(self, tree: Node, column: Name | None) -> Node:
        """Read ``or missing`` behind a comparison of a column: it belongs to that column."""
        after = self.tokens[self.place + 1] if self.operator == "or" else None
        if after is None or after.text != MISSING or not self.ends(self.place + 2):
            return tree
        if column is None:
            self.fail("and or the end", "put or missing behind the comparison of a column with a constant")
        self.place += 2
        return self.apply("or", tree, self.apply(MISSING, column))

    def ends(self, place: int) -> bool:
        """Tell whether a condition ends before a token, so that a word before it stands for no column."""
        token = self.tokens[place]
        return token.kind == "end" or token.text in ("and", "or", ")", ",", "]")

    def items(self) -> list[Node]:
        """Read what ``in`` looks among: values in brackets, or words in braces."""
        if not self.accept("{"):
            self.expect("[")
            return self.listed("]")
        nodes = [self.item()]
        while self.accept(","):
            nodes.append(self.item())
        self.expect("}")
        return nodes

    def item(self) -> Node:
        """Read a constant; a name is a word."""
        token = self.next
        if token.kind == "name" and not token.text.startswith("`"):
            self.place += 1
            return Literal(token.text, bare=True)
        return self.climb(_COMPARISON)

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
        if self.accept(*TRUE, *FALSE):
            return Literal(token.text in TRUE)
        if token.kind not in ("number", "date", "text", "name"):
            self.fail("a value", "write a number, a 'text', a column or a function")
        self.place += 1
        if token.kind == "number":
            return self.number(token)
        if token.kind in ("text", "date"):
            return Literal(unquoted(token.text))
        return self.call(token) if self.accept("(") else self.named(Name(unquoted(token.text)))

    def named(self, column: Name) -> Node:
        """Return a column, or whether it is missing or known, if one of these words stands behind it."""
        if self.next.text not in (MISSING, KNOWN) or not self.ends(self.place + 1):
            return column
        self.place += 1
        return self.apply(self.tokens[self.place - 1].text, column)

    def number(self, token: Token) -> Literal:
        if token.text.isdecimal() and EXACT < int(token.text) < 2**64:
            return Literal(int(token.text), written=token.text)  # as a category, digit by digit
        if not np.isfinite(value := float(token.text)):
            raise ConfigError(f'"{self.text}": numbers must be below 1.8e308, got {token.text}: write a smaller one.')
        return Literal(value, written=token.text)

    def call(self, token: Token) -> Node:
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
