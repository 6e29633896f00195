"""The arms of a comparison: all there, on the same rows, as many rows as their names promise."""

import time
from dataclasses import replace

import numpy as np
import pytest
from tiny import LEARNER, rare_table, tiny_parts

from experiments.arms import tuned_baseline
from experiments.arms.alternatives import balanced, class_weighted, with_capacity
from experiments.arms.arm import Arm
from experiments.arms.arms import arms
from experiments.arms.names import CHEAP, REAL_ONLY, TARGETED, TEACHER
from experiments.arms.serving import seconds_per_million
from experiments.arms.tuned_baseline import tunable, tune
from experiments.config.strategies import without_aim
from generators import Resample
from learners import MLP, Forest, Linear, XGBoost
from loop.cycle.driver import LoopRun, run_loop
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.gates import Copies
from loop.rows import Rows
from loop.seeds import root, stream
from loop.supplies.acquisition import Entropy
from loop.supplies.labelling import ByCondition
from loop.testing.learners import blobs
from loop.types import Generation, Table

TABLE = rare_table(400)
FOLDS = deal(TABLE, np.random.default_rng(0), k=3)


@pytest.fixture(scope="module")
def run() -> LoopRun:
    parts = tiny_parts(settings=Settings(generations=1, jobs=1))
    return run_loop(parts, TABLE, FOLDS, np.random.default_rng(0))


def fitted_arms(run: LoopRun, tuning: bool = False) -> dict[str, Arm]:
    own = np.random.default_rng(1)
    return {arm.name: arm for arm in arms(run, FOLDS, own, plain_kinds=False, tuning=tuning)}


@pytest.fixture(scope="module")
def fitted(run: LoopRun) -> dict[str, Arm]:
    return fitted_arms(replace(run, seconds=0.5), tuning=True)


def test_all_arms_appear_the_loop_and_its_teacher_last(fitted: dict[str, Arm]) -> None:
    assert list(fitted) == [REAL_ONLY, *CHEAP, TEACHER, TARGETED]
    assert [name for name, arm in fitted.items() if arm.cheap] == [REAL_ONLY, *CHEAP]
    assert [name for name, arm in fitted.items() if arm.plain] == [REAL_ONLY]


def test_what_may_be_delivered_has_answers_of_models_that_had_not_seen_the_judge_rows(
    fitted: dict[str, Arm], run: LoopRun
) -> None:
    candidates = {name: arm.judged for name, arm in fitted.items() if arm.judged is not None}
    assert set(candidates) == {REAL_ONLY, TARGETED, TEACHER}
    np.testing.assert_array_equal(candidates[TEACHER], run.prepared.teacher.oof_[run.prepared.judged])  # type: ignore[union-attr]
    np.testing.assert_array_equal(candidates[TARGETED], run.outcome.proba)


def test_every_arm_predicts_and_has_taken_time(fitted: dict[str, Arm]) -> None:
    for arm in fitted.values():
        proba = arm.predictor.predict_proba(TABLE.rows)
        assert proba.shape == (len(TABLE), 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)
        assert arm.seconds_fit > 0


def test_untargeted_pays_for_the_teacher(fitted: dict[str, Arm], run: LoopRun) -> None:
    assert fitted["untargeted"].seconds_fit > run.prepared.seconds["teacher"]
    assert fitted[TEACHER].seconds_fit == run.prepared.seconds["teacher"]
    assert fitted[TARGETED].seconds_fit == 0.5


def test_targeted_is_the_loop_s_own_learner(fitted: dict[str, Arm], run: LoopRun) -> None:
    assert fitted[TARGETED].predictor is run.outcome.learner
    assert f"{len(run.outcome.synthetic)} new rows" in fitted[TARGETED].note


def test_arms_are_the_same_each_time_but_for_the_tuned_one(fitted: dict[str, Arm], run: LoopRun) -> None:
    for name, arm in fitted_arms(run).items():
        np.testing.assert_array_equal(
            arm.predictor.predict_proba(TABLE.rows), fitted[name].predictor.predict_proba(TABLE.rows), err_msg=name
        )


def test_without_a_teacher_there_is_no_arm_that_needs_one() -> None:
    parts = tiny_parts(
        teacher=None, acquisition=Entropy(), labeller=ByCondition(), settings=Settings(generations=1, jobs=1)
    )
    untaught = run_loop(parts, TABLE, FOLDS, np.random.default_rng(0))
    names = set(fitted_arms(untaught))
    assert TEACHER not in names
    assert "untargeted" in names  # the loop without its aim needs no teacher
    assert {REAL_ONLY, TARGETED} <= names


def test_watches_see_every_generation() -> None:
    seen: list[Generation] = []
    watched = run_loop(tiny_parts(), TABLE, FOLDS, np.random.default_rng(0), watches=[seen.append])
    assert tuple(seen) == watched.history
    assert watched.seconds > 0


# Rows of the arms


@pytest.mark.parametrize("table", [TABLE, blobs(n_classes=3)], ids=["two classes", "three classes"])
@pytest.mark.parametrize("sampler", ["SMOTE", "RandomOverSampler"])
def test_balanced_classes_are_equal_and_real_rows_stay(table: Table, sampler: str) -> None:
    even = balanced(table, sampler, np.random.default_rng(0))
    assert len(set(np.bincount(even.y))) == 1
    np.testing.assert_array_equal(even.X[: len(table)], table.X)
    assert even.soft is None
    np.testing.assert_array_equal(even.is_real, np.arange(len(even)) < len(table))  # the trail is as it was made


@pytest.mark.parametrize(("sampler", "name"), [("SMOTE", "SMOTE"), ("RandomOverSampler", "random oversampling")])
def test_oversampling_takes_the_better_capacity(sampler: str, name: str, run: LoopRun) -> None:
    useless, able = XGBoost(trees=1, depth=1, rate=1e-6), XGBoost(trees=40, depth=4, rate=0.2)
    for learner, augmented, whose in ((useless, able, "augmented learner"), (able, useless, "learner")):
        parts = replace(run.prepared.parts, learner=learner, augmented_learner=augmented)
        chosen, note = with_capacity(parts, TABLE, FOLDS, sampler, 0)
        assert chosen is able
        assert note == f"capacity of the {whose}, chosen out of fold"
    alone = replace(run.prepared.parts, augmented_learner=None)
    assert with_capacity(alone, TABLE, FOLDS, sampler, 0) == (alone.learner, "")
    found = fitted_arms(run)[name]
    expected, note = with_capacity(
        run.prepared.parts, TABLE, FOLDS, sampler, root(stream(root(np.random.default_rng(1)), name, "capacity"))
    )
    assert found.note == note
    assert found.predictor.trees == expected.trees  # type: ignore[attr-defined]


def test_each_fold_is_judged_by_rows_made_of_the_others(run: LoopRun) -> None:
    seen: list[tuple[set[int], set[int]]] = []

    class Watching(XGBoost):
        def fit(self, table: Table, rng: np.random.Generator) -> XGBoost:
            made = table.take(~table.is_real)
            seen.append((set(table.row_number) - {-1}, set(made.parents.flat) - {-1}))
            return super().fit(table, rng)

    parts = replace(run.prepared.parts, learner=Watching(trees=2), augmented_learner=Watching(trees=3))
    with_capacity(parts, TABLE, FOLDS, "RandomOverSampler", 0)
    assert len(seen) == 2 * 3
    for real, parents in seen:
        assert parents
        assert parents <= real
        assert len(real) < len(TABLE)


def test_oversampling_copies_and_smote_does_not() -> None:
    real = {row.tobytes() for row in TABLE.X}
    for sampler, copied in (("RandomOverSampler", True), ("SMOTE", False)):
        new = balanced(TABLE, sampler, np.random.default_rng(0)).X[len(TABLE) :]
        assert all(row.tobytes() in real for row in new) == copied


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weighted_classes_weigh_the_same_and_the_sum_stays(n_classes: int) -> None:
    table = blobs(n_classes=n_classes)
    table = replace(table, weight=np.random.default_rng(0).random(len(table)))
    weighted = class_weighted(table)
    sums = np.bincount(weighted.y, weights=weighted.weight)
    np.testing.assert_allclose(sums, table.weight.sum() / n_classes)
    ratio = weighted.weight / table.weight
    for code in range(n_classes):  # within a class the weights keep their proportions
        np.testing.assert_allclose(ratio[table.y == code], ratio[table.y == code][0])


def test_untargeted_is_the_loop_itself_without_its_aim(run: LoopRun, fitted: dict[str, Arm]) -> None:
    """Run from nothing with parts that do not aim, the loop delivers the very model of the arm."""
    control = run_loop(without_aim(run.prepared.parts), TABLE, FOLDS, np.random.default_rng(0))
    np.testing.assert_array_equal(
        fitted["untargeted"].predictor.predict_proba(TABLE.rows), control.outcome.learner.predict_proba(TABLE.rows)
    )
    assert fitted["untargeted"].note == f"{len(control.outcome.synthetic)} new rows"


def test_without_its_aim_a_loop_looks_for_no_region_and_asks_anywhere(run: LoopRun) -> None:
    aimed = replace(run.prepared.parts, settings=Settings(generations=1, jobs=1, weight=0.5))
    control = run_loop(without_aim(aimed), TABLE, FOLDS, np.random.default_rng(0))
    assert run.history[0].regions
    (generation,) = control.history
    assert generation.regions == ()
    assert [region for region, _ in generation.requests] == ["anywhere"]
    assert (generation.rows.weight == 0.5).all()
    assert len(generation.rows)


# The tuned arm


def test_first_trial_is_the_learner_as_it_is() -> None:
    best, trials = tune(LEARNER, TABLE, FOLDS, 1e-6, np.random.default_rng(0), jobs=1)
    assert trials == 1
    assert best is LEARNER


def test_the_best_trial_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[float, object] = {}

    def out_of_fold(learner: Linear, *_: object) -> float:
        return tried.setdefault(-abs(np.log10(learner.C) - 1), learner) and -abs(np.log10(learner.C) - 1)

    monkeypatch.setattr(tuned_baseline, "out_of_fold", out_of_fold)
    best, trials = tune(Linear(C=1e-3), TABLE, FOLDS, 0.3, np.random.default_rng(0), jobs=1)
    assert trials > 1
    assert best is tried[max(tried)]


def test_tuning_scores_out_of_fold() -> None:
    noise = replace(TABLE, y=np.random.default_rng(0).permutation(TABLE.y))
    memory = Forest(trees=10)
    assert tuned_baseline.out_of_fold(memory, noise, FOLDS, 0, 0, 1) < 0.2
    assert tuned_baseline.out_of_fold(memory, TABLE, FOLDS, 0, 0, 1) > 0.3


def test_only_learners_with_a_space_are_tunable() -> None:
    assert tunable(XGBoost())
    assert not tunable(MLP())


# Cost of serving


class Slow:
    """Takes two microseconds a row."""

    def predict_proba(self, rows: Rows) -> np.ndarray:
        time.sleep(2e-6 * len(rows))
        return np.full((len(rows), 2), 0.5)


def test_seconds_per_million_rows() -> None:
    assert seconds_per_million(Slow(), TABLE.rows) == pytest.approx(2, rel=0.5)


def test_a_generator_whose_rows_are_all_refused_leaves_the_real_only_model() -> None:
    """Real rows drawn again are copies, so the gate keeps none; every arm still gets its answer."""
    parts = tiny_parts(generator=Resample(), settings=Settings(generations=1, jobs=1))
    finished = run_loop(parts, TABLE, FOLDS, np.random.default_rng(0))
    assert len(finished.outcome.synthetic) == 0
    named = {name: arm.predictor for name, arm in fitted_arms(finished).items()}
    assert {REAL_ONLY, "untargeted", TARGETED, TEACHER} <= set(named)
    assert np.isfinite(named["untargeted"].predict_proba(TABLE.rows)).all()


def test_a_loop_that_keeps_nothing_neither_wins_nor_loses_against_real_rows_alone() -> None:
    parts = tiny_parts(
        generator=Resample(), learner=Forest(trees=5), gates=(Copies(),)
    )  # whose answers depend on draws
    idle = run_loop(parts, TABLE, FOLDS, np.random.default_rng(0))
    assert idle.outcome.verdict.kept == 0
    named = {name: arm.predictor.predict_proba(TABLE.rows) for name, arm in fitted_arms(idle).items()}
    np.testing.assert_array_equal(named[TARGETED], named[REAL_ONLY])
