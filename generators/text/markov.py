"""Texts written word by word, each word drawn after those before it: a Markov chain with back-off, for each class."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from generators.common.rejection import keep_inside
from generators.resampling.resample import class_stream, no_rows, real_rows, starting_rows
from generators.text.arrays import with_texts
from generators.text.chain import END, Chain, joined, words_of
from generators.text.refusals import COPIED, EMPTY, REPEATED, TOO_LONG, Known
from generators.text.tally import Tally, refused
from loop.encoders import array_of
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Table

BATCH = 10_000
REASONS = (COPIED, REPEATED, TOO_LONG, EMPTY)


@dataclass(eq=False)
class Markov:
    """Writes each text from a real row of the region and class: its first words, its length, and a chain of words.

    A word is drawn after the ``order - 1`` words before it, as they stand in texts of the class. A context that only
    one word follows is shortened by chance, as is one that never occurred (Katz 1987, simplified): otherwise few texts
    would be written off. Texts of the region count more than others of the class. Copies are refused and counted. The
    parents of a row are all rows of which a word was taken.

    Parameters
    ----------
    order : int
        Words of an n-gram, 2 to 6.
    opening : int
        Words that are taken from the beginning of the row that a text starts from.
    shorten : float
        Chance to shorten a context that a single word follows, above 0 and at most 1.
    region : float
        Chance to draw the next word from texts of the region alone, where they have one; above 0 and at most 1.
    tries : int
        Most texts written for each requested row.
    most_words : int
        Most words of a text.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    reads: ClassVar[str] = "words"

    order: int = 3
    opening: int = 1
    shorten: float = 0.5
    region: float = 0.5
    tries: int = 20
    most_words: int = 400

    table_: Table = field(init=False, repr=False)
    array_: str = field(init=False, repr=False)
    known_: Known = field(init=False, repr=False)
    chains_: dict[int, Chain] = field(init=False, repr=False)  # by class
    tally: Tally = field(init=False, repr=False, default_factory=Tally)

    def __post_init__(self) -> None:
        check_bounds(
            self,
            least={"order": 2, "opening": 0, "tries": 1, "most_words": 1},
            most={"order": 6, "opening": 100, "most_words": 4_000},
            shares=("shorten", "region"),
        )

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Count which words follow which in real texts of each class; ``rng`` is not used."""
        real = real_rows(table)
        self.array_, self.table_ = array_of(table, self.reads), table
        texts: list[str] = table.rows.arrays[self.array_].tolist()
        self.known_ = Known(real.rows.arrays[self.array_].tolist())
        self.chains_ = {
            int(code): Chain.of(texts, np.flatnonzero(table.is_real & (table.y == code)), self.order)
            for code in np.unique(real.y)
        }
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Write texts until ``request.n`` lie inside the region or the tries are used up."""
        rows, chance = starting_rows(self.table_, request)
        if not len(rows) or not request.n:
            return Samples(no_rows(self.table_), request, 0, "seeds")
        draws, made = class_stream(rng, request.label), set[str]()
        texts: list[str] = self.table_.rows.arrays[self.array_].tolist()
        near = {
            int(code): self._near(texts, rows[self.table_.y[rows] == code]) for code in np.unique(self.table_.y[rows])
        }

        def written(anywhere: Request) -> Samples:
            starts = draws.choice(rows, size=anywhere.n, p=chance)
            return Samples(self._written(starts, near, draws, made), anywhere, anywhere.n, "seeds")

        samples = keep_inside(written, request, self.tries, BATCH, draws)
        self.tally.add("delivered", len(samples.table))
        return samples

    def _near(self, texts: list[str], rows: np.ndarray) -> Chain:
        """Return the chain of some rows (m,) of one class, which is there already if they are all of them."""
        code = int(self.table_.y[rows[0]])
        whole = np.flatnonzero(self.table_.is_real & (self.table_.y == code))
        return self.chains_[code] if np.array_equal(np.sort(rows), whole) else Chain.of(texts, rows, self.order)

    def _written(self, starts: np.ndarray, near: dict[int, Chain], draws: np.random.Generator, made: set[str]) -> Table:
        """Write a text from each start (n,); those that are refused are left out."""
        texts = self.table_.rows.arrays[self.array_]
        longest = texts.dtype.itemsize // 4  # so the array of new texts is no wider than that of real ones
        kept, found, sources = list[int](), list[str](), list[list[int]]()
        for start in starts.tolist():
            code = int(self.table_.y[start])
            text, rows = _text(near[code], self.chains_[code], str(texts[start]), start, self, draws)
            self.tally.add("written")
            if reason := self.known_.reason(text, longest, made):
                self.tally.add(reason)
                continue
            kept.append(start)
            found.append(text)
            sources.append(rows)
        if not kept:
            return no_rows(self.table_)
        return with_texts(self.table_, self.array_, np.array(kept), found, sources)

    def said(self) -> str:
        """Tell in a sentence what this generator and its copies have written so far."""
        counts = self.tally.counts()
        told = refused(counts, REASONS)
        return (
            f"{counts.get('written', 0):,} texts written word by word, {counts.get('delivered', 0):,} delivered"
            f"{f'; refused: {told}' if told else ''}."
        )

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)


def _text(
    near: Chain, whole: Chain, model: str, start: int, settings: Markov, draws: np.random.Generator
) -> tuple[str, list[int]]:
    """Write one text about as long as the one it starts from; return it with the rows its words come from."""
    wanted = words_of(model)
    words, rows = wanted[: settings.opening], [start]
    most = min(settings.most_words, round(1.5 * len(wanted)) + 5)
    while len(words) < most:
        found = near.next(words, settings.shorten, 1, draws) if draws.random() < settings.region else None
        found = found or whole.next(words, settings.shorten, 0, draws)
        if found is None or found[0] is END:
            break
        words.append(str(found[0]))
        rows.append(found[1])
    return joined(words), rows


_: type[Generator] = Markov
