"""Rows that a model chose never judge; the audit's weights undo how it was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from loop.asking.choice import Asking, choose
from loop.asking.ledger import Answers, first_free, grown, judging, known
from loop.asking.oracles import Withheld
from loop.asking.rounds import answered, unlabelled
from loop.evaluation.bootstrap import intervals
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.rows import Rows
from loop.supplies.acquisition import HighestScore
from loop.supplies.pool import Pool
from loop.testing.tables import numeric_table
from loop.types import Table

NAN = np.nan


def batch(rows: list[int], y: list[int], inclusion: list[float]) -> Answers:
    return Answers(np.array(rows), np.array(y), np.array(inclusion))


def test_the_first_answer_holds_and_no_answer_is_none() -> None:
    batches = [batch([0, 1], [1, -1], [NAN, NAN]), batch([1, 0], [0, 0], [NAN, NAN])]
    np.testing.assert_array_equal(known(batches, 3), [1, 0, -1])


def test_chosen_rows_weigh_nothing_and_audited_ones_the_inverse_of_their_chance() -> None:
    weight = judging([batch([0, 1, 2, 3], [1, 0, 0, -1], [NAN, 0.1, 0.4, 0.1])], 5)
    assert weight[0] == weight[3] == weight[4] == 0
    assert weight[1] / weight[2] == pytest.approx(4)
    assert weight.sum() == pytest.approx(weight.sum() ** 2 / (weight**2).sum())  # Kish's effective number


def test_batches_count_by_their_questions_not_by_what_they_happened_to_draw() -> None:
    few, many = (
        batch([0, 1, 2, 3], [0, 0, 0, 1], [NAN, NAN, NAN, 0.5]),
        batch([4, 5, 6, 7], [0] * 4, [NAN, 0.5, 0.5, 0.5]),
    )
    weight = judging([few, many], 8)
    assert len(set(weight[[3, 5, 6, 7]])) == 1
    assert (weight[[0, 1, 2, 4]] == 0).all()


def test_a_chosen_row_judges_once_it_is_audited() -> None:
    batches = [batch([0, 1], [1, 0], [NAN, 0.5]), batch([0], [1], [0.5])]
    assert judging(batches, 2)[0] > 0


def test_growing_adds_real_rows_that_know_where_they_come_from() -> None:
    table, pool = numeric_table(20), numeric_table(50, seed=1)
    whole = grown(table, pool.rows, [batch([7, 3], [1, 0], [NAN, 0.5])], 100, None)
    assert whole.is_real.all()
    np.testing.assert_array_equal(whole.row_number, [*range(20), 103, 107])
    np.testing.assert_array_equal(whole.y[20:], [0, 1])
    np.testing.assert_array_equal(whole.X[20:], pool.X[[3, 7]])
    assert whole.judging is not None
    assert (whole.judging[:20] == 1).all()
    assert whole.judging[21] == 0


def test_units_go_on() -> None:
    table, pool = replace(numeric_table(4), unit=np.array([0, 0, 1, 2])), numeric_table(5, seed=1)
    batches = [batch([1, 2], [1, 0], [NAN, NAN])]
    assert list(grown(table, pool.rows, batches, 4, None).unit) == [0, 0, 1, 2, 3, 4]  # type: ignore[arg-type]
    own = np.array([9, 1, 1, 9, 9])
    assert list(grown(table, pool.rows, batches, 4, own).unit) == [0, 0, 1, 2, 1, 1]  # type: ignore[arg-type]


def answers_of(X: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(4 - 1.6 * X[:, 0]))
    return np.column_stack([1 - p, p])


def world(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, (rng.random(n) < answers_of(X)[:, 1]).astype(np.int64)


def asked_with_bias(seed: int) -> Table:
    """Return a thousand rows at random and what is answered when only the highest scores are asked about."""
    X, y = world(5000, seed)
    table, pool, rng = (
        Table.real(X[:1000], y[:1000], numeric_table(d=2).schema),
        Rows(X[1000:]),
        np.random.default_rng(seed),
    )
    opinion, batches = Pool(unlabelled(pool, table.schema), answers_of(pool.X)), list[Answers]()
    for _ in range(3):
        already = known(batches, len(pool))
        open_ = already < 0
        chosen = choose(Asking(HighestScore(), audit=0.25), opinion, open_, 200, rng)
        batches.append(answered(chosen, pool, Withheld(y[1000:]), already, open_))
    return grown(table, pool, batches, 1000, None)


def test_a_biased_asking_does_not_move_what_the_judge_rows_say() -> None:
    """The canary: a model that asks where it is surest of a fraud finds frauds, and must not judge itself by them."""
    X, y = world(500_000, 10_000)
    truth = score("average_precision", JudgeRows(y, 1), answers_of(X))
    honest, fooled = 0, 0
    for seed in range(100):
        whole = asked_with_bias(seed)
        judged, proba, rng = JudgeRows.of(whole), answers_of(whole.X), np.random.default_rng(seed)
        counted = np.flatnonzero(judged.weights > 0)
        for rows, answers in ((judged.take(counted), proba[counted]), (JudgeRows(whole.y, 1), proba)):
            interval = intervals(["average_precision"], rows, answers, rng, replicates=200)["average_precision"]
            held = interval.low <= truth <= interval.high
            honest, fooled = (honest + held, fooled) if rows.weight is not None else (honest, fooled + held)
    assert honest >= 90, f"the weighted interval holds the truth in {honest} of 100 simulations"
    assert fooled < 60, f"the unweighted interval holds the truth in {fooled} of 100 simulations: nothing is shown"


def test_row_numbers_are_free_though_rows_were_dropped() -> None:
    table, pool = numeric_table(20).take(np.arange(5, 20)), numeric_table(50, seed=1)
    whole = grown(table, pool.rows, [batch([7, 3], [1, 0], [NAN, 0.5])], first_free(table), None)
    assert len(np.unique(whole.row_number)) == len(whole)
