"""Texts in a report: short, on one line, and harmless."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from experiments.report.arrays.text import SHOWN, samples, shown


def test_each_text_is_a_record_of_its_group() -> None:
    texts = np.array(["one\ntwo", "\x1b[31mred \u202e"])
    assert samples({"real": (texts, ["sea", "garden"]), "none": (texts[:0], [])}) == [
        {"rows": "real", "text": "one two", "class": "sea"},
        {"rows": "real", "text": "\\x1b[31mred \\u202e", "class": "garden"},
    ]


def test_long_texts_lose_their_middle() -> None:
    told = shown("begin " + "x" * 1_000 + " end")
    assert told.startswith("begin x")
    assert told.endswith("x end")
    assert len(told) == SHOWN
    assert shown("begin " + "y " * 10_000 + "end").endswith("y end")


@given(some.text(max_size=3_000))
def test_any_text_is_one_short_printable_line(text: str) -> None:
    told = shown(text)
    assert told.isprintable() or not told
    assert len(told) <= SHOWN
