"""What is compared: tf-idf alone, its usual remedies for a rare topic, word vectors, and the loop with made texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments.arms.forms.text import LETTERS, form, has_vectors
from experiments.benchmarks.text.loopback import ChatServer
from experiments.benchmarks.text.stand_in import answers
from experiments.config.strategies import Strategy, compose, without_aim
from experiments.data.split import Split
from generators import LLM, Markov, Resample
from learners import LEARNERS, Committee
from learners.text.tfidf import Tfidf
from loop.cycle.driver import run_loop
from loop.cycle.parts import Parts, Settings
from loop.protocols import Generator, Learner
from loop.seeds import stream
from loop.types import Region, Request, Table

REAL, WEIGHTED, COPIED = "tf-idf, real rows alone", "tf-idf, classes of equal weight", "tf-idf, rare topic oversampled"
WORDS, CHAIN = "tf-idf of words alone, real rows", "tf-idf, Markov texts of the rare topic"
VECTORS, EVEN_VECTORS = "word vectors and columns, linear", "word vectors, classes of equal weight"
LOOP, UNAIMED = "loop: markov", "loop: markov, without aim"
SERVER, BOUND = "loop: llm, stand-in without knowledge", "loop: llm, stand-in hands out held-back texts"
BOUND_ALONE = "held-back texts added, no loop"
CONTROLS = (REAL, WEIGHTED, COPIED, WORDS, CHAIN, VECTORS, EVEN_VECTORS)
LANES = 3
SETTINGS = Settings(generations=2, budget=0.25, pool=2, jobs=1)
# The class is what a language model knows of a text, so its texts are asked for by class and keep that label.
BY_CLASS = Strategy(finder="by_class", acquisition="random", labeller="condition", share_anywhere=0.0)


@dataclass(frozen=True, eq=False)
class Cell:
    """One split, with the texts of the rare topic that no arm but the bound may see."""

    split: Split
    rare: str
    held_back: Sequence[str]
    seed: int

    @property
    def train(self) -> Table:
        """Training rows."""
        return self.split.train

    @property
    def missing(self) -> int:
        """How many rows the rare topic has fewer than the others on average."""
        counts = np.bincount(self.train.y)
        own = self.train.schema.positive
        return max(0, round(float(np.delete(counts, own).mean())) - int(counts[own]))


Arm = Callable[[Cell], tuple[Learner, str]]  # the fitted learner, and a note


def _fitted(learner: Learner, cell: Cell, more: Table | None = None) -> Learner:
    table = cell.train if more is None else Table.concat([cell.train, more])
    return learner.fit(table, stream(cell.seed, "fit"))


def _plain(make: Callable[[], Learner]) -> Arm:
    return lambda cell: (_fitted(make(), cell), "")


def _with_rows(make: Callable[[], Generator]) -> Arm:
    """Return the arm that brings the rare topic to the size of the others."""

    def arm(cell: Cell) -> tuple[Learner, str]:
        generator = make().fit(cell.train, stream(cell.seed, "generator"))
        request = Request(Region(), cell.train.schema.positive, cell.missing)
        made = generator.sample(request, stream(cell.seed, "sample")).table
        return _fitted(replace(LETTERS), cell, made), f"{len(made)} rows"

    return arm


def _run(parts: Parts, cell: Cell) -> tuple[Learner, str]:
    folds = cell.split.folds(cell.seed, lanes=LANES)
    run = run_loop(parts, cell.train, folds, stream(cell.seed, "loop"))
    kept = sum(generation.decision.kept for generation in run.history)
    rows = sum(len(generation.rows) for generation in run.history if generation.decision.kept)
    return run.outcome.learner, f"{kept} of {len(run.history)} generations kept, {rows} rows"


def _parts(strategy: Strategy | str, generator: Generator) -> Parts:
    usual = form()
    return compose(
        strategy,
        learner=usual.learner,
        teacher=Committee(usual.members, folds=LANES, jobs=1),
        generator=generator,
        settings=SETTINGS,
    )


def _markov(cell: Cell) -> tuple[Learner, str]:
    return _run(_parts(replace(BY_CLASS, acquisition="gap", labeller="teacher", share_anywhere=0.5), Markov()), cell)


def _unaimed(cell: Cell) -> tuple[Learner, str]:
    parts = _parts(replace(BY_CLASS, acquisition="gap", labeller="teacher", share_anywhere=0.5), Markov())
    return _run(without_aim(parts), cell)


def _through_the_server(held: bool) -> Arm:
    def arm(cell: Cell) -> tuple[Learner, str]:
        with ChatServer(answers(cell.rare, cell.held_back if held else ())) as server:
            generator = LLM(server.url, "stand-in", texts_a_call=20, tries=2, most_calls=20_000, most_tokens=10**9)
            learner, note = _run(_parts(BY_CLASS, generator), cell)
        return learner, f"{note}; {generator.said()}"

    return arm


def _held_back(cell: Cell) -> tuple[Learner, str]:
    """Add as many held-back texts as the rare topic is short of, through the server: the bound without a loop."""
    with ChatServer(answers(cell.rare, cell.held_back)) as server:
        settings = {"texts_a_call": 20, "tries": 5, "most_tokens": 10**9}
        return _with_rows(lambda: LLM(server.url, "stand-in", **settings))(cell)  # type: ignore[arg-type]


def arms(*, unaimed: bool = False) -> Mapping[str, Arm]:
    """Return the arms by name, on demand with the loop without aim; word vectors where the extra is installed."""
    found: dict[str, Arm] = {
        REAL: _plain(lambda: replace(LETTERS)),
        WEIGHTED: _plain(lambda: replace(LETTERS, balanced=True)),
        COPIED: _with_rows(Resample),
        WORDS: _plain(Tfidf),
        CHAIN: _with_rows(Markov),
        LOOP: _markov,
        SERVER: _through_the_server(held=False),
        BOUND: _through_the_server(held=True),
        BOUND_ALONE: _held_back,
    }
    vectors: dict[str, Arm] = {
        VECTORS: _plain(partial(LEARNERS.make, "static_embeddings", columns="all")),
        EVEN_VECTORS: _plain(partial(LEARNERS.make, "static_embeddings", columns="all", balanced=True)),
    }
    found |= {UNAIMED: _unaimed} if unaimed else {}
    return (found | vectors) if has_vectors() else found
