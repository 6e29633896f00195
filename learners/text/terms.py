"""Which terms of texts are counted and how rare each is: the part of tf-idf that is learnt."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy import sparse

Analyzer = Literal["word", "char_wb"]


@dataclass(frozen=True, eq=False)
class Terms:
    """Terms in alphabetical order, with the inverse frequency of texts that hold them."""

    analyzer: Analyzer
    longest: int  # words or letters in a row
    terms: tuple[str, ...]  # m
    rarity: np.ndarray  # (m,)

    @classmethod
    def of(cls, texts: Sequence[str], analyzer: Analyzer, longest: int, fewest: int, most: int) -> Self:
        """Learn the terms that ``fewest`` texts hold, and of these the ``most`` that most texts hold."""
        split = _vectorizer(analyzer, longest).build_analyzer()
        held: Counter[str] = Counter()
        for text in texts:
            held.update(set(split(text)))
        chosen = sorted((term for term, count in held.items() if count >= fewest), key=lambda t: (-held[t], t))[:most]
        terms = tuple(sorted(chosen))
        counts = np.array([held[term] for term in terms], dtype=np.float64)
        return cls(analyzer, longest, terms, np.log((1 + len(texts)) / (1 + counts)) + 1)

    def weighted(self, texts: Iterable[str]) -> Any:
        """Return 1 + log of the counts times the rarities, rows of length one, as a sparse matrix (n, m)."""
        from sklearn.preprocessing import normalize

        texts = list(texts)
        if not self.terms or not texts:
            return sparse.csr_array((len(texts), len(self.terms)))
        counts = _vectorizer(self.analyzer, self.longest, self.terms).transform(texts).astype(np.float64)
        counts.data = (1 + np.log(counts.data)) * self.rarity[counts.indices]
        return normalize(counts, copy=False)


def _vectorizer(analyzer: Analyzer, longest: int, terms: Sequence[str] | None = None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    shortest = 1 if analyzer == "word" else min(2, longest)
    return CountVectorizer(
        analyzer=analyzer,
        ngram_range=(shortest, longest),
        token_pattern=r"(?u)\b\w+\b",
        vocabulary=None if terms is None else {term: at for at, term in enumerate(terms)},
    )
