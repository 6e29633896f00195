"""Answers are read from every form, each question is counted once, and what is no answer is told."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from queues import CLASSES, annotation, as_json, as_text, choice, small_queue, task

from experiments.data.csv_format import CsvFormat
from experiments.labels.answers import Answers, read_answers
from experiments.labels.label_studio import write_tasks
from experiments.labels.queue_csv import write_csv
from loop.errors import DataError

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


def test_what_was_chosen_before_it_was_cancelled_does_not_count(tmp_path: Path) -> None:
    cancelled = annotation("no class", cancelled=True)
    cancelled["result"] = [choice("fraud"), choice("honest")]
    read = read_answers(as_json(tmp_path, [task("p1", cancelled)]), CLASSES)
    assert (len(read.frame), read.skipped) == (0, {**NONE, "cancelled": 1})


def spreadsheet(classes: tuple[object, object], row: str = "Müller GmbH") -> str:
    """Write a queue as a German spreadsheet saves it, both questions answered; numbers have decimal commas."""
    cells = [f"p1;ask;0,75;{classes[0]};{row};1.234,5", f"p2;audit;0,25;{classes[1]};{row};2,0"]
    return "\r\n".join(["question;kind;score;label;Händler;amount", *cells, ""])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "mac-roman"])
def test_a_spreadsheet_may_save_in_its_own_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    path.write_bytes(spreadsheet(CLASSES).encode(encoding))
    assert [line[:3] for line in lines(read_answers(path, CLASSES))] == [
        ("p1", "ask", "fraud"),
        ("p2", "audit", "honest"),
    ]
    assert lines(read_answers(path, CLASSES)) == lines(read_answers(path, CLASSES, CsvFormat(";", encoding, ",")))


def test_where_an_answer_depends_on_the_encoding_it_must_be_told(tmp_path: Path) -> None:
    path, classes = tmp_path / "queue.csv", ("Betrüger", "ehrlich")
    path.write_bytes(spreadsheet(classes).encode("cp1252"))
    with pytest.raises(DataError, match="seems to be latin-1: add --encoding latin-1, or save it as CSV UTF-8"):
        read_answers(path, classes)
    read = read_answers(path, classes, CsvFormat(encoding="cp1252"))
    assert read.frame["label"].tolist() == list(classes)
    path.write_bytes(spreadsheet(classes).replace(";", "|").encode("cp1252"))
    assert read_answers(path, classes, CsvFormat("|", "cp1252")).frame["label"].tolist() == list(classes)


def test_classes_that_are_numbers_may_have_decimal_commas(tmp_path: Path) -> None:
    path, classes = as_text(tmp_path, spreadsheet(("1,0", "0,5"))), (0.5, 1.0)
    assert read_answers(path, classes).frame["label"].tolist() == [1.0, 0.5]
    thousands = as_text(tmp_path, spreadsheet(("1,000", "0,5")), "thousands.csv")
    with pytest.raises(DataError, match="must name one of the classes"):  # a thousand, or one
        read_answers(thousands, classes)
    assert read_answers(thousands, classes, CsvFormat(decimal=",")).frame["label"].tolist() == [1.0, 0.5]


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
