"""Whatever a file holds, it is answers or one sentence: no other error, and no question in two counts."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queues import CLASSES, annotation, task

from experiments.labels.answers import read_answers
from loop.errors import DataError

WORDS = ["p1", "p2", "ask", "audit", "fraud", "honest", "cannot tell", "", "label", "choices", "\ud800", "'"]
KEYS = ["question", "kind", "label", "data", "annotations", "result", "value", "choices", "from_name", "annotator"]
KEYS += ["completed_by", "was_cancelled", "predictions", "id", "email", "type"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
CELLS = st.sampled_from([*WORDS[:-2], "question", "kind", '"', '"a', 'a"b', "'p1", "=1", "\x00", "\u2028", "x" * 50])
FREE = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    told = ""
    try:
        read = read_answers(path, CLASSES)
    except DataError as error:
        told = str(error).replace(str(path), "")
    if told:
        assert "\n" not in told
        assert len(told) < 600
        return
    questions = read.frame["question"].tolist()
    assert len({*questions, *read.disagreeing}) == len(questions) + len(read.disagreeing)
    assert set(read.frame["label"]) <= set(CLASSES)
    assert all(count >= 0 for count in read.skipped.values())


@FREE
@given(value=VALUES)
def test_any_json(value: Any, tmp_path: Path) -> None:
    check(tmp_path / "any", json.dumps(value).encode())


@FREE
@given(key=st.sampled_from(KEYS), value=VALUES, place=st.integers(0, 3))
def test_an_export_with_any_harm(key: str, value: Any, place: int, tmp_path: Path) -> None:
    whole: Any = task("p1", annotation("fraud"))
    places = [whole, whole["data"], whole["annotations"][0], whole["annotations"][0]["result"][0]]
    places[place][key] = value
    check(tmp_path / "any", json.dumps([whole, task("p2", annotation("honest"))]).encode())


@FREE
@given(
    lines=st.lists(st.lists(CELLS, max_size=4), max_size=4),
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_lines(lines: list[list[str]], separator: str, end: str, tmp_path: Path) -> None:
    header = ["question", "kind", "label", "annotator"]
    check(tmp_path / "any", end.join(separator.join(line) for line in [header, *lines]).encode())


@FREE
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    check(tmp_path / "any", content)
