"""Each bad file with answers is refused in one sentence: the rule, the value, cut where it is long, and the way out."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from queues import CLASSES, annotation, as_json, as_text, task

from experiments.data.csv_format import CsvFormat
from experiments.labels import answers
from experiments.labels.answers import read_answers
from loop.errors import DataError, WeakspotError

HEADER = "question,kind,reason,region,score,inclusion,given,label,amount\n"


FORM = "must be a queue written by weakspot or an export of Label Studio"
BAD_TEXT = {
    "and is empty: export it again": " \n",
    f"{FORM} .* and the column question is missing": "id,kind,label\n1,ask,fraud\n",
    "and the column label is missing: keep it": "question,kind\np1,ask\n",
    "and the column kind is missing": "question,label\np1,fraud\n",
    "'fraud', 'honest', or be 'cannot tell' or empty, and that to 'p1' is 'frod'": f"{HEADER}p1,ask,,,,,,frod,1\n",
    "line 2 must have its question, and the cell is empty": f"{HEADER},ask,,,,,,fraud,1\n",
    "line 3 must be of the kind ask, audit, check, got 'Frage'": f"{HEADER}p1,ask\np2,Frage\n",
    "must be of one kind, and 'p1' is ask and audit": f"{HEADER}p1,ask\np1,audit\n",
    "line 3 must be CSV, but .*: export it again": f'{HEADER}p1,ask,,,,,,fraud,1\np2,ask,,,,,,"fraud,1\n',
    f"{FORM} .* question is missing: check": "PK\x03\x04 some text",
    "it must be JSON, but .*: export it again": '[{"data": 1},',
    "but it is nested too deeply": "[" * 200_000,
    "but it is nested too deeply:": '[{"data": ' * 100_000,
    "and holds no tasks": "[]",
    f"{FORM} .*, and holds no tasks": "[1, 2]",
    "entry 1 must be .*, and has no question": "[{}]",
    "task 1, data must be .*, and has no question": '[{"data": {"text": "a"}, "annotations": []}]',
    "task 1, data must be a mapping": '[{"data": 1, "annotations": []}]',
    "task 1, data.kind must be one of ask, audit, check, got 'x': export": (
        '[{"data": {"question": "p1", "kind": "x"}, "annotations": []}]'
    ),
    "entry 1.question must be text, got 1": '[{"question": 1, "kind": "ask"}]',
    "entry 1 must have a question that is text": '[{"question": "\\ud800", "kind": "ask"}]',
    "entry 1 must have a question": '[{"question": "", "kind": "ask"}]',
    "entry 1 must be answered by one class": '[{"question": "p1", "kind": "ask", "label": ["fraud", "honest"]}]',
    r"entry 1 must be answered by one class, got \{'choices'": (
        '[{"question": "p1", "kind": "ask", "label": {"choices": ["fraud", "honest"]}}]'
    ),
    "that to 'p1' is 'None'": '[{"question": "p1", "kind": "ask", "label": "None"}]',
    "it must be JSON, but Exceeds": f'[{{"question": "p1", "kind": "ask", "label": {"9" * 5_000}}}]',
}


@pytest.mark.parametrize("message", BAD_TEXT)
def test_bad_files_are_refused_in_one_sentence(message: str, tmp_path: Path) -> None:
    path = as_text(tmp_path, BAD_TEXT[message], "bad")
    with pytest.raises(DataError, match=message) as caught:
        read_answers(path, CLASSES)
    told = str(caught.value).replace(str(tmp_path), "")
    assert "\n" not in told
    assert "/bad" in told
    assert len(told) < 400


def deep(depth: int) -> str:
    return f'[{{"question": "p1", "kind": "ask", "label": {"[1, " * depth}1{"]" * depth}}}]'


@pytest.mark.parametrize("depth", [2, 300, 900, 970, 100_000])
def test_deep_answers_are_refused_however_deep_they_are(depth: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be answered by one class, got|nested too deeply"):
        read_answers(as_text(tmp_path, deep(depth)), CLASSES)


def changed(**harm: object) -> Callable[[], list[object]]:
    return lambda: [task("p1", {**annotation("fraud"), **harm})]


BAD_ANNOTATIONS = {
    "annotations must be a list, got 5": lambda: [{**task("p1"), "annotations": 5}],
    "annotations.0 must be a mapping": lambda: [{**task("p1"), "annotations": [1001]}],
    "annotations.0.result must be a list": changed(result="fraud"),
    "annotations.0.result.0 must be a mapping": changed(result=["fraud"]),
    "annotations.0.result.0.from_name must be text": changed(result=[{"from_name": 1}]),
    "answered by choices called 'label', and theirs are called 'verdict'": changed(
        result=[{"from_name": "verdict", "type": "choices", "value": {"choices": ["fraud"]}}]
    ),
    "must be answered by one class, got": changed(
        result=[{"from_name": "label", "type": "choices", "value": {"choices": ["fraud", "honest"]}}]
    ),
    "must be answered by one class, got \\[": changed(
        result=[{"from_name": "label", "value": {"choices": ["fraud"]}}, {"from_name": "label", "value": None}]
    ),
}


@pytest.mark.parametrize("message", BAD_ANNOTATIONS)
def test_bad_annotations_are_refused(message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_answers(as_json(tmp_path, BAD_ANNOTATIONS[message]()), CLASSES)


def test_files_that_are_none_or_too_large_or_no_text_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="does not exist: check the path"):
        read_answers(tmp_path / "none.csv", CLASSES)
    with pytest.raises(DataError, match="is a folder"):
        read_answers(tmp_path, CLASSES)
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="is empty"):
        read_answers(tmp_path / "empty", CLASSES)
    (tmp_path / "latin.csv").write_bytes("question,kind,label\np1,ask,grün\n".encode("latin-1"))
    with pytest.raises(DataError, match="must be text in UTF-8, and byte 29 is not; it seems to be latin-1: add --enc"):
        read_answers(tmp_path / "latin.csv", CLASSES)
    with pytest.raises(DataError, match="must be text in ascii, and byte 29 is not: correct --encoding"):
        read_answers(tmp_path / "latin.csv", CLASSES, CsvFormat(encoding="ascii"))
    with pytest.raises(DataError, match="the column question is missing"):
        read_answers(tmp_path / "latin.csv", ("grün", "rot"), CsvFormat(sep="|", encoding="latin-1"))
    monkeypatch.setattr(answers, "MOST_BYTES", 10)
    with pytest.raises(DataError, match=re.escape("must have at most 10 bytes, got 32: export fewer questions")):
        read_answers(tmp_path / "latin.csv", CLASSES)


def test_values_in_messages_are_cut(tmp_path: Path) -> None:
    path = as_text(tmp_path, f"question,kind,label\n{'q' * 9_000},ask,{'x' * 9_000}\n", "a.csv")
    with pytest.raises(WeakspotError) as caught:
        read_answers(path, [f"class {number:05d}" * 20 for number in range(500)])
    assert len(str(caught.value)) < 300 + len(str(path)) + 5
    assert str(caught.value).startswith(f"{path}: an answer must name one of the classes")
    assert str(caught.value).endswith(": correct it.")
