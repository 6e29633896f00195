"""Laws of the loop: reproducible, resumable, blind to judge rows, honest in its counts."""

import copy
import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pytest
from sklearn.metrics import log_loss
from tiny import AUGMENTED, rare_table, tiny_parts

from generators import Neighbourhood
from learners import Committee, Linear, XGBoost
from loop.cycle.acceptance import Acceptance
from loop.cycle.conclusion import conclude
from loop.cycle.controller import generations, prepare
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.cycle.training import answers_at, train, unseen_answers
from loop.errors import ConfigError
from loop.regions.weakness import entropy
from loop.rows import Rows
from loop.supplies.acquisition import Entropy, Uniform
from loop.supplies.labelling import ByCondition
from loop.testing.tables import mixed_table
from loop.types import Table


def run(parts, table, seed=0, k=3):
    folds = deal(table, np.random.default_rng(seed), k=k)
    prepared = prepare(parts, table, folds, np.random.default_rng(seed))
    history = list(generations(prepared))
    return prepared, history, conclude(prepared, history)


@pytest.fixture(scope="module")
def finished():
    return run(tiny_parts(), rare_table())


def test_counts_add_up(finished):
    _, history, _ = finished
    for generation in history:
        counts = generation.counts
        refused = sum(n for name, n in counts.items() if name.startswith("refused"))
        assert counts["asked"] == counts["proposed"] + counts["short"]
        assert counts["proposed"] == counts["unchosen"] + refused + counts["kept"]
        assert counts["kept"] == len(generation.rows) > 0


def test_every_synthetic_row_has_a_trail(finished):
    prepared, history, outcome = finished
    synthetic = outcome.synthetic
    assert len(synthetic) == sum(len(g.rows) for g in history if g.decision.kept)
    assert synthetic.supply.max() < len(outcome.origins)
    for made_in, supply in zip(synthetic.generation, synthetic.supply, strict=True):
        assert outcome.origins[supply].generation == made_in
        assert outcome.origins[supply].supply == "taught"
    assert np.isin(synthetic.parents[:, 0], prepared.table.row_number).all()
    assert np.isin(synthetic.parents, [-1, *prepared.table.row_number]).all()
    assert (synthetic.parents[:, 1:] >= 0).any()  # rows between two, and all of them are named


def test_synthetic_labels_are_soft_and_real_labels_hard(finished):
    prepared, _, outcome = finished
    both = Table.concat([prepared.table, outcome.synthetic])
    assert np.isin(both.targets[both.is_real], (0.0, 1.0)).all()
    soft = both.targets[~both.is_real]
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    assert ((soft > 0.01) & (soft < 0.99)).any()


def test_rows_are_labelled_by_all_members_that_may_know_them(finished):
    prepared, history, _ = finished
    for rows, without in [(history[-1].rows, None), *zip(history[-1].lane_rows, range(3), strict=True)]:
        np.testing.assert_allclose(rows.soft, prepared.teacher.views(rows.rows, without)[0])


def test_same_seed_same_rows_and_scores(finished):
    _, history, outcome = finished
    _, again, repeated = run(tiny_parts(), rare_table())
    np.testing.assert_array_equal(outcome.synthetic.X, repeated.synthetic.X)
    np.testing.assert_array_equal(outcome.proba, repeated.proba)
    assert [g.scores for g in history] == [g.scores for g in again]


def test_lanes_side_by_side_change_nothing(finished):
    _, _, outcome = finished
    _, _, parallel = run(tiny_parts(settings=Settings(generations=2, jobs=2)), rare_table())
    np.testing.assert_array_equal(outcome.synthetic.X, parallel.synthetic.X)
    np.testing.assert_array_equal(outcome.proba, parallel.proba)


def fingerprint() -> str:
    _, history, outcome = run(tiny_parts(), rare_table(n=300))
    rows = hashlib.sha256(outcome.synthetic.X.tobytes() + outcome.proba.tobytes()).hexdigest()
    return f"{rows} {history[-1].scores}"


@pytest.mark.slow
def test_same_seed_in_another_process(request):
    code = (
        "import sys; sys.path.insert(0, 'tests'); import tests.loop.cycle.test_controller as test_controller; "
        "print(test_controller.fingerprint())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-c", code]
    root = request.config.rootpath
    there = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    assert there.strip() == fingerprint()


def test_resumed_equals_uninterrupted(finished):
    prepared, history, outcome = finished
    first = list(islice(generations(prepared), 1))
    resumed = first + list(generations(prepared, past=first))
    concluded = conclude(prepared, resumed)
    assert [g.decision for g in resumed] == [g.decision for g in history]
    np.testing.assert_array_equal(concluded.synthetic.X, outcome.synthetic.X)
    np.testing.assert_array_equal(concluded.proba, outcome.proba)


def test_interrupted_before_the_first_generation_delivers_the_real_only_model(finished):
    prepared, _, _ = finished
    outcome = conclude(prepared, [])
    assert outcome.verdict.kept == 0
    assert not outcome.verdict.proven
    assert len(outcome.synthetic) == 0
    assert outcome.scores == outcome.baseline


def test_input_table_is_unchanged():
    table = rare_table()
    before = (table.X.copy(), table.y.copy(), table.weight.copy())
    run(tiny_parts(), table)
    for array, unchanged in zip((table.X, table.y, table.weight), before, strict=True):
        np.testing.assert_array_equal(array, unchanged)


def test_nothing_of_the_judge_part_is_learnt():
    """A far-off cluster of positives that only one fold holds must stay unknown to that fold's lane."""
    table = rare_table(n=600)
    folds = deal(table, np.random.default_rng(0), k=3)
    canaries = np.flatnonzero(folds == 1)[:25]
    X, y = table.X.copy(), table.y.copy()
    X[canaries] = 9 + 0.1 * np.random.default_rng(1).normal(size=(len(canaries), 4))
    y[canaries] = 1
    columns = tuple(replace(column, high=10.0) for column in table.schema.columns)
    planted = Table.real(X, y, replace(table.schema, columns=columns))
    prepared = prepare(tiny_parts(), planted, folds, np.random.default_rng(0))
    history = list(generations(prepared))
    lane_rows = Table.concat([generation.lane_rows[1] for generation in history])
    assert not (lane_rows.X > 8).all(axis=1).any()
    assert not np.isin(lane_rows.parents, canaries).any()
    assert (prepared.generators[0][1].X_ < 8).any(axis=1).all()
    other_lanes = Table.concat([generation.lane_rows[0] for generation in history])
    assert np.isin(other_lanes.parents, canaries).any()  # the canaries can be learnt where they may be


def test_judge_labels_do_not_steer_their_own_teacher():
    """Flipping the labels of one fold leaves the members that answer for this fold as they were."""
    table = rare_table(n=400)
    folds = deal(table, np.random.default_rng(0), k=3)
    flipped = replace(table, y=np.where(folds == 2, 1 - table.y, table.y))
    members = []
    for version in (table, flipped):
        prepared = prepare(tiny_parts(), version, folds, np.random.default_rng(0))
        members.append([member.predict_proba(table.rows) for member, _ in prepared.teacher.fitted_[2]])
    np.testing.assert_array_equal(members[0], members[1])


def test_holdout_runs_one_lane_and_judges_each_row_once():
    prepared, history, outcome = run(tiny_parts(), rare_table(), k=1)
    assert len(prepared.lanes) == 2
    assert len(outcome.judged) == pytest.approx(0.3 * len(prepared.table), rel=0.1)
    judged = prepared.table.X[outcome.judged]
    assert all(not np.isin(g.lane_rows[0].parents, outcome.judged).any() for g in history)
    assert len(judged) == len(outcome.proba)


def test_without_a_teacher_labels_come_from_the_condition():
    parts = tiny_parts(teacher=None, acquisition=Entropy(), labeller=ByCondition())
    _, _, outcome = run(parts, rare_table())
    assert np.isin(outcome.synthetic.targets, (0.0, 1.0)).all()


def test_parts_that_need_a_teacher_say_so():
    with pytest.raises(ConfigError, match="Gap needs a teacher, got none"):
        tiny_parts(teacher=None)


def test_mixed_columns_with_missing_values():
    _, history, outcome = run(tiny_parts(), mixed_table(500))
    assert len(history) == 2
    schema = outcome.synthetic.schema
    kinds = np.array([column.kind for column in schema.columns])
    whole = outcome.synthetic.X[:, np.isin(kinds, ["integer", "datetime"]) | schema.discrete]
    assert (np.isnan(whole) | (whole == np.round(whole))).all()


class Refuse(Acceptance):
    """Rolls everything back."""

    def decide(self, *args, **kwargs):
        return replace(super().decide(*args, **kwargs), kept=False, reason="told to")


def test_rolled_back_rows_are_not_taught_and_patience_ends_the_loop():
    parts = tiny_parts(acceptance=Refuse(replicates=50), settings=Settings(generations=5, patience=2, jobs=1))
    _, history, outcome = run(parts, rare_table())
    assert [g.decision.kept for g in history] == [False, False]
    assert len(outcome.synthetic) == 0
    assert outcome.verdict.sentence.startswith("No proven gain")


@dataclass(frozen=True)
class RefuseSecond(Acceptance):
    """Rolls back every second decision."""

    made: list = dataclasses.field(default_factory=list)

    def decide(self, *args, **kwargs):
        decision = super().decide(*args, **kwargs)
        self.made.append(decision)
        return replace(decision, kept=len(self.made) % 2 == 1)


def test_resumed_after_a_rollback_equals_uninterrupted():
    """The champion of a resumed run is the one that was crowned, drawn with the same random rows."""

    def turns(past=()):
        acceptance = RefuseSecond(replicates=50, made=list(past))
        augmented = replace(AUGMENTED, row_share=0.5)
        settings = Settings(generations=3, jobs=1)
        parts = tiny_parts(acceptance=acceptance, settings=settings, augmented_learner=augmented)
        table = rare_table()
        prepared = prepare(parts, table, deal(table, np.random.default_rng(0), k=3), np.random.default_rng(0))
        return list(past) + list(generations(prepared, past=past))

    whole = turns()
    assert [generation.decision.kept for generation in whole] == [True, False, True]
    resumed = turns(past=whole[:2])
    np.testing.assert_array_equal(resumed[2].rows.X, whole[2].rows.X)
    assert resumed[2].scores == whole[2].scores


@pytest.mark.slow
def test_pure_noise_proves_nothing():
    proven = 0
    for seed in range(6):
        parts = tiny_parts(acquisition=Uniform() if seed % 2 else tiny_parts().supplies[0].acquisition)
        proven += run(parts, rare_table(n=300, seed=seed, noise=True), seed=seed)[2].verdict.proven
    assert proven <= 1


class Leading(Neighbourhood):
    """A generator that keeps, of three times as many rows, those that score highest."""

    def steered(self, score):
        return Led(self, score)


@dataclass
class Led:
    inner: Neighbourhood
    score: Callable[[Rows], np.ndarray]

    def fit(self, table, rng):
        return self

    def sample(self, request, rng):
        made = self.inner.sample(replace(request, n=3 * request.n), rng)
        best = np.argsort(-self.score(made.table.rows))[: request.n]
        return replace(made, request=request, table=made.table.take(np.sort(best)))


def test_the_learners_doubt_steers_a_generator_that_can_be():
    settings = Settings(generations=1, jobs=1)
    plain = run(tiny_parts(settings=settings), rare_table())
    led = run(tiny_parts(generator=Leading(), settings=replace(settings, steer=True)), rare_table())
    doubts = []
    for prepared, (generation,), _ in (plain, led):
        champion = copy.deepcopy(prepared.parts.learner).fit(prepared.table, np.random.default_rng(0))
        doubts.append(entropy(champion.predict_proba(generation.rows.rows)).mean())
    assert doubts[1] > 1.1 * doubts[0]


def test_with_one_lane_the_rows_that_find_weakness_have_not_been_seen():
    """Labels are noise, so answers to rows that were not learnt from cannot be better than to judge rows."""
    table = rare_table(400, noise=True)
    prepared, history, _ = run(tiny_parts(surrogate=None), table, k=1)
    kept = [replace(each, decision=replace(each.decision, kept=True)) for each in history]
    champions = train(prepared, prepared.parts.surrogate_for, kept, "scout", 1)
    answers = unseen_answers(prepared, kept, champions)
    lane = prepared.lanes[0]
    losses = [log_loss(table.y[rows], answers[rows][:, 1]) for rows in (lane.fit, lane.judge)]
    real_only = unseen_answers(prepared, [], train(prepared, prepared.parts.surrogate_for, [], "scout", 0))
    assert losses[0] > 0.9 * log_loss(table.y[lane.fit], real_only[lane.fit][:, 1])


@pytest.mark.parametrize("k", [1, 3])
def test_the_edge_of_a_teacher_is_measured_on_some_of_many_judge_rows(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Counting(Committee):
        def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
            asked.append(len(rows))
            return super().views(rows, without)

    table = rare_table(600)
    parts = replace(tiny_parts(), teacher=Counting(members=(Linear(),), folds=2, jobs=1))
    folds = deal(table, np.random.default_rng(0), k=k)
    whole = prepare(parts, table, folds, np.random.default_rng(0))
    monkeypatch.setattr("loop.cycle.controller.EDGE_ROWS", 60)
    asked.clear()
    some = prepare(parts, table, folds, np.random.default_rng(0))
    assert asked == ([60] if k == 1 else [])
    assert some.parts.acceptance != whole.parts.acceptance
    np.testing.assert_array_equal(some.judged, whole.judged)  # the claim is still on all of them


@pytest.mark.parametrize("k", [1, 3])
def test_surrogates_are_fitted_on_some_of_many_rows_and_the_final_learner_on_all(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Table]] = {"surrogate": [], "final": []}

    @dataclass
    class Seeing(Linear):
        role: str = "final"

        def fit(self, table: Table, rng: np.random.Generator) -> "Seeing":
            seen[self.role].append(table)
            super().fit(table, rng)
            return self

    table = rare_table(600)
    monkeypatch.setattr("loop.cycle.training.SURROGATE_ROWS", 200)
    parts = replace(tiny_parts(), learner=Seeing(), surrogate=Seeing(role="surrogate"), augmented_learner=None)
    run(replace(parts, augmented_surrogate=None), table, k=k)
    assert max(int(each.is_real.sum()) for each in seen["surrogate"]) == 200
    assert max(int(each.is_real.sum()) for each in seen["final"]) == len(table)
    for each in seen["surrogate"]:
        assert (each.y[each.is_real] == 1).sum() == each.weight[
            each.is_real & (each.y == 1)
        ].sum()  # the rare stay whole


@pytest.mark.parametrize("n", [0, 1, 7, 8, 100])
def test_answers_in_pieces_are_those_at_once(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = rare_table(n=200)
    learner, at = XGBoost(trees=3).fit(table, np.random.default_rng(0)), np.random.default_rng(1).permutation(200)[:n]
    whole = learner.predict_proba(table.rows.take(at))
    monkeypatch.setattr("loop.cycle.training.AT_ONCE", 7)
    np.testing.assert_array_equal(answers_at(learner, table, at), whole)
