"""The usual parts for texts: tf-idf against itself with weights, word vectors, and trees on columns."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

from experiments.arms.forms.form import Form
from experiments.arms.kind import BOOSTED, OTHER, Kind
from generators.text.markov import Markov
from learners import LEARNERS, XGBoost
from learners.text.tfidf import Tfidf
from loop.protocols import Learner

LETTERS = Tfidf(words=1, letters=4, fewest=2, most_terms=5_000)  # few terms, so that a fit takes half a second


def form() -> Form:
    """Return the usual parts; word vectors are among them where the extra ``text`` is installed."""
    return Form(learner=LETTERS, members=tuple(_members()), generator=Markov(), kinds=tuple(_kinds()))


def _members() -> Iterator[Learner]:
    yield from (LETTERS, Tfidf(words=2, fewest=2, columns="all"))
    yield XGBoost(trees=100, depth=3, rate=0.1, column_share=0.8)
    if has_vectors():
        yield LEARNERS.make("static_embeddings", columns="all")


def _kinds() -> Iterator[Kind]:
    yield Kind("tf-idf of words and letters", OTHER, tuple(replace(LETTERS, C=C) for C in (3.0, 10.0)), slow=False)
    yield Kind("tf-idf of words", OTHER, (Tfidf(fewest=2), Tfidf(words=1)), slow=False)
    yield Kind("tf-idf, classes of equal weight", OTHER, (replace(LETTERS, balanced=True),), slow=False)
    yield Kind("tf-idf and columns", OTHER, (replace(LETTERS, columns="all"),), slow=False)
    yield Kind("XGBoost on columns", BOOSTED, (XGBoost(trees=200, depth=4, rate=0.08),), slow=False)
    if has_vectors():
        variants = tuple(LEARNERS.make("static_embeddings", C=C, columns="all") for C in (3.0, 10.0, 30.0))
        yield Kind("word vectors and columns", OTHER, variants, slow=False)


def has_vectors() -> bool:
    """Tell whether the extra ``text`` is installed."""
    return find_spec("wordllama") is not None
