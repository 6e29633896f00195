"""Asking batch after batch: nobody is asked twice, the budget is kept, and a cold start begins with outliers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learners import ExtraTrees, XGBoost
from loop.asking.choice import Asking
from loop.asking.ledger import grown
from loop.asking.oracles import ByFunction, Delayed, Withheld
from loop.asking.rounds import Asker, Round, ask, caught_up
from loop.cycle.driver import run_loop
from loop.cycle.lanes import deal, lanes
from loop.data.encoding import decode
from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Oracle
from loop.rows import Rows
from loop.supplies.acquisition import Gap
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Table

FOREST = ExtraTrees(trees=20, min_leaf=2)


class Counting(Withheld):
    """Counts how often each row is asked about."""

    def __init__(self, y: np.ndarray) -> None:
        super().__init__(y)
        object.__setattr__(self, "times", np.zeros(len(y), dtype=int))

    def ask(self, rows: Rows, ids: np.ndarray) -> np.ndarray:
        np.add.at(self.times, ids, 1)  # type: ignore[attr-defined]
        return super().ask(rows, ids)


def run(asker: Asker, oracle: Oracle, batches: list[int], seed: int = 0) -> list[Round]:
    table = numeric_table(600)
    return list(
        ask(asker, table.take(np.arange(60)), table.rows.take(np.arange(60, 600)), oracle, batches, rng_of(seed))
    )


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def withheld() -> Counting:
    return Counting(numeric_table(600).y[60:])


def test_nobody_is_asked_twice_and_the_budget_is_kept(withheld: Counting) -> None:
    rounds = run(Asker(FOREST), withheld, [40] * 5)
    assert len(rounds) == 5
    assert withheld.times.max() == 1  # type: ignore[attr-defined]
    assert withheld.times.sum() == 200  # type: ignore[attr-defined]
    assert [each.known for each in rounds] == [60, 100, 140, 180, 220]


def rare_table(n: int, seed: int) -> Table:
    """Three per cent of the rows are of the class to catch, in a corner of their own."""
    rng = rng_of(seed)
    X = rng.normal(size=(n, 5))
    risk = X[:, :2].sum(axis=1) + 0.3 * rng.normal(size=n)
    return Table.real(X, (risk > 2.7).astype(np.int64), numeric_table().schema)


def test_asking_in_doubt_teaches_more_than_asking_at_random_where_a_class_is_rare() -> None:
    table, test = rare_table(3000, 0), rare_table(5000, 1)

    def learnt(rows: np.ndarray) -> float:
        model = ExtraTrees(trees=50, min_leaf=2).fit(table.take(rows), rng_of(0))
        return score("average_precision", JudgeRows.of(test), model.predict_proba(test.rows))

    gains = []
    for seed in range(4):
        order = rng_of(seed).permutation(3000)
        known, rest = table.take(order[:200]), table.take(order[200:])
        rounds = ask(Asker(FOREST), known, rest.rows, Withheld(rest.y), [30] * 4, rng_of(seed))
        asked = np.concatenate([np.arange(200), *(200 + each.answers.rows for each in rounds)])
        gains.append(learnt(order[np.unique(asked)]) - learnt(order[:320]))
    assert np.mean(gains) > 0.05


def test_two_kinds_of_model_disagree(withheld: Counting) -> None:
    rounds = run(Asker(FOREST, XGBoost(trees=10), Asking(Gap())), withheld, [30, 30])
    assert sum(len(each.answers.rows) for each in rounds) >= 60


def test_the_same_seed_asks_the_same(withheld: Counting) -> None:
    one, other = (run(Asker(FOREST), withheld, [30, 30], seed=4) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.answers.rows, b.answers.rows)


def test_a_pool_that_is_used_up_ends_the_asking(withheld: Counting) -> None:
    rounds = run(Asker(FOREST, asking=Asking(audit=0.0)), withheld, [400] * 4)
    assert [len(each.answers.rows) for each in rounds] == [400, 140]


def test_a_cold_start_looks_at_outliers_and_then_at_doubt() -> None:
    rng = rng_of(0)
    X = rng.normal(size=(500, 5))
    y = np.zeros(500, dtype=np.int64)
    X[450:], y[450:] = X[450:] + 4, 1
    start = numeric_table(10)
    start = start.take(np.flatnonzero(start.y == 0))
    rounds = list(ask(Asker(FOREST, asking=Asking(audit=0.0)), start, Rows(X), Withheld(y), [20, 20], rng))
    assert rounds[0].answers.y.mean() > 0.5  # a tenth of the rows are positives
    assert isinstance(rounds[1].learner, ExtraTrees)


@pytest.mark.parametrize(("again", "most"), [(False, 1), (True, 2)])
def test_what_nobody_could_tell_is_asked_again_only_if_wanted(again: bool, most: int) -> None:
    silent = Counting(np.full(540, -1))
    rounds = run(Asker(FOREST, asking=Asking(audit=0.5), again=again), silent, [300, 300])
    assert [each.known for each in rounds] == [60, 60]
    assert silent.times.max() == most  # type: ignore[attr-defined]


def test_answers_that_come_later_are_learnt_from_then() -> None:
    late = Delayed(numeric_table(600).y[60:], days=2)
    table = numeric_table(600)
    known, pool = table.take(np.arange(60)), table.rows.take(np.arange(60, 600))
    rounds = []
    for each in ask(Asker(FOREST, asking=Asking(audit=0.3)), known, pool, late, [40] * 4, rng_of(0)):
        rounds.append(each)
        late.wait(1)
    assert (rounds[0].answers.y == -1).all()
    rows = [set(each.answers.rows) for each in rounds]
    assert [each.known for each in rounds] == [60, 60, 60 + len(rows[0]), 60 + len(rows[0] | rows[1])]
    first, _, third, fourth = caught_up(rounds[-1].so_far, late)
    assert (first.y == late.y[first.rows]).all()
    assert (third.y == late.y[third.rows]).all()
    own = ~np.isin(fourth.rows, [*rows[0], *rows[1], *rows[2]])
    assert own.any()
    assert (fourth.y[own] == -1).all()  # they come tomorrow


def test_answers_at_once_and_after_no_days_are_the_same(withheld: Counting) -> None:
    for one, other in zip(
        run(Asker(FOREST), withheld, [30, 30]), run(Asker(FOREST), Delayed(withheld.y, 0), [30, 30]), strict=True
    ):
        np.testing.assert_array_equal(one.answers.y, other.answers.y)
        np.testing.assert_array_equal(one.answers.rows, other.answers.rows)


def test_labels_come_on_their_day_and_no_earlier() -> None:
    rows, late = numeric_table(4).rows, Delayed(np.array([0, 1, 1, 0]), days=1)
    late.expect(np.arange(2), 3)
    assert list(late.ask(rows.take([1, 2]), np.array([1, 2]))) == [-1, -1]
    late.wait(1)
    assert list(late.arrived(np.arange(4))) == [-1, 1, 1, -1]  # asked for: the earlier day counts
    late.wait(2)
    assert list(late.arrived(np.arange(4))) == [0, 1, 1, -1]  # nobody waits for the last
    dated = Delayed(np.array([0, 1, 1]), days=7, day=np.array([-9, -3, 2]))
    assert list(dated.ask(rows.take(np.arange(3)), np.arange(3))) == [0, -1, -1]  # the first was long ago
    dated.wait(4)
    assert list(dated.arrived(np.arange(3))) == [0, 1, -1]
    with pytest.raises(ConfigError, match="align them"):
        Delayed(np.zeros(3), day=np.zeros(2))
    with pytest.raises(ConfigError, match="0 is at once"):
        Delayed(np.zeros(3), days=-1)


def test_an_acquisition_without_its_second_model_is_told() -> None:
    with pytest.raises(ConfigError, match="needs a second model, got none"):
        Asker(FOREST, asking=Asking(Gap()))


def test_a_loop_on_asked_rows_judges_without_those_that_a_model_chose(withheld: Counting) -> None:
    from experiments.config.strategies import compose
    from loop.cycle.parts import Settings

    table = numeric_table(600)
    rounds = run(Asker(FOREST, asking=Asking(audit=0.3)), withheld, [60, 60])
    whole = grown(table.take(np.arange(60)), table.rows.take(np.arange(60, 600)), [e.answers for e in rounds], 60, None)
    folds = deal(whole, rng_of(0), k=3)
    done = run_loop(
        compose(learner=XGBoost(trees=10), settings=Settings(generations=1, jobs=1)), whole, folds, rng_of(0)
    )
    assert whole.judging is not None
    np.testing.assert_array_equal(np.sort(done.outcome.judged), np.flatnonzero(whole.judging > 0))
    assert sum(len(lane.aside) for lane in lanes(folds, whole.judging)[:-1]) == (whole.judging == 0).sum()


def test_a_function_sees_rows_as_the_user_knows_them() -> None:
    table = mixed_table(60)

    frame = decode(table.schema, table).assign(note="a column that no model reads")

    def told(rows: pd.DataFrame) -> list[object]:
        pd.testing.assert_frame_equal(rows, frame.iloc[10:40])
        return ["fraud" if night else None for night in rows["night"]]

    at = np.arange(10, 40)
    codes = ByFunction(told, frame, table.schema).ask(table.rows.take(at), at)
    np.testing.assert_array_equal(codes, np.where(table.X[at, 4] == 1, 1, -1))


@pytest.mark.parametrize(("answers", "said"), [(["fraud"] * 3, "each of the 60"), (["honest"] * 60, "fine, fraud")])
def test_a_function_that_answers_wrongly_is_told(answers: list[str], said: str) -> None:
    table = mixed_table(60)
    with pytest.raises(DataError, match=said):
        ByFunction(lambda rows: answers, decode(table.schema, table), table.schema).ask(table.rows, np.arange(60))


def test_a_series_is_put_into_the_order_of_the_rows() -> None:
    table = mixed_table(60)
    frame = decode(table.schema, table).set_axis([f"row{number}" for number in range(60)])
    labels = pd.Series(["fraud", "fine"] * 30, index=frame.index)
    at = np.array([40, 3, 17])
    rows = table.rows.take(at)

    def codes(function: Callable[[pd.DataFrame], object]) -> list[int]:
        return list(ByFunction(function, frame, table.schema).ask(rows, at))

    expected = codes(lambda rows: labels[rows.index])
    assert len(set(expected)) == 2
    assert codes(lambda rows: labels[labels.index.isin(rows.index)]) == expected  # in the order of the labels
    assert codes(lambda rows: labels[rows.index].to_numpy()) == expected
    assert codes(lambda rows: pd.Series(labels[rows.index].to_numpy())) == expected
    assert codes(lambda rows: pd.Series(labels[rows.index].to_numpy(), index=[7, 7, 7])) == expected
    assert codes(lambda rows: labels[rows.index[1:]]) == [-1, *expected[1:]]


@pytest.mark.parametrize("answers", [None, "fraud", np.full((60, 1), "fraud"), [["fraud"]] * 60])
def test_answers_of_another_shape_are_told(answers: object) -> None:
    table = mixed_table(60)
    with pytest.raises(DataError, match="an oracle must"):
        ByFunction(lambda rows: answers, decode(table.schema, table), table.schema).ask(table.rows, np.arange(60))


def test_a_lane_may_hold_rows_that_never_judge_alone() -> None:
    from experiments.config.strategies import compose
    from loop.cycle.parts import Settings

    table = numeric_table(300)
    dealt = deal(table, rng_of(0), k=3)
    table = replace(table, judging=np.where(dealt == 0, 0.0, 1.0))
    parts = compose(learner=XGBoost(trees=10), settings=Settings(generations=1, jobs=1))
    outcome = run_loop(parts, table, dealt, rng_of(0)).outcome
    np.testing.assert_array_equal(np.sort(outcome.judged), np.flatnonzero(dealt > 0))
