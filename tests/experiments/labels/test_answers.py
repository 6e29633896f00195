"""Answers are read from every form, each question is counted once, and what is no answer is told."""

import csv
import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from queues import CLASSES, annotation, as_json, as_text, choice, small_queue, task

from experiments.labels import answers
from experiments.labels.answers import Answers, read_answers
from experiments.labels.label_studio import write_tasks
from experiments.labels.queue_csv import write_csv
from loop.errors import ConfigError, DataError, WeakspotError

HEADER = "question,kind,reason,region,score,inclusion,given,label,amount\n"
NONE = {"no answer": 0, "cancelled": 0, "cannot tell": 0}


def lines(read: Answers) -> list[tuple[Any, ...]]:
    return list(read.frame.itertuples(index=False, name=None))


FULL = [
    task("p1", annotation("fraud", by=1), predicted="honest"),
    task("p2", annotation("honest", by={"id": 2, "email": "b@example.org"}), annotation("honest", by=1), kind="audit"),
    task("p3", annotation("fraud", by=1), annotation("honest", by=2)),
    task("p4", annotation("fraud", by=1, cancelled=True)),
    task("p5", annotation(None, by=1)),
    task("p6", annotation("cannot tell", by=1), annotation(None, by=2)),
    task("p7"),
    task("t8", annotation("cannot tell", by=1), annotation("honest", by=2), kind="check"),
]
MINIMAL = [
    {"question": "p1", "kind": "ask", "row": "<table></table>", "id": 1, "label": "fraud", "annotator": 1},
    {"question": "p2", "kind": "audit", "id": 2, "label": "honest", "annotator": "b@example.org"},
    {"question": "p2", "kind": "audit", "id": 2, "label": "honest", "annotator": 1},
    {"question": "p3", "kind": "ask", "id": 3, "label": "fraud", "annotator": 1},
    {"question": "p3", "kind": "ask", "id": 3, "label": "honest", "annotator": 2},
    {"question": "p5", "kind": "ask", "id": 5, "annotator": 1, "annotation_id": 11, "lead_time": 4.2},
    {"question": "p6", "kind": "ask", "id": 6, "label": "cannot tell", "annotator": 1},
    {"question": "p7", "kind": "ask", "id": 7, "annotator": {}},
    {"question": "t8", "kind": "check", "id": 8, "label": "cannot tell", "annotator": 1},
    {"question": "t8", "kind": "check", "id": 8, "label": "honest", "annotator": 2},
]
EXPECTED = [
    ("p1", "ask", "fraud", "1"),
    ("p2", "audit", "honest", "1, b@example.org"),
    ("t8", "check", "honest", "2"),
]


def exported(records: list[dict[str, Any]], separator: str = ",") -> str:
    """Write records as Label Studio's converter does: columns sorted, text quoted, these five always there."""
    always = {"annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
    names = sorted(always.union(*records))
    file = StringIO()
    writer = csv.DictWriter(file, names, quoting=csv.QUOTE_NONNUMERIC, delimiter=separator)
    writer.writeheader()
    writer.writerows([{**record, "annotator": str(record["annotator"] or "")} for record in records])
    return file.getvalue()


def test_the_full_json_is_read_and_its_counts_add_up(tmp_path: Path) -> None:
    read = read_answers(as_json(tmp_path, FULL), CLASSES)
    assert list(read.frame.columns) == ["question", "kind", "label", "annotator"]
    assert lines(read) == EXPECTED
    assert read.disagreeing == ("p3",)
    assert read.skipped == {"no answer": 2, "cancelled": 1, "cannot tell": 1}
    assert len(read.frame) + len(read.disagreeing) + sum(read.skipped.values()) == len(FULL)


def test_json_min_is_read(tmp_path: Path) -> None:
    read = read_answers(as_json(tmp_path, MINIMAL), CLASSES)
    assert lines(read) == EXPECTED
    assert (read.disagreeing, read.skipped) == (("p3",), {"no answer": 2, "cancelled": 0, "cannot tell": 1})


@pytest.mark.parametrize("separator", [",", "\t"])
def test_the_csv_of_label_studio_is_read(separator: str, tmp_path: Path) -> None:
    read = read_answers(as_text(tmp_path, exported(MINIMAL, separator)), CLASSES)
    assert lines(read) == EXPECTED
    assert (read.disagreeing, read.skipped) == (("p3",), {"no answer": 2, "cancelled": 0, "cannot tell": 1})


def test_the_csv_of_label_studio_without_an_answer_has_no_column_for_it(tmp_path: Path) -> None:
    read = read_answers(as_text(tmp_path, exported([MINIMAL[5]])), CLASSES)
    assert (len(read.frame), read.skipped["no answer"]) == (0, 1)


def test_the_csv_of_label_studio_takes_no_apostrophe_away(tmp_path: Path) -> None:
    record = {**MINIMAL[0], "question": "'p1", "label": "'a"}
    read = read_answers(as_text(tmp_path, exported([record])), ("a", "'a"))
    assert lines(read) == [("'p1", "ask", "'a", "1")]


def test_our_csv_is_read(tmp_path: Path) -> None:
    write_csv(small_queue(labels=["fraud", "", "cannot tell"]), tmp_path / "queue.csv")
    read = read_answers(tmp_path / "queue.csv", CLASSES)
    assert lines(read) == [("p000001", "ask", "fraud", "")]
    assert read.skipped == {"no answer": 1, "cancelled": 0, "cannot tell": 1}


def test_forms_are_known_by_content_not_by_name(tmp_path: Path) -> None:
    assert lines(read_answers(as_json(tmp_path, FULL, "answers.csv"), CLASSES)) == EXPECTED
    assert lines(read_answers(as_text(tmp_path, exported(MINIMAL), "answers.json"), CLASSES)) == EXPECTED
    assert lines(read_answers(as_json(tmp_path, FULL[0], "one.task"), CLASSES)) == EXPECTED[:1]


def test_predictions_are_never_answers(tmp_path: Path) -> None:
    read = read_answers(as_json(tmp_path, [task("p1", predicted="fraud")]), CLASSES)
    assert (len(read.frame), read.skipped["no answer"]) == (0, 1)
    write_tasks(small_queue(), tmp_path / "tasks.json", CLASSES, "fraud")
    with pytest.raises(DataError, match="its tasks must have annotations, and have none: label them"):
        read_answers(tmp_path / "tasks.json", CLASSES)


def test_annotators_may_have_any_name(tmp_path: Path) -> None:
    names = ["\ud800", "=1+1", "x" * 5_000, {"id": 4}, {}, None]
    for name, told in zip(names, ["?", "=1+1", "x" * 200, "4", "", ""], strict=True):
        read = read_answers(as_json(tmp_path, [task("p1", annotation("fraud", by=name))]), CLASSES)
        assert read.frame["annotator"].tolist() == [told]


def test_drafts_and_other_controls_are_no_answers(tmp_path: Path) -> None:
    noted = annotation(None)
    noted["result"] = [{"from_name": "note", "to_name": "row", "type": "textarea", "value": {"text": ["fraud"]}}]
    drafted = {**task("p2"), "drafts": [annotation("fraud")]}
    read = read_answers(as_json(tmp_path, [task("p1", noted), drafted]), CLASSES)
    assert (len(read.frame), read.skipped["no answer"]) == (0, 2)


@pytest.mark.parametrize("twice", [FULL + FULL, MINIMAL + MINIMAL])
def test_the_same_answer_twice_is_one(twice: list[Any], tmp_path: Path) -> None:
    once = read_answers(as_json(tmp_path, twice[: len(twice) // 2]), CLASSES)
    again = read_answers(as_json(tmp_path, twice), CLASSES)
    assert lines(again) == lines(once) == EXPECTED
    assert (again.skipped, again.disagreeing) == (once.skipped, once.disagreeing)


def test_a_spreadsheet_may_damage_all_other_columns(tmp_path: Path) -> None:
    text = (
        "\ufeffamount;label;kind;x;question;annotator\r\n"
        "1,5;fraud;ask;#NAME?\u2028\x0b\x1c;p1;Ann\r\n"
        "########; HONEST ;audit;01.02.2026;p2\r\n"
        ";;;;;\r\n"
        '"a;\nb";;check;;t3;Bob;surplus;\r\n'
    )
    read = read_answers(as_text(tmp_path, text), CLASSES)
    assert lines(read) == [("p1", "ask", "fraud", "Ann"), ("p2", "audit", "honest", "")]
    assert read.skipped == {**NONE, "no answer": 1}


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
    assert (lines(read), read.skipped["no answer"]) == ([("p3", "ask", " ", "")], 2)


def test_what_was_chosen_before_it_was_cancelled_does_not_count(tmp_path: Path) -> None:
    cancelled = annotation("no class", cancelled=True)
    cancelled["result"] = [choice("fraud"), choice("honest")]
    read = read_answers(as_json(tmp_path, [task("p1", cancelled)]), CLASSES)
    assert (len(read.frame), read.skipped) == (0, {**NONE, "cancelled": 1})


@pytest.mark.parametrize("written", ["cannot tell", "Cannot Tell", " cannot tell "])
def test_not_knowing_is_no_answer(written: str, tmp_path: Path) -> None:
    read = read_answers(as_text(tmp_path, f"question,kind,label\np1,ask,{written}\n"), CLASSES)
    assert (len(read.frame), read.skipped) == (0, {**NONE, "cannot tell": 1})


HOSTILE = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", 'a "b"', "line\nbreak\r\n", "\x00", "x" * 500_000, "'"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_from_every_form(name: str, tmp_path: Path) -> None:
    classes, question = (name, "other"), f"q{name}"
    record = {"question": question, "kind": "ask", "label": name, "annotator": 1}
    write_csv(small_queue(labels=[name, "", ""]).replace("p000001", question), tmp_path / "queue.csv")
    paths = [
        as_json(tmp_path, [task(question, annotation(name))], "full"),
        as_json(tmp_path, [record], "minimal"),
        as_text(tmp_path, exported([record]), "exported"),
        tmp_path / "queue.csv",
    ]
    for path in paths:
        assert [line[:3] for line in lines(read_answers(path, classes))] == [(question, "ask", name)], path.name


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
    with pytest.raises(DataError, match="must be text in UTF-8, and byte 29 is not: save it as CSV UTF-8"):
        read_answers(tmp_path / "latin.csv", CLASSES)
    monkeypatch.setattr(answers, "MOST_BYTES", 10)
    with pytest.raises(DataError, match=re.escape("must have at most 10 bytes, got 32: export fewer questions")):
        read_answers(tmp_path / "latin.csv", CLASSES)


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


def test_values_in_messages_are_cut(tmp_path: Path) -> None:
    path = as_text(tmp_path, f"question,kind,label\n{'q' * 9_000},ask,{'x' * 9_000}\n", "a.csv")
    with pytest.raises(WeakspotError) as caught:
        read_answers(path, [f"class {number:05d}" * 20 for number in range(500)])
    assert len(str(caught.value)) < 1_200
    assert "and 490 more" in str(caught.value)


def test_labels_have_the_type_of_the_classes_even_without_answers(tmp_path: Path) -> None:
    for classes, name in (((0, 1), "int64"), (CLASSES, "str"), ((False, True), "bool")):
        frame = read_answers(as_text(tmp_path, f"{HEADER}p1,ask\n"), classes).frame
        assert (len(frame), str(frame["label"].dtype)) == (0, name)
        assert str(frame["question"].dtype) == "str"


def test_nothing_of_a_file_is_kept_by_the_reader_of_csv(tmp_path: Path) -> None:
    before = csv.field_size_limit(131_072)
    read_answers(as_text(tmp_path, f"question,kind,label,x\np1,ask,fraud,{'x' * 200_000}\n"), CLASSES)
    assert csv.field_size_limit(before) == 131_072


def test_thousands_of_answers_are_read_in_a_moment(tmp_path: Path) -> None:
    queue = small_queue().iloc[[0] * 3_000].reset_index(drop=True)
    queue = queue.assign(question=[f"p{row:06d}" for row in range(len(queue))], label="honest")
    write_csv(queue, tmp_path / "queue.csv")
    assert len(read_answers(tmp_path / "queue.csv", CLASSES).frame) == 3_000
    path = as_json(tmp_path, [task(question, annotation("honest")) for question in queue["question"]])
    assert len(read_answers(path, CLASSES).frame) == len(json.loads(path.read_text())) == 3_000
