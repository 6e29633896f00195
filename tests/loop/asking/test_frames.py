"""The estimator asks a function before its loop, and says what it would ask next."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from generators import Neighbourhood
from learners import Committee, ExtraTrees, XGBoost
from loop import LoopClassifier
from loop.asking.choice import Asking
from loop.asking.frames import Questions
from loop.data.encoding import decode
from loop.errors import ConfigError, DataError
from loop.supplies.acquisition import Gap
from loop.testing.tables import mixed_table

TABLE = mixed_table(500)
FRAME = decode(TABLE.schema, TABLE)
X, Y = FRAME.drop(columns="target"), FRAME["target"]
KNOWN, POOL = X.iloc[:200], X.iloc[200:]


def loop(**settings: object) -> LoopClassifier:
    chosen = {"random_state": 0, "generations": 1, "lanes": 2, "unlabelled": POOL, "teacher": None} | settings
    return LoopClassifier(XGBoost(trees=10), generator=Neighbourhood(), **chosen)  # type: ignore[arg-type]


def truth(seen: list[pd.DataFrame]) -> Callable[[pd.DataFrame], object]:
    """Answer from the labels that the estimator has not got, and keep what was asked."""

    def answer(frame: pd.DataFrame) -> list[object]:
        seen.append(frame)
        return Y[frame.index].tolist()

    return answer


def test_an_oracle_is_asked_for_rows_that_the_loop_then_learns_from() -> None:
    seen: list[pd.DataFrame] = []
    model = loop(oracle=truth(seen), questions=Questions(rows=60, batches=3)).fit(KNOWN, Y.iloc[:200])
    asked = pd.concat(seen)
    assert len(seen) == 3
    assert len(asked) == 60
    assert not asked["score"].duplicated().any()
    pd.testing.assert_frame_equal(asked, POOL.loc[asked.index])
    table = model.outcome_
    assert max(table.judged) >= 200  # audited rows judge
    assert len(table.judged) < 260  # and asked ones do not


def test_the_queue_holds_what_is_worth_asking_next() -> None:
    seen: list[pd.DataFrame] = []
    questions = Questions(rows=40, batches=2)
    model = loop(oracle=truth(seen), questions=questions).fit(KNOWN, Y.iloc[:200])
    queue = model.queue_
    assert len(queue) == pytest.approx(40, abs=6)
    pd.testing.assert_frame_equal(queue[list(X)], POOL.loc[queue.index])
    assert not np.isin(queue["score"], pd.concat(seen)["score"]).any()
    assert set(queue["ws_kind"]) == {"ask", "audit"}
    assert (queue.loc[queue["ws_kind"] == "ask", "ws_inclusion"] == 1).all()
    assert (queue.loc[queue["ws_kind"] == "audit", "ws_inclusion"] < 1).all()


def test_without_an_oracle_nothing_changes_but_the_queue() -> None:
    plain, asking = loop(unlabelled=None).fit(KNOWN, Y.iloc[:200]), loop().fit(KNOWN, Y.iloc[:200])
    np.testing.assert_array_equal(plain.predict_proba(POOL), asking.predict_proba(POOL))
    assert len(asking.queue_)
    assert not hasattr(plain, "queue_")


def test_the_same_seed_asks_the_same() -> None:
    one, other = (loop().fit(KNOWN, Y.iloc[:200]).queue_ for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_two_kinds_of_model_may_disagree() -> None:
    questions = Questions(rows=20, batches=1, asking=Asking(Gap(), audit=0), second=ExtraTrees(trees=10))
    assert len(loop(questions=questions).fit(KNOWN, Y.iloc[:200]).queue_) == 20


def test_the_teacher_of_the_loop_is_the_second_model() -> None:
    teacher = Committee(members=(ExtraTrees(trees=10),), folds=2)
    gap = Questions(rows=20, batches=1, asking=Asking(Gap(), audit=0))
    queue = loop(questions=gap, teacher=teacher).fit(KNOWN, Y.iloc[:200]).queue_
    assert len(queue) == 20
    with pytest.raises(ConfigError, match="pass a teacher or ask by Entropy"):
        loop(questions=gap).fit(KNOWN, Y.iloc[:200])


@pytest.mark.parametrize("again", [False, True])
def test_rows_that_nobody_could_tell_are_asked_about_again_only_if_wanted(again: bool) -> None:
    seen: list[pd.DataFrame] = []

    def nothing(rows: pd.DataFrame) -> list[None]:
        seen.append(rows)
        return [None] * len(rows)

    questions = Questions(rows=200, batches=1, again=again)
    queue = loop(oracle=nothing, questions=questions).fit(KNOWN, Y.iloc[:200]).queue_
    assert bool(queue.index.isin(seen[0].index).any()) == again


def test_an_oracle_without_rows_is_told() -> None:
    with pytest.raises(ConfigError, match="pass them as unlabelled"):
        loop(unlabelled=None, oracle=list).fit(KNOWN, Y.iloc[:200])


def test_rows_with_other_columns_are_told() -> None:
    with pytest.raises((DataError, ValueError), match="amount"):
        loop(unlabelled=POOL.drop(columns="amount")).fit(KNOWN, Y.iloc[:200])


@pytest.mark.parametrize("settings", [{"rows": 0}, {"batches": 0}])
def test_there_is_a_question(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be at least 1, got 0"):
        Questions(**settings)
