"""Static embeddings: the laws with a stand-in for wordllama, and with the library itself where it is installed."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from texts import text_table

from learners.text import word_vectors
from learners.text.static_embeddings import ARRAYS, TREES, StaticEmbeddings
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing.arrays import LEARNER_LAWS
from loop.types import Table

TABLE = text_table()
RNG = np.random.default_rng
MAKERS: dict[str, Callable[[], Learner]] = {
    "linear": StaticEmbeddings,
    "linear with columns": lambda: StaticEmbeddings(columns="all", balanced=True),
    "XGBoost": lambda: StaticEmbeddings("xgboost"),
    "XGBoost with columns": lambda: StaticEmbeddings("xgboost", columns="others", balanced=True),
}


class WordLlama:
    """A stand-in: the vector of a word is drawn by its letters."""

    calls: list[dict[str, Any]] = []  # noqa: RUF012  (what `load` was asked)

    @classmethod
    def load(cls, **asked: Any) -> "WordLlama":
        cls.calls.append(asked)
        return cls()

    def embed(self, texts: list[str]) -> np.ndarray:
        return np.array(
            [np.sum([_drawn(word) for word in text.lower().split()] or [np.zeros(256)], 0) for text in texts]
        )


def _drawn(word: str) -> np.ndarray:
    return RNG(crc32(word.encode())).normal(size=256)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = ModuleType("wordllama")
    module.__file__ = "/somewhere/wordllama/__init__.py"
    module.WordLlama = WordLlama  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wordllama", module)
    word_vectors.word_vectors.cache_clear()
    yield module
    word_vectors.word_vectors.cache_clear()


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("law", LEARNER_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_law(law: Callable[[Callable[[], Learner], Table], None], make: Callable[[], Learner]) -> None:
    law(make, TABLE)


@pytest.mark.usefixtures("stand_in")
def test_nothing_is_downloaded() -> None:
    WordLlama.calls.clear()
    StaticEmbeddings().fit(TABLE, RNG(0))
    assert [call["disable_download"] for call in WordLlama.calls] == [True]
    assert WordLlama.calls[0]["cache_dir"] == Path("/somewhere/wordllama")


@pytest.mark.usefixtures("stand_in")
def test_vectors_have_length_one_or_none() -> None:
    lengths = np.linalg.norm(word_vectors.vectors_of(["the sea", ""]), axis=1)
    np.testing.assert_allclose(lengths, [1, 0])
    assert word_vectors.vectors_of([]).shape == (0, 256)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)
    word_vectors.word_vectors.cache_clear()
    with pytest.raises(ConfigError, match=r"weakspot\[text\]"):
        StaticEmbeddings().fit(TABLE, RNG(0))


def test_a_library_without_weights_is_told(stand_in: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(**asked: object) -> None:
        raise FileNotFoundError("weights")

    monkeypatch.setattr(WordLlama, "load", load)
    with pytest.raises(ConfigError, match="must hold its weights"):
        StaticEmbeddings().fit(TABLE, RNG(0))


@pytest.mark.usefixtures("stand_in")
def test_balance_raises_the_rare_class() -> None:
    rare = int(np.bincount(TABLE.y, minlength=3).argmin())
    for head in ("linear", "xgboost"):
        plain, even = (
            StaticEmbeddings(head, C=0.1, balanced=each).fit(TABLE, RNG(0)).predict_proba(TABLE.rows)[:, rare].mean()
            for each in (False, True)
        )
        assert even > plain, head


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("head", "file"), [("linear", ARRAYS), ("xgboost", TREES)])
def test_a_damaged_folder_is_refused(head: Any, file: str, tmp_path: Path) -> None:
    StaticEmbeddings(head).fit(TABLE, RNG(0)).save(tmp_path)
    text = (tmp_path / "settings.json").read_text()
    (tmp_path / "settings.json").write_text(text.replace('"n_classes": 3', '"n_classes": 2'))
    with pytest.raises(DataError, match="whole model of texts"):
        StaticEmbeddings.load(tmp_path)
    (tmp_path / "settings.json").write_text(text)
    path = tmp_path / file
    path = path if path.is_file() else path / "settings.json"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DataError):
        StaticEmbeddings.load(tmp_path)


@pytest.mark.usefixtures("stand_in")
def test_it_knows_for_which_rows_it_is() -> None:
    learner = StaticEmbeddings().fit(TABLE, RNG(0))
    assert learner.misfit(TABLE.schema) is None
    assert "note" in (learner.misfit(replace(TABLE.schema, arrays=())) or "")
    with pytest.raises(DataError, match="texts"):
        learner.predict_proba(Rows(TABLE.X))


@pytest.mark.skipif(find_spec("wordllama") is None, reason="the extra text is not installed")
def test_the_library_itself_tells_topics_apart_by_words_it_was_never_shown() -> None:
    word_vectors.word_vectors.cache_clear()
    before = list(logging.getLogger().handlers), logging.getLogger().level
    vectors = word_vectors.vectors_of(["a boat on the ocean", "a ship at sea", "butter in the oven"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
    for law in LEARNER_LAWS:
        law(StaticEmbeddings, TABLE)
