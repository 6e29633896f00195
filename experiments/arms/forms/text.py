"""The usual parts for texts: tf-idf against itself with weights, word vectors, and trees on columns."""

from collections.abc import Iterator
from importlib.util import find_spec

from experiments.arms.forms.form import Form
from experiments.arms.kind import BOOSTED, OTHER, Kind
from generators.text.markov import Markov
from learners import LEARNERS, XGBoost
from learners.text.tfidf import Tfidf
from loop.protocols import Learner


def form() -> Form:
    """Return the usual parts; word vectors are among them where the extra ``text`` is installed."""
    return Form(learner=Tfidf(), members=tuple(_members()), generator=Markov(), kinds=tuple(_kinds()))


def _members() -> Iterator[Learner]:
    yield from (Tfidf(), Tfidf(letters=4, fewest=2, most_terms=20_000), Tfidf(words=1, columns="all"))
    yield XGBoost(trees=150, depth=4, rate=0.1, column_share=0.8)
    if has_vectors():
        yield LEARNERS.make("static_embeddings", columns="others")


def _kinds() -> Iterator[Kind]:
    yield Kind("tf-idf", OTHER, tuple(Tfidf(C=C) for C in (3.0, 10.0, 100.0)), slow=False)
    yield Kind("tf-idf, classes of equal weight", OTHER, (Tfidf(balanced=True),), slow=False)
    yield Kind("tf-idf of words and letters", OTHER, (Tfidf(letters=4, fewest=2, columns="others"),), slow=False)
    yield Kind("XGBoost on columns", BOOSTED, (XGBoost(trees=200, depth=4, rate=0.08),), slow=False)
    if has_vectors():
        variants = tuple(LEARNERS.make("static_embeddings", C=C, columns="others") for C in (10.0, 100.0))
        yield Kind("word vectors", OTHER, variants, slow=False)


def has_vectors() -> bool:
    """Tell whether the extra ``text`` is installed."""
    return find_spec("wordllama") is not None
