"""What was asked is kept whole: nothing half-written, nothing overwritten, nothing read that was not written."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.labels import store
from experiments.labels.joining import answered
from experiments.storage.run_folder import fingerprint
from loop.errors import DataError
from loop.testing.tables import numeric_table

QUESTIONS = pd.DataFrame({"question": ["p1", "a2"], "kind": ["ask", "audit"], "inclusion": [np.nan, 0.25]})
ROWS = pd.DataFrame({"amount": [1.0, 2.0], "text": ["one, two\nthree", 'a "b"' * 50_000]})
ANSWERS = pd.DataFrame({"question": ["p1", "a2"], "kind": ["ask", "audit"], "label": ["no", "yes"], "annotator": ""})


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with one batch and its answers."""
    store.add_batch(tmp_path / "labels", store.Batch(QUESTIONS, ROWS))
    store.keep_answers(tmp_path / "labels", ANSWERS)
    return tmp_path / "labels"


def test_what_was_written_is_read(labels: Path) -> None:
    (batch,) = store.batches(labels)
    pd.testing.assert_frame_equal(batch.questions, QUESTIONS, check_dtype=False)
    pd.testing.assert_frame_equal(batch.rows, ROWS)
    folder = answered(labels, ("no", "yes"))
    told, rows = store.snapshot(folder)
    assert list(told["label"]) == ["no", "yes"]
    assert list(told["judging"]) == [0.0, 1.0]
    pd.testing.assert_frame_equal(rows, ROWS)
    assert answered(labels, ("no", "yes")) == folder  # nothing new, no other snapshot


def test_a_batch_never_takes_the_place_of_another(labels: Path) -> None:
    second = store.add_batch(labels, store.Batch(QUESTIONS, ROWS))
    shutil.rmtree(labels / "batch-001")
    assert store.add_batch(labels, store.Batch(QUESTIONS.assign(question=["p3", "a4"]), ROWS)).name == "batch-003"
    assert list(store.batches(labels)[0].questions["question"]) == ["p1", "a2"]
    assert second.is_dir()


def test_a_batch_that_nobody_can_see_is_not_there(labels: Path) -> None:
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_batch(labels, store.Batch(QUESTIONS, ROWS), killed)
    assert [each.name for each in labels.iterdir() if each.is_dir()] == ["batch-001"]


@pytest.mark.parametrize(
    ("before", "after"), [("0.25", "often"), ("0.25", "0.0"), ("0.25", "-1"), ("0.25", ""), ("audit", "wonder")]
)
def test_questions_that_were_changed_are_told(labels: Path, before: str, after: str) -> None:
    path = labels / "batch-001" / "questions.csv"
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(DataError, match="must be as it was written"):
        store.batches(labels)


@pytest.mark.parametrize(("before", "after"), [("1.0,-1", "much,-1"), (",-1", ",x"), (",-1", ",5"), ("ask", "asked")])
def test_a_snapshot_that_was_changed_is_told(labels: Path, before: str, after: str) -> None:
    folder = answered(labels, ("no", "yes"))
    path = folder / "questions.csv"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(DataError, match="must be as it was written"):
        store.snapshot(folder)


def test_an_answer_that_names_no_class_is_none_of_the_first(labels: Path) -> None:
    path = labels / "answers.csv"
    path.write_text(path.read_text().replace("yes", "perhaps"))
    with pytest.raises(DataError, match="must name the classes 'no', 'yes'"):
        answered(labels, ("no", "yes"))


def test_other_weights_as_judge_rows_are_other_data() -> None:
    table, folds = numeric_table(6), np.arange(6)
    one, other = (replace(table, judging=np.full(6, weight)) for weight in (1.0, 0.5))
    assert len({fingerprint(each, folds) for each in (table, one, other)}) == 3
