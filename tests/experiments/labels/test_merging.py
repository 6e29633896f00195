"""New answers join earlier ones: each is new, repeated or changed, and none changes unasked."""

from types import MappingProxyType

import pandas as pd
import pytest

from experiments.labels.answers import COLUMNS, Answers
from experiments.labels.merging import merge
from loop.errors import DataError


def answers(*lines: tuple[str, str, object, str]) -> Answers:
    return Answers(pd.DataFrame(lines, columns=list(COLUMNS)), MappingProxyType({}))


OLD = answers(("p1", "ask", "fraud", "Ann"), ("p2", "audit", "honest", ""), ("p3", "ask", "honest", "")).frame


def counts(old: pd.DataFrame, new: Answers, replace: bool = False) -> tuple[int, int, int]:
    merged = merge(old, new, replace)
    assert merged.new + merged.repeated + merged.changed == len(new.frame)
    assert len(merged.frame) == len(old) + merged.new
    assert merged.frame["question"].is_unique
    return merged.new, merged.repeated, merged.changed


def test_the_first_answers_are_all_new() -> None:
    new = answers(("p1", "ask", "fraud", ""))
    for nothing in (pd.DataFrame(), OLD.iloc[:0]):
        assert counts(nothing, new) == (1, 0, 0)
        pd.testing.assert_frame_equal(merge(nothing, new).frame, new.frame)


def test_new_answers_are_put_behind_and_repeated_ones_change_nothing() -> None:
    new = answers(("p9", "check", "honest", "Bob"), ("p2", "audit", "honest", "Bob"))
    assert counts(OLD, new) == (1, 1, 0)
    assert merge(OLD, new).frame["question"].tolist() == ["p1", "p2", "p3", "p9"]
    assert merge(OLD, new).frame["annotator"].tolist() == ["Ann", "", "", "Bob"]


def test_merging_twice_is_merging_once() -> None:
    new = answers(("p9", "check", "honest", ""), ("p1", "ask", "honest", ""))
    once = merge(OLD, new, replace=True).frame
    assert counts(once, new) == (0, 2, 0)
    pd.testing.assert_frame_equal(merge(once, new).frame, once)


def test_a_changed_answer_is_refused_unless_it_replaces() -> None:
    new = answers(("p3", "ask", "fraud", "Bob"), ("p4", "ask", "fraud", ""), ("p1", "ask", "honest", "Bob"))
    before = OLD.copy()
    with pytest.raises(DataError, match=r"2 differ, first to 'p3': 'honest' has become 'fraud'; correct them, or say"):
        merge(OLD, new)
    assert counts(OLD, new, replace=True) == (1, 0, 2)
    frame = merge(OLD, new, replace=True).frame
    assert frame["question"].tolist() == ["p1", "p2", "p3", "p4"]
    assert frame["label"].tolist() == ["honest", "honest", "fraud", "fraud"]
    assert frame["annotator"].tolist() == ["Bob", "", "Bob", ""]
    pd.testing.assert_frame_equal(OLD, before)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [("1", 1, True), (1, 1.0, True), ("1.0", 1, True), ("True", True, True), ("1", "1.0", False), ("1", 2, False)],
)
def test_labels_that_a_file_gave_back_in_another_type_are_the_same(before: object, after: object, same: bool) -> None:
    old = answers(("p1", "ask", before, "")).frame
    assert counts(old, answers(("p1", "ask", after, "")), replace=True) == (0, int(same), int(not same))


def test_rows_of_any_index_are_merged() -> None:
    old = OLD.set_axis([7, 7, 9], axis=0)
    assert counts(old, answers(("p2", "audit", "fraud", "")), replace=True) == (0, 0, 1)


def test_a_question_keeps_its_kind() -> None:
    with pytest.raises(DataError, match="'p2' was audit and is ask: answer the queue"):
        merge(OLD, answers(("p2", "ask", "honest", "")))


def test_damaged_earlier_answers_are_refused() -> None:
    new = answers(("p1", "ask", "fraud", ""))
    with pytest.raises(DataError, match="must have the columns question, kind, label, annotator, and kind is missing"):
        merge(OLD.drop(columns="kind"), new)
    with pytest.raises(DataError, match="one a question, and 'p1' has several"):
        merge(pd.concat([OLD, OLD]), new)
