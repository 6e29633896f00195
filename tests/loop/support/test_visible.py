"""Text of others is seen as what it is; sentences are short whatever they quote; Markdown shows text literally."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.errors import ConditionError, ConfigError, DataError, TrackingError, WeakspotError
from loop.support.visible import HIDDEN, LONGEST, file_name, in_markdown, sentence, visible

UNSEEN = "\x00\x07\x1b\x7f\x85\r\n\t\u200b\u200f\u202a\u202e\u2028\u2029\u2066\u2069"
UNSEEN += "\ufeff\u00ad\u034f\u3164\ufe0f\U000e0041\udc80"


def hidden(text: str) -> list[str]:
    return [each for each in text if unicodedata.category(each) in HIDDEN]


@pytest.mark.parametrize("character", UNSEEN)
def test_what_is_not_seen_is_written_out(character: str) -> None:
    assert visible(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_hides_anything(text: str) -> None:
    assert not hidden(visible(text))
    assert visible(visible(text)) == visible(text)
    assert visible(text, lines=True).count("\n") == text.count("\n")


def test_writing_of_all_languages_stays() -> None:
    for text in ("Größe", "漢字 かな", "العربية", "हिन्दी", "emoji 😀", "10\u00a0%"):
        assert visible(text) == text


@pytest.mark.parametrize("kind", [WeakspotError, DataError, ConfigError, ConditionError, TrackingError])
@pytest.mark.parametrize(
    "value", ["x" * 10**7, "x y " * 10**6, "\x1b" * 10**6, ["n" * 50] * 10**5, {"k" * 9: "v" * 10**6}]
)
def test_every_error_is_one_short_sentence(kind: type[WeakspotError], value: object) -> None:
    told = str(kind(f"amount must be a number, got {value}: correct it."))
    assert len(told) <= LONGEST
    assert told.startswith("amount must be a number, got ")
    assert told.endswith(": correct it.")
    assert not hidden(told)
    assert sentence(told) == told


def test_no_password_is_cut_into_sight() -> None:
    told = sentence("tracking at postgresql://me:" + "secret" * 60 + "@host/db is down: correct it.")
    assert "secret" not in told


@given(st.text())
def test_names_of_files(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name) <= 100
    assert name[0] not in ".-"
    assert not hidden(name)
    assert not set(name) & set("/\\:*?\"<>| $'")


def test_markdown() -> None:
    assert in_markdown("real_only [0.1, 0.2] 3 %") == "real_only [0.1, 0.2] 3 %"
    told = in_markdown("a|b `c` [l](http://e.com) <b> **s** _e_ &amp; @me \x1b\n# h")
    assert not set(told) & set("|`<>*@\\\n\x1b")
    assert "](" not in told
    assert "://" not in told
