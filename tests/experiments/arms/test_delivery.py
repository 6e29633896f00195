"""Delivery: the best expected model is chosen on judge rows, proven harm never, and limits of serving hold."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.naive_bayes import GaussianNB
from tiny import tiny_parts

from experiments.arms.arm import Arm
from experiments.arms.delivery import ALIKE, best_plain, check_storable, choose, decide
from experiments.arms.names import AUTO, REAL_ONLY, TARGETED, TEACHER, WITH_STATED, in_words
from experiments.arms.serving import Cost, Limits, cost_of
from learners import Committee, Linear, SklearnAdapter, XGBoost
from loop.cycle.held_back import Caught
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.rows import Rows
from loop.testing.learners import blobs
from loop.types import Interval

N = 400
Y = (np.arange(N) % 8 == 0).astype(np.int64)
JUDGED = JudgeRows(Y, 1)


class Constant:
    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def predict_proba(self, rows: Rows) -> np.ndarray:
        return np.tile([1 - self.value, self.value], (len(rows), 1))

    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "value").write_text(str(self.value))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(float((folder / "value").read_text()))


def answers(skill: float, seed: int = 0) -> np.ndarray:
    """Probabilities that rank the positives the better, the higher the skill; the noise depends on the seed alone."""
    p = 1 / (1 + np.exp(-skill * Y - np.random.default_rng(seed).normal(size=N)))
    return np.column_stack([1 - p, p])


def arm(name: str, skill: float, *, plain: bool = False, seed: int = 0) -> Arm:
    return Arm(name, Constant(), 1.0, plain=plain, judged=answers(skill, seed))


def chosen(arms: list[Arm], costs: dict[str, Cost] | None = None, **options: object) -> str:
    free = {each.name: Cost(1.0, 1.0) for each in arms}
    return choose(arms, free | (costs or {}), JUDGED, np.random.default_rng(0), **options).name  # type: ignore[arg-type]


def contest(teacher: float, loop: float) -> list[Arm]:
    plain = [arm(REAL_ONLY, 1.0, plain=True), arm("extra trees", 1.6, plain=True)]
    return [*plain, arm(TEACHER, teacher), arm(TARGETED, loop)]


def test_the_best_plain_model_has_the_best_score_on_judge_rows() -> None:
    assert best_plain(contest(9, 9), JUDGED).name == "extra trees"  # neither loop nor teacher is plain


@pytest.mark.parametrize(
    ("teacher", "loop", "expected"), [(3.0, 1.6, TEACHER), (1.0, 3.0, TARGETED), (0.5, 0.5, "extra trees")]
)
def test_the_best_expected_model_is_delivered(teacher: float, loop: float, expected: str) -> None:
    assert chosen(contest(teacher, loop)) == expected


@given(st.floats(0, 4), st.floats(0, 4), st.integers(0, 50))
def test_proven_harm_is_never_delivered_unless_it_is_asked_for(teacher: float, loop: float, seed: int) -> None:
    arms = [*contest(0, 0)[:2], arm(TEACHER, teacher, seed=seed), arm(TARGETED, loop, seed=seed + 1)]
    costs = {each.name: Cost(1.0, 1.0) for each in arms}
    delivery = choose(arms, costs, JUDGED, np.random.default_rng(0))
    options = {option.name: option for option in delivery.options}
    assert options[delivery.name].difference.high >= 0
    assert options[delivery.name].expected >= 0 - 1e-9
    assert chosen(arms, wanted="loop") == TARGETED


def test_of_two_models_alike_the_one_that_scores_faster_is_delivered() -> None:
    arms = [*contest(0, 0)[:2], arm(TEACHER, 3.0), arm(TARGETED, 3.0)]
    slow, fast = Cost(100.0, 1.0), Cost(2.0, 1.0)
    equal = {TEACHER: slow, TARGETED: fast}
    arms[2] = Arm(TEACHER, Constant(), 1.0, judged=answers(1.6))  # the very answers of extra trees
    arms[3] = Arm(TARGETED, Constant(), 1.0, judged=answers(1.6))
    delivery = choose(arms, {each.name: equal.get(each.name, slow) for each in arms}, JUDGED, np.random.default_rng(0))
    by_name = {option.name: option.expected for option in delivery.options}
    within = [name for name, value in by_name.items() if value >= max(by_name.values()) - 0.001]
    assert delivery.name == min(within, key=lambda name: equal.get(name, slow).seconds_per_million)


def test_a_loss_on_judge_rows_is_no_tie_however_fast_the_model_is() -> None:
    """Shrinking to the prior leaves so little of the loss that the expected scores are alike."""
    best, fast = arm("extra trees", 1.6, plain=True), arm(TARGETED, 1.59, seed=3)
    delivery = choose(
        [best, fast], {"extra trees": Cost(9.0, 1.0), TARGETED: Cost(1.0, 1.0)}, JUDGED, np.random.default_rng(0)
    )
    option = delivery.options[1]
    assert option.refused is None
    assert -ALIKE < option.expected < 0
    assert option.difference.estimate < -ALIKE
    assert delivery.name == "extra trees"


def test_limits_of_serving_are_kept_and_told() -> None:
    arms = contest(3.0, 1.6)
    costs = {TEACHER: Cost(200.0, 300.0), "extra trees": Cost(30.0, 40.0)}
    assert chosen(arms, costs, limits=Limits(seconds_per_million=100)) in (TARGETED, "extra trees")
    assert chosen(arms, costs, limits=Limits(seconds_per_million=10)) in (TARGETED, REAL_ONLY)
    assert chosen(arms, costs, limits=Limits(megabytes=100)) != TEACHER
    assert chosen(arms, costs | {TEACHER: Cost(1.0, None)}) != TEACHER  # it cannot be saved
    with pytest.raises(ConfigError, match="raise the limits"):
        chosen(arms, limits=Limits(seconds_per_million=0.5))


def test_a_teacher_that_cannot_be_saved_may_teach_but_not_be_asked_for() -> None:
    parts = tiny_parts(teacher=Committee(members=(Linear(), SklearnAdapter(GaussianNB()))))
    for wanted in (AUTO, "loop", "plain", REAL_ONLY):
        check_storable(parts, wanted)
    with pytest.raises(ConfigError, match=r"a learner to be saved must .* got SklearnAdapter inside Committee"):
        check_storable(parts, "teacher")
    check_storable(tiny_parts(), "teacher")
    with pytest.raises(ConfigError, match="got SklearnAdapter: use another"):
        check_storable(tiny_parts(augmented_learner=SklearnAdapter(GaussianNB())), AUTO)


@pytest.mark.parametrize(("wanted", "name"), [("plain", "extra trees"), ("teacher", TEACHER), (REAL_ONLY, REAL_ONLY)])
def test_any_model_can_be_asked_for(wanted: str, name: str) -> None:
    assert chosen(contest(3.0, 3.0), wanted=wanted) == name


def test_a_model_that_was_not_fitted_cannot() -> None:
    with pytest.raises(ConfigError, match="deliver must name a model that was fitted"):
        chosen(contest(3.0, 3.0)[:2], wanted="teacher")


def test_the_sentence_says_what_is_gained_and_at_what_price() -> None:
    arms = contest(3.0, 1.6)
    costs = {each.name: Cost(10.0, 1.0) for each in arms} | {TEACHER: Cost(200.0, 300.0)}
    delivery = choose(arms, costs, JUDGED, np.random.default_rng(0))
    assert delivery.sentence.startswith(f"Delivered: {TEACHER}, expected +")
    assert "over the best plain model (extra trees; judge rows +" in delivery.sentence
    alone = choose([each for each in arms if each.name != REAL_ONLY], costs, JUDGED, np.random.default_rng(0))
    assert "over the only plain model that was fitted (extra trees; judge rows +" in alone.sentence
    assert "20 times as long to score a row" in delivery.sentence
    nothing = choose(contest(0.5, 0.5), costs, JUDGED, np.random.default_rng(0)).sentence
    assert nothing.startswith("Delivered: extra trees, the best plain model; nothing to gain here")
    assert TEACHER in nothing
    assert in_words(TARGETED) in nothing
    blind = [arm(REAL_ONLY, 0.0, plain=True), arm(TARGETED, 0.0)]
    assert "barely above chance" in choose(blind, costs, JUDGED, np.random.default_rng(0)).sentence


def test_what_was_fitted_on_fewer_rows_is_fitted_on_all_before_it_is_delivered() -> None:
    first = Arm("extra trees", Constant(0.1), 1.0, "fitted on 5 of 9 rows", True, answers(3.0), lambda: Constant(0.9))
    other = Arm("random forest", Constant(0.2), 1.0, "", True, answers(1.0), lambda: Constant(0.8))
    rows = blobs(50).rows
    decided = decide([first, other], rows, JUDGED, np.random.default_rng(0), wanted=AUTO)
    assert decided.delivery.name == "extra trees"
    assert decided.named("extra trees").predictor.predict_proba(rows)[0, 1] == 0.9
    assert decided.named("random forest").predictor.predict_proba(rows)[0, 1] == 0.2
    assert "then fitted on all" in decided.named("extra trees").note


def test_the_expected_difference_is_between_prior_and_measurement() -> None:
    delivery = choose(
        contest(3.0, 1.7), {each.name: Cost(1, 1) for each in contest(1, 1)}, JUDGED, np.random.default_rng(0)
    )
    for option in delivery.options:
        assert option.score == score("average_precision", JUDGED, answers(1.6)) + option.difference.estimate
        assert abs(option.expected) <= abs(option.difference.estimate) + 0.02


def test_costs_are_measured_and_a_model_without_save_has_no_size() -> None:
    table = blobs(100)
    cost = cost_of(XGBoost(trees=5).fit(table, np.random.default_rng(0)), table.rows)
    assert cost.seconds_per_million > 0
    assert cost.megabytes is not None
    assert cost.megabytes > 0
    unsaved = SklearnAdapter(GaussianNB())
    for learner in (unsaved, Committee(members=(unsaved,), folds=2, jobs=1)):
        assert cost_of(learner.fit(table, np.random.default_rng(0)), table.rows).megabytes is None


KNOWN = (Caught("stated: ring", 1000, Interval(0.03, 0.02, 0.04), Interval(0.9, 0.88, 0.92)),)


def taught(skill: float, name: str = TARGETED) -> Arm:
    return replace(arm(name, skill), known=KNOWN)


def test_what_knows_stated_patterns_comes_first_unless_it_loses_much() -> None:
    plain, teacher = arm("extra trees", 3.0, plain=True), arm(TEACHER, 3.5)
    little = taught(2.98)
    assert little.judged is not None
    lost = score("average_precision", JUDGED, answers(3.0)) - score("average_precision", JUDGED, little.judged)
    assert 0 < lost < 0.02
    assert chosen([plain, teacher, little]) == TARGETED
    assert chosen([plain, teacher, taught(1.0)]) == TEACHER
    assert chosen([plain, teacher, taught(2.9), taught(3.02, WITH_STATED)]) == WITH_STATED


def test_of_those_that_know_the_one_that_catches_more_is_delivered() -> None:
    plain = arm("extra trees", 3.0, plain=True)
    caught = replace(KNOWN[0], after=Interval(0.8, 0.78, 0.82))
    weaker = replace(arm(WITH_STATED, 3.02), known=(caught,))
    assert chosen([plain, taught(2.98), weaker]) == TARGETED


def test_what_was_taught_in_vain_is_judged_like_every_other_model() -> None:
    """It catches no more of the pattern than before, so nothing outweighs what it loses on judge rows."""
    plain = arm("extra trees", 3.0, plain=True)
    vain = replace(taught(2.98), known=(replace(KNOWN[0], after=Interval(0.05, 0.04, 0.06)),))
    costs = {each: Cost(1.0, 1.0) for each in ("extra trees", TARGETED)}
    delivery = choose([plain, vain], costs, JUDGED, np.random.default_rng(0))
    assert delivery.name == "extra trees"
    assert (
        "It does not know what is stated: the loop (targeted) (catches no more of it than before)." in delivery.sentence
    )
    knows_one = replace(vain, known=(*vain.known, *KNOWN))
    assert chosen([plain, knows_one]) == TARGETED


def test_the_sentence_says_what_is_known_or_why_it_is_not() -> None:
    plain, teacher = arm("extra trees", 3.0, plain=True), arm(TEACHER, 3.5)
    costs = {each: Cost(1.0, 1.0) for each in ("extra trees", TEACHER, TARGETED)}
    told = choose([plain, teacher, taught(2.98)], costs, JUDGED, np.random.default_rng(0)).sentence
    assert "of rows held back it catches 90% of stated: ring (3% before)" in told
    other = choose([plain, teacher, taught(1.0)], costs, JUDGED, np.random.default_rng(0)).sentence
    assert "It does not know what is stated: the loop (targeted) (worse than extra trees" in other
