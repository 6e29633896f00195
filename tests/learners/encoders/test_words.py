"""Texts as columns: readable ones say what they are named after, and a row's columns are its own."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from texts import text_frame, text_table

from learners.encoders.words import BUCKETS, READABLE, Words
from loop.catalogue import ENCODERS
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.errors import ConfigError, DataError

TEXTS = np.array(["", "Hello, World 42", "a a A", "the sea, the sea", "long " * 50])
FITTED = Words(components=3).fit(TEXTS)


def columns(texts: list[str]) -> dict[str, np.ndarray]:
    return dict(zip(FITTED.names, FITTED.columns(np.array(texts)).T, strict=True))


def test_readable_columns_are_counted() -> None:
    made = columns(["Hello, World 42", "a a A", ""])
    np.testing.assert_allclose(made["characters"], [15, 5, 0])
    np.testing.assert_allclose(made["words"], [3, 3, 0])
    np.testing.assert_allclose(made["word_length"], [13 / 3, 1, 0])
    np.testing.assert_allclose(made["digits"], [2 / 15, 0, 0])
    np.testing.assert_allclose(made["capitals"], [2 / 15, 1 / 5, 0])
    np.testing.assert_allclose(made["punctuation"], [1 / 15, 0, 0])
    np.testing.assert_allclose(made["distinct"], [1, 1 / 3, 0])


def test_a_row_has_its_columns_in_any_company() -> None:
    together = FITTED.columns(TEXTS)
    for at in range(len(TEXTS)):
        np.testing.assert_array_equal(FITTED.columns(TEXTS[at : at + 1])[0], together[at])
    assert FITTED.columns(TEXTS[:0]).shape == (0, len(FITTED.names))


def test_components_tell_topics_apart() -> None:
    table = text_table(300)
    encoder = table.schema.arrays[0].encoder
    made = encoder.columns(table.rows.arrays["note"])[:, len(READABLE) :]
    between = np.var([made[table.y == code].mean(axis=0) for code in range(3)], axis=0)
    within = np.mean([made[table.y == code].var(axis=0) for code in range(3)], axis=0)
    assert (between / within).max() > 1


def test_an_encoder_survives_json_and_stays_small() -> None:
    told = json.dumps(FITTED.to_json())
    again = Words.from_json(json.loads(told))
    np.testing.assert_array_equal(again.columns(TEXTS), FITTED.columns(TEXTS))
    assert len(json.dumps(Words().fit(np.array(text_frame()["note"], dtype=str)).to_json())) < 40_000
    assert (again.components, again.most_characters) == (3, 4_000)


@pytest.mark.parametrize(
    "change",
    [{"components": 0}, {"most_characters": 10**9}, {"view": {}}, {"more": 1}],
    ids=lambda each: next(iter(each)),
)
def test_a_broken_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DataError, match="encoder of texts"):
        Words.from_json(FITTED.to_json() | change)


def test_a_view_of_other_buckets_is_refused() -> None:
    from learners.encoders.principal import Principal

    other = Principal.of(np.eye(5), 2).to_json()
    with pytest.raises(DataError, match=f"{2 * BUCKETS} buckets"):
        Words.from_json(FITTED.to_json() | {"view": other})


def test_missing_texts_are_empty_and_long_ones_cut() -> None:
    cells = [None, float("nan"), pd.NA, "", "abcdefgh", "a\0", "\ud800", "\r\na\rbcd"]
    stacked = Words(most_characters=5).stacked(cells)
    assert stacked.tolist() == ["", "", "", "", "abcde", "a ", "?", "\na\nbc"]
    assert stacked.dtype.kind == "U"


@pytest.mark.parametrize("cell", [3, 2.5, b"bytes", ["a", "b"], True, np.array([1, 2]), np.array(["a", "b"])])
def test_what_is_no_text_is_refused(cell: object) -> None:
    with pytest.raises(DataError, match="must be text or missing"):
        Words().stacked(["fine", cell])


@pytest.mark.parametrize("settings", [{"components": 0}, {"components": 65}, {"most_characters": 0}])
def test_settings_are_bounded(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Words(**settings)


@given(some.lists(some.text(max_size=60), min_size=1, max_size=8))
def test_any_text_has_finite_columns_and_comes_back(texts: list[str]) -> None:
    stacked = FITTED.stacked(texts)
    assert np.isfinite(FITTED.columns(stacked)).all()
    assert FITTED.stacked(FITTED.cells(stacked)).tolist() == stacked.tolist()


def test_texts_come_back_from_rows_of_a_table() -> None:
    frame = text_frame(60)
    schema = infer(frame, "topic", encoders={"note": Words()})
    assert decode(schema, encode(schema, frame))["note"].tolist() == frame["note"].tolist()


def test_empty_texts_alone_can_be_learnt() -> None:
    made = Words().fit(np.array(["", "", ""])).columns(np.array(["", "word"]))
    assert np.isfinite(made).all()


def test_the_catalogue_knows_it() -> None:
    assert ENCODERS.kind("words") is Words
