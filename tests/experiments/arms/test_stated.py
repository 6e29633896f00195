"""The best plain model, taught what is stated: judged on fewer rows where it is slow, delivered on all."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import LEARNER, rare_table, tiny_parts

from experiments.arms.kind import OTHER
from experiments.arms.names import WITH_STATED
from experiments.arms.plain import Plain
from experiments.arms.stated import with_stated
from generators.rules.rules import Rules
from learners import Thinned
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.seeds import stream
from loop.supplies.acquisition import Blindness
from loop.supplies.labelling import ByCondition
from loop.supplies.supply import Supply

TABLE = rare_table(600)
PLACE = {"x2": {"from": "normal", "mean": -2, "sd": 0.1}, "x3": {"from": "normal", "mean": -2, "sd": 0.1}}
BOOK = {
    "target": "target",
    "scenarios": {"far": {"weight": 1, "label": "yes", "from_rows": {"where": "target == 'no'"}, "columns": PLACE}},
}


@pytest.fixture(scope="module")
def run() -> LoopRun:
    supply = Supply(Rules(BOOK), Blindness(), ByCondition(), (), "stated: far", 60, aimed=False, stated=True)
    parts = tiny_parts(settings=Settings(generations=1, jobs=1))
    folds = deal(TABLE, np.random.default_rng(0), k=3)
    return run_loop(replace(parts, supplies=(supply,)), TABLE, folds, stream(0, "loop"))


def plain(run: LoopRun, quick: Thinned | None) -> Plain:
    return Plain("XGBoost", OTHER, LEARNER, quick, run.outcome.proba_real_only, 0.5)


def test_it_is_taught_the_rows_that_the_loop_kept(run: LoopRun) -> None:
    arm = with_stated(run, plain(run, None))
    assert arm is not None
    assert (arm.name, arm.whole, arm.cheap, arm.plain) == (WITH_STATED, None, False, False)
    assert arm.note == f"XGBoost with {len(run.outcome.synthetic)} stated rows"
    (known,) = arm.known
    assert known.after.estimate > known.before.estimate + 0.3
    assert arm.judged is not None
    assert arm.judged.shape == run.outcome.proba.shape


def test_a_slow_model_is_fitted_on_all_rows_once_it_is_chosen(run: LoopRun) -> None:
    arm = with_stated(run, plain(run, Thinned(LEARNER, most=100)))
    assert arm is not None
    assert isinstance(arm.predictor, Thinned)
    assert arm.whole is not None
    on_all = with_stated(run, plain(run, None))
    assert on_all is not None
    made = (each.predict_proba(TABLE.rows) for each in (arm.whole(), on_all.predictor))
    np.testing.assert_array_equal(*made)


def test_without_stated_rows_there_is_none(run: LoopRun) -> None:
    nothing = replace(run, outcome=replace(run.outcome, caught=()))
    assert with_stated(nothing, plain(run, None)) is None
