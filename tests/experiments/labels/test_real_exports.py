"""What a real Label Studio writes is read as it was meant; how the files came about is told beside them."""

import json
from pathlib import Path

import pytest

from experiments.labels.answers import read_answers
from loop.errors import DataError

EXPORTS = Path(__file__).parent / "label_studio_exports"
CLASSES = ("no & <none>", 'yes, "fraud" 😀', "costs $5; more", "1", "0.5", "TRUE", "no", "two\nlines")
SAID = {0: CLASSES[0], **{task: CLASSES[task] for task in range(2, 8)}, 10: "no"}


def question(task: int) -> str:
    return f"{'a' if task > 9 else 'p'}{task:016x}"


@pytest.mark.parametrize(("name", "cancelled"), [("full.json", 1), ("min.json", 0), ("table.csv", 0)])
def test_every_answer_is_found_and_the_rest_counted(name: str, cancelled: int) -> None:
    read = read_answers(EXPORTS / name, CLASSES)
    told = read.frame.set_index("question")
    assert told["label"].to_dict() == {question(task): label for task, label in SAID.items()}
    assert told["annotator"].to_dict() == {question(task): {0: "1, 2", 10: "2"}.get(task, "1") for task in SAID}
    assert read.disagreeing == (question(1),)
    assert read.skipped == {"no answer": 1, "cancelled": cancelled, "cannot tell": 1}
    assert len(read.questions) == 11 + cancelled


def test_a_missing_label_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(
        '[{"question": "p1", "kind": "ask", "label": NaN}, {"question": "p2", "kind": "ask", "label": null}]'
    )
    assert read_answers(path, CLASSES).skipped["no answer"] == 2


@pytest.mark.parametrize("annotations", [{"result": 3}, "none", [{"result": "abc"}]])
def test_tasks_of_another_shape_are_told_with_the_way_out(tmp_path: Path, annotations: object) -> None:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps([{"data": {"question": "p1", "kind": "ask"}, "annotations": annotations}]))
    with pytest.raises(DataError, match=r"must be a list, got .*: export it again"):
        read_answers(path, CLASSES)
