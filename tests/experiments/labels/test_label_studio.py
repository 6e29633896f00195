"""Tasks and configuration have the form that Label Studio documents, and nothing in a row becomes markup."""

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queues import CLASSES, questions, small_queue

from experiments.labels import label_studio
from experiments.labels.columns import queue_of
from experiments.labels.label_studio import labelling_config, tasks, write_config, write_tasks
from loop.errors import ConfigError, DataError
from loop.support.visible import visible

# The documented form: a type, or the keys of a mapping with the form of each, or a list of things of one form.
# guide/tasks, "Basic Label Studio JSON format", guide/predictions, and tags/choices for the value of a result.
RESULT = {"from_name": str, "to_name": str, "type": str, "value": {"choices": [str]}}
TASK = {
    "data": {
        "question": str,
        "kind": str,
        "reason": str,
        "region": str,
        "score": (float, type(None)),
        "inclusion": float,
        "given": str,
        "row": str,
    },
    "predictions": [{"model_version": str, "score": float, "result": [RESULT]}],
}
TAKEN = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history", "label"}


def fits(value: object, form: object) -> bool:
    """Tell whether a value has a form, with no key missing and none besides."""
    if isinstance(form, dict):
        keyed = isinstance(value, dict) and value.keys() == form.keys()
        return keyed and all(fits(value[key], form[key]) for key in form)
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(each, form[0]) for each in value)
    return isinstance(value, form)


class Table(HTMLParser):
    """Reads a table, and remembers every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.add(tag)
        if tag in ("th", "td"):
            self.cells.append("")
        if tag == "br":
            self.cells[-1] += "\n"

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


def test_tasks_have_the_documented_form(tmp_path: Path) -> None:
    write_tasks(small_queue(), tmp_path / "tasks.json", CLASSES, "fraud", model_version="run 7")
    written = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert fits(written, [TASK])
    assert not fits([{**written[0], "label": 1}], [TASK])
    assert [each["data"]["question"] for each in written] == ["p000001", "p000002", "t000003"]
    assert written[0]["predictions"] == [
        {
            "model_version": "run 7",
            "score": 0.75,
            "result": [{"from_name": "label", "to_name": "row", "type": "choices", "value": {"choices": ["fraud"]}}],
        }
    ]


def test_the_data_of_a_task_hide_nothing_that_an_export_adds() -> None:
    """Label Studio's CSV lets a column of the data win over an answer, its JSON-MIN the other way round."""
    queue = small_queue(label=["fraud"] * 3, id=[1, 2, 3], annotator=["a", "b", "c"])
    for task in tasks(queue, CLASSES, "fraud"):
        assert not TAKEN & task["data"].keys()
        assert "<th>label</th><td>fraud</td>" in task["data"]["row"]


def test_predictions_name_the_probable_class_and_audited_rows_have_none() -> None:
    queue = small_queue().assign(kind=["ask", "ask", "audit"], score=[0.5, 0.25, 0.9])
    guesses = [task["predictions"] for task in tasks(queue, CLASSES, "fraud")]
    found = [(each["score"], each["result"][0]["value"]["choices"]) for guess in guesses for each in guess]
    assert found == [(0.5, ["fraud"]), (0.75, ["honest"])]
    assert [len(task["predictions"]) for task in tasks(queue, CLASSES, "fraud", suggest=())] == [0, 0, 0]
    three = [task["predictions"] for task in tasks(queue, (*CLASSES, "other"), "fraud")]
    assert [len(guess) for guess in three] == [1, 0, 0]  # of three classes, a low score names none


def test_scores_that_are_missing_give_no_prediction() -> None:
    made = tasks(small_queue().assign(score=[None, float("inf"), 0.2]), CLASSES, "fraud")
    assert [task["data"]["score"] for task in made] == [None, None, 0.2]
    assert [len(task["predictions"]) for task in made] == [0, 0, 1]


def test_rows_keep_the_order_of_their_columns_and_show_no_missing_value() -> None:
    queue = small_queue(zebra=[1.5, None, 3.0], ant=["a", None, "line\nbreak"])
    first, second, third = (Table(task["data"]["row"]).cells for task in tasks(queue, CLASSES, "fraud"))
    assert first == ["zebra", "1.5", "ant", "a"]
    assert second == ["zebra", "", "ant", ""]
    assert third == ["zebra", "3.0", "ant", "line\nbreak"]


@given(text=st.text() | st.sampled_from(["<script>alert(1)</script>", '"><img onerror=x>', "&lt;b&gt;", "</table>"]))
def test_nothing_in_a_row_becomes_markup(text: str) -> None:
    rows = pd.DataFrame({text: pd.Series([text], dtype=object)})
    (task,) = tasks(queue_of(questions(["p1"]), rows), CLASSES, "fraud")
    table = Table(task["data"]["row"])
    assert table.tags <= {"table", "tr", "th", "td", "br"}
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = visible(shown, lines=True)
    assert table.cells == [kept, kept]


def test_numbers_and_names_that_are_no_text_are_shown() -> None:
    rows = pd.DataFrame({7: pd.Series([0.1], dtype="float32"), "when": pd.to_datetime(["2026-01-02"])})
    (task,) = tasks(queue_of(questions(["p1"]), rows), CLASSES, "fraud")
    assert Table(task["data"]["row"]).cells == ["7", "0.1", "when", "2026-01-02 00:00:00"]


def test_a_queue_without_columns_of_its_own_has_empty_rows() -> None:
    made = tasks(queue_of(questions(["p1", "p2"]), pd.DataFrame(index=range(2))), CLASSES, "fraud")
    assert [task["data"]["row"] for task in made] == ["<table></table>"] * 2


def test_the_class_to_catch_must_be_a_class() -> None:
    with pytest.raises(ConfigError, match="must be one of 'fraud', 'honest', got 'frod'"):
        tasks(small_queue(), CLASSES, "frod")
    assert tasks(small_queue(), (0, 1), 1)[0]["predictions"][0]["result"][0]["value"] == {"choices": ["1"]}


def test_too_many_tasks_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert label_studio.MOST_TASKS == 100_000
    monkeypatch.setattr(label_studio, "MOST_TASKS", 3)
    with pytest.raises(DataError, match="must have fewer than 3 tasks, got 3: ask fewer"):
        write_tasks(small_queue(), tmp_path / "tasks.json", CLASSES, "fraud")
    assert not list(tmp_path.iterdir())


def test_the_configuration_has_the_documented_tags(tmp_path: Path) -> None:
    write_config(tmp_path / "label.xml", CLASSES)
    text = (tmp_path / "label.xml").read_text(encoding="utf-8")
    assert '<HyperText name="row" value="$row" />' in text
    assert '<Choices name="label" toName="row" choice="single">' in text
    view = ET.fromstring(text)
    assert (view.tag, [each.tag for each in view]) == ("View", ["Header", "HyperText", "Choices"])
    choices = view.find("Choices")
    assert choices is not None
    assert [each.get("value") for each in choices] == ["fraud", "honest", "cannot tell"]
    used = {each.get("value", "")[1:] for each in view if each.get("value", "").startswith("$")}
    assert used <= tasks(small_queue(), CLASSES, "fraud")[0]["data"].keys()


@pytest.mark.parametrize(
    "name", ['<script>alert("x")</script>', "a & b", "line\nbreak", "tab\there", "'quoted'", "漢字 🙂", "x" * 5_000]
)
def test_names_of_classes_are_escaped(name: str) -> None:
    choices = ET.fromstring(labelling_config((name, "other"))).find("Choices")
    assert choices is not None
    assert [each.get("value") for each in choices] == [name, "other", "cannot tell"]


def test_a_dollar_is_shown_otherwise_and_answered_as_it_is() -> None:
    choices = ET.fromstring(labelling_config((">$50K", "<=$50K"))).find("Choices")
    assert choices is not None
    assert [each.get("alias", each.get("value")) for each in choices] == [">$50K", "<=$50K", "cannot tell"]
    assert "$" not in "".join(each.get("value", "") for each in choices)


def test_not_knowing_is_no_class() -> None:
    choices = ET.fromstring(labelling_config(("Cannot tell", "fraud"))).find("Choices")
    assert choices is not None
    assert [each.get("value") for each in choices] == ["Cannot tell", "fraud", "(cannot tell)"]


@pytest.mark.parametrize("name", ["a\x00", "a\x1b", "a\ufffe", "\ud800"])
def test_names_that_xml_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="must be text that XML can hold, got"):
        labelling_config((name, "other"))
