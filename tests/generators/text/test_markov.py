"""The Markov chain: laws of generators of arrays, where its words come from, what it refuses, and its bounds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from texts import TOPICS, text_table

from generators.text.chain import END, Chain, joined, words_of
from generators.text.markov import Markov
from generators.text.refusals import COPIED, EMPTY, EXCERPT, REPEATED, TOO_LONG, Known
from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.testing.arrays import GENERATOR_LAWS
from loop.types import Region, Request, Table

TABLE = text_table()
RNG = np.random.default_rng


def texts(table: Table) -> list[str]:
    return list(table.rows.arrays["note"].tolist())


def of_texts(*lines: str, label: int = 0) -> Table:
    """Return a table of a few texts of one class."""
    table = TABLE.take(np.arange(len(lines)))
    return replace(table, rows=Rows(table.X, {"note": np.array(lines)}), y=np.full(len(lines), label, dtype=np.int64))


@pytest.mark.parametrize("law", GENERATOR_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("make", [Markov, lambda: Markov(order=2, opening=0, region=1.0)], ids=["usual", "short"])
def test_law(law: Callable[[Callable[[], Markov], Table], None], make: Callable[[], Markov]) -> None:
    law(make, TABLE)


def test_words_of_a_class_are_those_of_its_texts_and_the_parents_hold_them() -> None:
    table = TABLE.numbered(np.arange(len(TABLE)) + 500)
    made = Markov().fit(table, RNG(0)).sample(Request(Region(), 2, 30), RNG(1)).table
    for text, parents in zip(texts(made), made.parents, strict=True):
        own = parents[parents >= 0] - 500
        assert (TABLE.y[own] == 2).all()
        assert len(set(own)) == len(own)
        assert set(words_of(text)) <= {word for row in own for word in words_of(texts(TABLE)[row])}
    topic = {word for name, words in TOPICS.items() if name != TABLE.schema.classes[2] for word in words.split()}
    strange = topic - set(TOPICS[str(TABLE.schema.classes[2])].split())
    assert not strange & {word.lower().strip(".!") for text in texts(made) for word in text.split()}


def test_no_text_is_a_copy_and_the_counts_add_up() -> None:
    generator = Markov(shorten=0.05).fit(TABLE, RNG(0))
    samples = generator.sample(Request(Region(), None, 200), RNG(1))
    real = {"".join(filter(str.isalnum, text.casefold())) for text in texts(TABLE)}
    made = ["".join(filter(str.isalnum, text.casefold())) for text in texts(samples.table)]
    assert not set(made) & real
    assert len(set(made)) == len(made)
    counts = generator.tally.counts()
    assert counts[COPIED] > 0, "with so little shortening some texts must have been copies"
    refused = sum(counts.get(reason, 0) for reason in (COPIED, EMPTY, TOO_LONG, REPEATED))
    assert counts["written"] == samples.tried
    assert counts["written"] - refused >= counts["delivered"] == len(samples.table)
    assert f"{counts[COPIED]:,} {COPIED}" in generator.said()


def test_what_can_only_be_copied_ends_with_a_shortfall() -> None:
    generator = Markov(tries=5, shorten=0.01).fit(of_texts("one two three four five six seven"), RNG(0))
    samples = generator.sample(Request(Region(), 0, 3), RNG(1))
    assert samples.tried == 15
    assert samples.shortfall > 0
    assert generator.tally[COPIED] + generator.tally[REPEATED] >= 10


def test_texts_are_bounded() -> None:
    table = of_texts("round and " * 300, "and round and", "round round and round")
    made = Markov(most_words=12, tries=50).fit(table, RNG(0)).sample(Request(Region(), None, 20), RNG(1)).table
    assert len(made) > 0
    assert max(len(text.split()) for text in texts(made)) <= 12


def test_seeds_are_the_starts() -> None:
    region = Region(seeds=np.array([3, 7]), seed_weight=np.array([1.0, 0.0]))
    made = Markov().fit(TABLE, RNG(0)).sample(Request(region, None, 10), RNG(1)).table
    assert len(made) > 0
    assert (made.parents[:, 0] == 3).all()
    assert {text.split()[0] for text in texts(made)} == {texts(TABLE)[3].split()[0]}
    assert (made.X[:, TABLE.schema.names.index("pages")] == TABLE.X[3, TABLE.schema.names.index("pages")]).all()


def test_copies_count_in_one_tally() -> None:
    import copy

    generator = Markov()
    for seed in range(2):
        copy.deepcopy(generator).fit(TABLE, RNG(0)).sample(Request(Region(), None, 5), RNG(seed))
    assert generator.tally["delivered"] == 10


def test_a_generator_can_be_sent_to_another_process() -> None:
    import pickle

    generator = Markov().fit(TABLE, RNG(0))
    generator.sample(Request(Region(), None, 5), RNG(0))
    again = pickle.loads(pickle.dumps(generator))
    again.sample(Request(Region(), None, 5), RNG(0))
    assert again.tally["delivered"] == 10
    assert generator.tally["delivered"] == 5


def test_a_chain_backs_off_to_contexts_that_are_known() -> None:
    chain = Chain.of(["a b c", "a b d", "e f"], np.arange(3), 3)
    assert chain.followers["a", "b"] == [("c", 0), ("d", 1)]
    assert chain.next(["x", "e"], 0.0, 1, RNG(0)) == ("f", 2)
    assert chain.next(["e", "f"], 0.0, 1, RNG(0)) == (END, 2)
    assert chain.next(["x", "y"], 0.0, 1, RNG(0)) is None
    assert chain.next(["x", "y"], 0.0, 0, RNG(0)) is not None
    assert {chain.next([], 0.0, 1, RNG(seed)) for seed in range(20)} == {("a", 0), ("a", 1), ("e", 2)}


def test_lines_come_back_as_they_were() -> None:
    assert joined(words_of("one two\nthree\n\nfour")) == "one two\nthree\n\nfour"


REAL = "The quick brown fox jumps over the lazy dog and runs away from here"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", EMPTY),
        (" ... ", EMPTY),
        ("x" * 101, TOO_LONG),
        (REAL.upper().replace(" ", "  ") + "!", COPIED),
        (REAL[10:], COPIED),
        (f"Well: {REAL}", COPIED),
        ("Short", COPIED),
        ("The quick brown fox", None),
        ("made", REPEATED),
    ],
)
def test_what_is_refused(text: str, reason: str | None) -> None:
    assert Known([REAL, "short", ""]).reason(text, 100, {"made"}) == reason


def test_every_piece_of_a_real_text_is_a_copy_from_its_length_on() -> None:
    rng = RNG(0)
    real = ["".join(rng.choice(list("abc"), size)) for size in rng.integers(30, 120, 40)]
    known = Known(real)
    for text in real:
        for start in range(max(1, len(text) - EXCERPT + 1)):
            piece = text[start : start + EXCERPT]
            assert known.reason(piece, 1_000, set()) == (COPIED if len(piece) == EXCERPT or piece == text else None)
    made = ["".join(rng.choice(list("abc"), 60)) for _ in range(50)]
    assert {known.reason(text, 1_000, set()) for text in made} == {None}


@pytest.mark.parametrize(
    "settings", [{"order": 1}, {"order": 7}, {"opening": -1}, {"shorten": 0.0}, {"region": 1.5}, {"tries": 0}]
)
def test_settings_are_bounded(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Markov(**settings)  # type: ignore[arg-type]


def test_tables_without_texts_are_refused() -> None:
    bare = replace(TABLE, rows=Rows(TABLE.X), schema=replace(TABLE.schema, arrays=()))
    with pytest.raises(DataError, match="words"):
        Markov().fit(bare, RNG(0))
