"""Answers name classes as text, whatever the classes are and whatever a spreadsheet makes of them."""

from pathlib import Path

import pytest
from queues import CLASSES, as_json, as_text

from experiments.labels.answers import read_answers
from loop.errors import ConfigError, DataError

HEADER = "question,kind,reason,region,score,inclusion,given,label,amount\n"
NONE = {"no answer": 0, "cancelled": 0, "cannot tell": 0}


@pytest.mark.parametrize(
    ("classes", "written", "meant"),
    [
        ((0, 1), "1", 1),
        ((0, 1), "1.0", 1),
        ((0, 1), " 1 ", 1),
        ((0.0, 1.0), "1", 1.0),
        ((0, 1), "1e0", 1),
        ((False, True), "TRUE", True),
        ((False, True), "false", False),
        (("01", "02"), "1", "01"),
        (("a", "A"), "A", "A"),
        (("1", "1.0"), "1.0", "1.0"),
        ((-1, 1), "-1", -1),
        ((-1, 1), "'-1", -1),
        (("=a", "b"), "'=a", "=a"),
        (("'a", "b"), "'a", "'a"),
        (("-a", "'-a"), "'-a", "-a"),
        (("-a", "'-a"), "''-a", "'-a"),
        (("grün", "b"), "GRÜN", "grün"),
        ((10**17, 10**17 + 1), "100000000000000001.0", 10**17 + 1),
        (("cannot tell", "b"), "cannot tell", "cannot tell"),
    ],
)
def test_answers_name_classes_as_text(classes: tuple[object, ...], written: str, meant: object, tmp_path: Path) -> None:
    frame = read_answers(as_text(tmp_path, f"question,kind,label\np1,ask,{written}\n"), classes).frame
    assert [(type(each), each) for each in frame["label"].tolist()] == [(type(meant), meant)]


@pytest.mark.parametrize("value", [1, "1", 1.0, "1.0", [1]])
def test_json_may_name_a_class_as_a_number(value: object, tmp_path: Path) -> None:
    read = read_answers(as_json(tmp_path, [{"question": "p1", "kind": "ask", "label": value}]), (0, 1))
    assert read.frame["label"].tolist() == [1]


@pytest.mark.parametrize("written", ["  A", "1.00", "nan", "1_0", "10e999999999"])
def test_answers_that_could_mean_two_classes_or_none_are_refused(written: str, tmp_path: Path) -> None:
    path = as_text(tmp_path, f"question,kind,label\np1,ask,{written}\n")
    with pytest.raises(DataError, match="must name one of the classes"):
        read_answers(path, ("a", "A ", " A", "1", "1.0"))


def test_blanks_are_no_answer_even_beside_a_class_of_blanks(tmp_path: Path) -> None:
    read = read_answers(as_text(tmp_path, 'question,kind,label\np1,ask,\np2,ask,"  "\np3,ask," "\n'), (" ", "a"))
    assert (read.frame["question"].tolist(), read.frame["label"].tolist()) == (["p3"], [" "])
    assert read.skipped["no answer"] == 2


@pytest.mark.parametrize("written", ["cannot tell", "Cannot Tell", " cannot tell "])
def test_not_knowing_is_no_answer(written: str, tmp_path: Path) -> None:
    read = read_answers(as_text(tmp_path, f"question,kind,label\np1,ask,{written}\n"), CLASSES)
    assert (len(read.frame), read.skipped) == (0, {**NONE, "cannot tell": 1})


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ((), "at least two classes, got 0"),
        (("a",), "at least two classes, got 1"),
        (("a", ""), "one is empty"),
        (("a", None), "one is empty"),
        (("a", float("nan")), "one is empty"),
        ((1, "1"), "must differ as text, and two are '1'"),
    ],
)
def test_what_are_no_classes_is_refused(classes: tuple[object, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read_answers(as_text(tmp_path, f"{HEADER}p1,ask\n"), classes)


def test_labels_have_the_type_of_the_classes_even_without_answers(tmp_path: Path) -> None:
    for classes, name in (((0, 1), "int64"), (CLASSES, "str"), ((False, True), "bool")):
        frame = read_answers(as_text(tmp_path, f"{HEADER}p1,ask\n"), classes).frame
        assert (len(frame), str(frame["label"].dtype)) == (0, name)
        assert str(frame["question"].dtype) == "str"
