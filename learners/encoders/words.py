"""Texts as columns: how long and how written they are, and the main components of hashed words and letters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import numpy as np

from learners.encoders.principal import MOST_ROWS, Principal
from loop.encoders import Encoder
from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.setting_checks import check_bounds

BUCKETS = 256  # that words are hashed into, and as many for letters
BLOCK = 4_096  # texts whose features are dense at once
NUMBER = (float, np.floating)
LONGEST = 20_000  # characters that an array may hold for each text
READABLE = ("characters", "words", "word_length", "digits", "capitals", "punctuation", "distinct")
_CHECK = checks.fields(
    {"components": checks.integer(1, 64), "most_characters": checks.integer(1, LONGEST), "view": checks.anything},
    known_only=True,
)


@dataclass(eq=False)
class Words:
    """Encodes texts (n,), NumPy's "U", which may be empty.

    The readable columns are the number of characters and of words, the mean length of a word, the shares of digits,
    capitals and punctuation among the characters, and the share of words that differ. The components are those of words
    and of letters (three and four in a row, within words) hashed into buckets (Weinberger et al. 2009, "Feature hashing
    for large scale multitask learning"), rare buckets counting more.

    Parameters
    ----------
    components : int
        How many components, at most.
    most_characters : int
        Longer texts are cut here. An array takes four bytes for each character of the longest text.

    Raises
    ------
    ConfigError
        If ``components`` is not between 1 and 64, or ``most_characters`` not between 1 and 20,000.
    """

    components: int = 8
    most_characters: int = 4_000

    view_: Principal = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(
            self,
            least={"components": 1, "most_characters": 1},
            most={"components": 64, "most_characters": LONGEST},
        )

    def fit(self, entries: np.ndarray) -> Self:
        """Learn how rare each bucket is in the texts (n,) of training rows, and in which directions they vary most.

        Of more than 20,000 texts as many, spread over all, are looked at.
        """
        some = entries[np.linspace(0, len(entries) - 1, min(len(entries), MOST_ROWS)).astype(int)]
        features = np.concatenate([_hashed(block) for block in _blocks(some)])
        rarity = np.log((1 + len(features)) / (1 + (features != 0).sum(axis=0))) + 1
        view = Principal.of(features * rarity, self.components)
        # Rarity moves from the features into centre and directions: what is kept is no larger for it.
        self.view_ = Principal(
            (view.centre / rarity).astype(np.float32), (view.directions * rarity[:, None]).astype(np.float32)
        )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return (*READABLE, *self.view_.names)

    def columns(self, entries: np.ndarray) -> np.ndarray:
        """Return the readable columns and the components (n, e) of texts (n,)."""
        made = [np.column_stack([_readable(block), self.view_.of_rows(_hashed(block))]) for block in _blocks(entries)]
        return np.concatenate(made) if made else np.empty((0, len(self.names)))

    def stacked(self, cells: Sequence[object]) -> np.ndarray:
        """Return n texts as one array (n,); missing ones are empty, long ones are cut.

        Lines end in ``\\n``, as a CSV may lose a ``\\r``; half of a pair of surrogates and NUL are replaced.
        """
        return np.array([self._text(cell) for cell in cells], dtype=np.str_)

    def cells(self, entries: np.ndarray) -> list[object]:
        """Return texts (n,) as n plain ones."""
        return list(entries.tolist())

    def to_json(self) -> dict[str, Any]:
        """Return settings and what was learnt as values that JSON can write."""
        settings = {"components": self.components, "most_characters": self.most_characters}
        return settings | {"view": self.view_.to_json()}

    @classmethod
    def from_json(cls, content: object) -> Self:
        """Rebuild an encoder from what `to_json` returned; DataError if it is something else."""
        told = _CHECK(content, "the encoder of texts")
        made = cls(told["components"], told["most_characters"])
        made.view_ = Principal.from_json(told["view"], "the encoder of texts, view")
        if len(made.view_.centre) != 2 * BUCKETS:
            raise DataError(f"the encoder of texts must have a view of {2 * BUCKETS} buckets, and it has another")
        return made

    def _text(self, cell: object) -> str:  # of the numbers NaN alone, which differs from itself, is a missing text
        if isinstance(cell, str):
            cut = cell.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")[: self.most_characters]
            return cut.encode("utf-8", errors="replace").decode("utf-8")
        if cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, NUMBER) and cell != cell):
            return ""
        raise DataError(
            f"a text must be text or missing, got {str(cell)[:40]!r} of {type(cell).__name__}: convert the column to "
            "text, or leave it out of the columns of texts."
        )


def _blocks(entries: np.ndarray) -> list[list[str]]:
    texts: list[str] = entries.tolist()
    return [texts[first : first + BLOCK] for first in range(0, len(texts), BLOCK)]


def _readable(texts: Sequence[str]) -> np.ndarray:  # (n, 7)
    return np.array([_measured(text) for text in texts], dtype=np.float64).reshape(len(texts), len(READABLE))


def _measured(text: str) -> tuple[float, ...]:
    """Return the readable columns of one text, in their order."""
    words = text.split()
    seen = max(len(text), 1)
    digits = sum(each.isdigit() for each in text)
    capitals = sum(each.isupper() for each in text)
    marks = sum(not each.isalnum() and not each.isspace() for each in text)
    length = sum(map(len, words)) / max(len(words), 1)
    distinct = len({word.casefold() for word in words}) / max(len(words), 1)
    return len(text), len(words), length, digits / seen, capitals / seen, marks / seen, distinct


def _hashed(texts: Sequence[str]) -> np.ndarray:
    """Return what is hashed of words and of letters (n, 512), each half of length one or, for an empty text, zero."""
    return np.hstack([hasher.transform(texts).toarray() for hasher in _hashers()])


@cache
def _hashers() -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer  # slow to load, and not needed to name the class

    words = HashingVectorizer(n_features=BUCKETS, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    return words, HashingVectorizer(n_features=BUCKETS, analyzer="char_wb", ngram_range=(3, 4))


_: type[Encoder] = Words
