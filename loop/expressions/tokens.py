"""The words of the language: tokens, and how names and constants are written so that they are read back."""

import re
from dataclasses import dataclass

import numpy as np

from loop.errors import ConfigError

TRUE, FALSE = ("true", "True"), ("false", "False")
MISSING, KNOWN = "missing", "known"  # stand behind a column, and are names elsewhere
WORDS = ("and", "or", "not", "in", *TRUE, *FALSE)
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w.]))"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<name>[^\W\d]\w*|`(?:[^`]|``)+`)"
    r"|(?P<sign>\*\*|[=!<>]=|[-+*/%<>()\[\]{},=])"
)
_PLAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Token:
    """A piece of an expression."""

    kind: str  # number, date, text, name, sign, word or end
    text: str
    at: int  # character, counted from 1


def tokens(text: str) -> list[Token]:
    """Cut an expression into tokens, the end last.

    Raises
    ------
    ConfigError
        If a character begins no token.
    """
    found, place = list[Token](), 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ConfigError(
                f'"{text}": expected a value or an operator at character {place + 1}, got {text[place]!r}:'
                " put text in quotes and odd column names in backquotes."
            )
        kind = "word" if match.group() in WORDS else str(match.lastgroup)
        if kind != "space":
            found.append(Token(kind, match.group(), place + 1))
        place = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def unquoted(token: str) -> str:
    """Remove the quotes around a token, and read doubled ones inside as one."""
    sign = token[0]
    return token[1:-1].replace(2 * sign, sign) if sign in "'\"`" else token


def quoted(name: str) -> str:
    """Return a column's name as it is written in an expression, in backquotes if needed."""
    return name if _is_plain(name) else "`{}`".format(name.replace("`", "``"))


def spelled(value: object) -> str:
    """Return a constant as it is written in an expression."""
    if isinstance(value, str):
        return "'{}'".format(value.replace("'", "''"))
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def bare(value: object) -> str:
    """Return a constant as it is written behind a single ``=`` and in braces, where text needs no quotes if plain."""
    if isinstance(value, str):
        return value if _is_plain(value) else spelled(value)
    return str(value)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text not in (*WORDS, MISSING, KNOWN)
