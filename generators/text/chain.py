"""Which words follow which in texts, counted for contexts of several lengths."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

BEGIN = ""  # stands before the first word
END = None  # follows the last one
Follower = tuple[str | None, int]  # a word, or the end, and the position of the text that it stands in
Context = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Chain:
    """All words after each context of 0 to ``order - 1`` words, as often as they stand there."""

    order: int
    followers: dict[Context, list[Follower]]
    forks: frozenset[Context]  # contexts that several words follow

    @classmethod
    def of(cls, texts: Sequence[str], rows: np.ndarray, order: int) -> Self:
        """Count the words of the texts at some positions (m,)."""
        followers: dict[Context, list[Follower]] = {}
        for row in rows.tolist():
            words = [BEGIN, *words_of(texts[row])]
            for at in range(1, len(words) + 1):
                entry = (words[at] if at < len(words) else END, row)
                for size in range(min(order, at + 1)):
                    followers.setdefault(tuple(words[at - size : at]), []).append(entry)
        forks = frozenset(context for context, own in followers.items() if len({word for word, _ in own}) > 1)
        return cls(order, followers, forks)

    def next(self, words: Sequence[str], shorten: float, least: int, rng: np.random.Generator) -> Follower | None:
        """Draw what follows words, after the longest context that is known, or a shorter one.

        Parameters
        ----------
        words : sequence of str
        shorten : float
            Chance to shorten a context that a single word follows.
        least : int
            Fewest words of a context.
        rng : numpy.random.Generator

        Returns
        -------
        tuple or None
            The word, `END` for none, and the position of its text; None if no context is known.
        """
        history = (BEGIN, *words)[-(self.order - 1) :]
        for size in range(len(history), least - 1, -1):
            context = history[len(history) - size :]
            own = self.followers.get(context)
            if own is None or (size > least and context not in self.forks and rng.random() < shorten):
                continue
            return own[int(rng.integers(len(own)))]
        return None


def words_of(text: str) -> list[str]:
    """Take a text apart: all between blanks, and ends of lines."""
    return re.findall(r"\S+|\n", text)


def joined(words: Sequence[str]) -> str:
    """Put words together again, with a blank between them and none at ends of lines."""
    return re.sub(r" ?\n ?", "\n", " ".join(words)).strip()
