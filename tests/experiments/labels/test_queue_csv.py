"""A queue survives its CSV: whatever the texts are, questions and labels come back, and no cell is a formula."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queues import CLASSES, as_text, questions, small_queue

from experiments.data.spreadsheet import guarded, unguarded
from experiments.labels import queue_csv
from experiments.labels.answers import read_answers
from experiments.labels.columns import RESERVED, queue_of, reserved_names
from experiments.labels.queue_csv import write_csv
from loop.errors import DataError

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    '+1","=2',
    "-1;=HYPERLINK(1)",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'quoted'",
    'a "b" c',
    "line\nbreak\r\nand\rmore",
    "\x00\x01\x0b\x1c\x85\u2028",
    "grün 漢字 🙂 \u202e",
    "x" * 300_000,
    " blank ",
    ",;\t|",
]


def cells(path: Path) -> list[list[str]]:
    """Read a CSV without any code of ours."""
    limit = csv.field_size_limit(10_000_000)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file, strict=True))
    finally:
        csv.field_size_limit(limit)


def test_all_cells_of_a_queue_come_back(tmp_path: Path) -> None:
    queue = small_queue(amount=[1.5, None, -3], flag=[True, False, True], text=["-5", None, "'a"])
    write_csv(queue, tmp_path / "queue.csv")
    header, *lines = cells(tmp_path / "queue.csv")
    assert header == [*RESERVED, "amount", "flag", "text"]
    assert lines[0][8:] == ["1.5", "True", "-5"]
    assert lines[1][8:] == ["", "False", ""]
    assert lines[2][8:] == ["-3.0", "True", "''a"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_and_is_no_formula(text: str, tmp_path: Path) -> None:
    queue = small_queue(**{text: [text, text, text]})
    write_csv(queue, tmp_path / "queue.csv")
    for line in cells(tmp_path / "queue.csv"):
        assert not line[8].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert unguarded(line[8]) == text


def test_all_text_is_quoted_so_that_no_other_separator_cuts_a_cell(tmp_path: Path) -> None:
    write_csv(small_queue(shop=["a;=1+1;b"] * 3), tmp_path / "queue.csv")
    assert '"a;=1+1;b"' in (tmp_path / "queue.csv").read_text(encoding="utf-8")


def test_excel_is_told_the_encoding_and_short_floats_stay_short(tmp_path: Path) -> None:
    queue = small_queue().assign(share=np.array([0.1, 0.2, np.nan], dtype=np.float32))
    write_csv(queue, tmp_path / "queue.csv")
    assert (tmp_path / "queue.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert [line[-1] for line in cells(tmp_path / "queue.csv")] == ["share", "0.1", "0.2", ""]


def test_half_a_surrogate_pair_is_written_readably(tmp_path: Path) -> None:
    write_csv(small_queue(shop=pd.Series(["\ud800", "b", "c"], dtype=object)), tmp_path / "queue.csv")
    assert cells(tmp_path / "queue.csv")[1][8] == "\\ud800"


@given(text=st.text())
def test_guards_are_undone(text: str) -> None:
    assert unguarded(str(guarded(text))) == text
    assert not str(guarded(text)).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


ANY = st.text(min_size=1, max_size=20)
TRICKY = st.text(alphabet="'=-+@ \t\r\n\",;a1.", min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(ANY | TRICKY, min_size=1, max_size=6, unique=True),
    classes=st.lists(ANY | TRICKY, min_size=2, max_size=5, unique=True),
    names=st.lists(
        st.sampled_from(["label", "_label", "question", "__kind", "kind", "x"]) | ANY, max_size=4, unique=True
    ),
    data=st.data(),
)
def test_any_question_and_label_comes_back(
    ids: list[str], classes: list[str], names: list[str], data: st.DataObject, tmp_path: Path
) -> None:
    labels = data.draw(st.lists(st.sampled_from(classes), min_size=len(ids), max_size=len(ids)))
    rows = pd.DataFrame({name: [data.draw(st.text())] * len(ids) for name in names}, index=range(len(ids)))
    write_csv(queue_of(questions(ids, labels=labels), rows), tmp_path / "queue.csv")
    answers = read_answers(tmp_path / "queue.csv", classes)
    assert answers.frame["question"].tolist() == ids
    assert answers.frame["label"].tolist() == labels


def test_columns_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    taken = ["label", "_label", "amount", "question", "_kind"]
    assert list(reserved_names(taken).values())[:2] == ["_question", "kind"]
    assert reserved_names(taken)["label"] == "__label"
    queue = small_queue(labels=["fraud", "", "honest"], **{name: ["no", "no", "no"] for name in taken})
    assert list(queue.columns[:8]) == list(reserved_names(taken).values())
    write_csv(queue, tmp_path / "queue.csv")
    frame = read_answers(tmp_path / "queue.csv", CLASSES).frame
    assert frame[["question", "label"]].to_numpy().tolist() == [["p000001", "fraud"], ["t000003", "honest"]]


def test_moved_columns_are_refused_where_they_cannot_be_told_apart(tmp_path: Path) -> None:
    write_csv(small_queue(label=["fraud"] * 3), tmp_path / "queue.csv")
    lines = [line[::-1] for line in cells(tmp_path / "queue.csv")]
    path = as_text(tmp_path, "\n".join(",".join(line) for line in lines))
    with pytest.raises(DataError, match=r"several are called 'label', and column 8 is another: move the columns back"):
        read_answers(path, CLASSES)


def test_a_write_that_fails_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_csv(small_queue(), tmp_path / "queue.csv")
    before = (tmp_path / "queue.csv").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(queue_csv.csv, "writer", full)

    with pytest.raises(RuntimeError, match="disk is full"):
        write_csv(small_queue(), tmp_path / "queue.csv")
    assert (tmp_path / "queue.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["queue.csv"]


BAD_QUEUES = {
    "a queue must have the columns question, .* and inclusion is missing": lambda q: q.drop(columns="inclusion"),
    "at least one question, got none": lambda q: q.iloc[:0],
    "'p000001' is there more than once": lambda q: q.assign(question="p000001"),
    "must have an id of text": lambda q: q.assign(question=[1, 2, 3]),
    "an id of text such as": lambda q: q.assign(question=["a", "", "b"]),
    "kind ask, audit, check, got 'tell'": lambda q: q.assign(kind="tell"),
}


@pytest.mark.parametrize("message", BAD_QUEUES)
def test_what_is_no_queue_is_refused(message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"(?i){message}"):
        write_csv(BAD_QUEUES[message](small_queue()), tmp_path / "queue.csv")
    assert not list(tmp_path.iterdir())


def test_questions_need_their_rows() -> None:
    with pytest.raises(DataError, match="got 2 questions and 1 rows"):
        queue_of(questions(["a", "b"]), pd.DataFrame({"x": [1]}))
    with pytest.raises(DataError, match="region is missing"):
        queue_of(questions(["a"]).drop(columns="region"), pd.DataFrame({"x": [1]}))
