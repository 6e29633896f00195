"""What a real Label Studio writes is read as it was meant; how the files came about is told beside them."""

from pathlib import Path

import pytest

from experiments.labels.answers import read_answers

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
