"""Laws of acceptance: the prior decides with little evidence, the data with much; only what is proven is a gain."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from tiny import rare_table, tiny_parts

from learners import ExtraTrees
from loop.cycle.acceptance import Acceptance, CalibrationGuard, GroupGuard
from loop.cycle.conclusion import conclude
from loop.cycle.controller import generations, prepare
from loop.cycle.lanes import deal
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.types import Decision, LoopVerdict, Table, Verdict

Answers = tuple[np.ndarray, np.ndarray]


def answers(n: int, signal: float, seed: int, share: float = 0.1) -> Answers:
    """Draw labels (n,) and probabilities (n, 2) that lean towards them by ``signal`` standard deviations."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) < share * n).astype(np.int64)
    return y, answer(y, signal, rng)


def answer(y: np.ndarray, signal: float, rng: np.random.Generator) -> np.ndarray:
    score = 1 / (1 + np.exp(2 - signal * y - rng.normal(size=len(y))))
    return np.column_stack([1 - score, score])


def judge_rows(y: np.ndarray, rows: np.ndarray | None = None) -> JudgeRows:
    """Judge rows with classes (n,) and their row numbers, by default 0 to n - 1."""
    return JudgeRows(y, 1, rows=np.arange(len(y)) if rows is None else rows)


def decide(acceptance: Acceptance, y: np.ndarray, champion: np.ndarray, challenger: np.ndarray) -> Decision:
    return acceptance.decide(judge_rows(y), champion, challenger, np.random.default_rng(0))


def worsened(y: np.ndarray, proba: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Shuffle the answers to a share of the rows."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(len(y)) < share)
    spoilt = proba.copy()
    spoilt[rows] = proba[rng.permutation(rows)]
    return spoilt


def test_what_could_never_decide_is_refused_at_once() -> None:
    for setting, words in (
        ({"metric": "typo"}, "typo"),
        ({"prior_sd": 0.0}, "prior_sd above 0"),
        ({"prior_sd": -1.0}, "prior_sd above 0"),
        ({"level": 1.0}, "level between 0 and 1"),
        ({"replicates": 1}, "2 replicates or more"),
    ):
        with pytest.raises(ConfigError, match=words):
            Acceptance(**setting)  # type: ignore[arg-type]


def test_a_generation_without_rows_is_not_kept() -> None:
    class Refuses:
        def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
            return Verdict.refuse(np.ones(len(candidates), dtype=bool), "all")

    table = rare_table(300)
    parts = tiny_parts(gates=(Refuses(),), learner=ExtraTrees(trees=10))  # whose answers depend on its seed
    prepared = prepare(parts, table, deal(table, np.random.default_rng(0), k=3), np.random.default_rng(0))
    history = list(generations(prepared))
    assert {len(generation.rows) for generation in history} == {0}
    assert {generation.decision.reason for generation in history} == {"no row was left to add"}
    assert conclude(prepared, history).verdict.kept == 0


# Keep?


def test_with_little_evidence_the_prior_decides() -> None:
    y, champion = answers(60, signal=2, seed=0)
    challenger = worsened(y, champion, 0.03)
    hopeful = decide(Acceptance(prior_mean=0.02, prior_sd=0.001, guards=()), y, champion, challenger)
    gloomy = decide(Acceptance(prior_mean=-0.02, prior_sd=0.001, guards=()), y, champion, challenger)
    assert hopeful.difference.estimate < 0
    assert hopeful.kept
    assert hopeful.reason == "expected to help"
    assert not gloomy.kept
    assert gloomy.reason == "not expected to help"
    assert hopeful.expected == pytest.approx(0.02, abs=0.005)


def test_with_much_evidence_the_data_decide() -> None:
    y, champion = answers(10_000, signal=2, seed=0, share=0.5)
    challenger = worsened(y, champion, 0.3)
    decision = decide(Acceptance(prior_sd=0.01, guards=()), y, champion, challenger)
    assert not decision.kept
    assert decision.expected == pytest.approx(decision.difference.estimate, rel=0.5)
    assert decide(Acceptance(prior_mean=-0.005, guards=()), y, challenger, champion).kept


@given(st.floats(-0.05, 0.05), st.floats(0.001, 0.1))
def test_expectation_lies_between_prior_and_data(prior_mean: float, prior_sd: float) -> None:
    y, champion = answers(200, signal=1, seed=3)
    acceptance = Acceptance(prior_mean=prior_mean, prior_sd=prior_sd, guards=(), replicates=20)
    decision = decide(acceptance, y, champion, worsened(y, champion, 0.2))
    low, high = sorted((prior_mean, decision.difference.estimate))
    assert low - 1e-12 <= decision.expected <= high + 1e-12
    assert decision.kept == (decision.expected > 0 and not decision.difference.high < 0)


@pytest.mark.parametrize("seed", range(5))
def test_harm_that_is_proven_rolls_back_whatever_the_prior_hopes(seed: int) -> None:
    y, champion = answers(600, signal=3, seed=seed)
    decision = decide(Acceptance(prior_mean=0.5, prior_sd=0.001, guards=()), y, champion, worsened(y, champion, 0.9))
    assert decision.difference.high < 0 < decision.expected
    assert not decision.kept
    assert decision.reason == "not expected to help"


def test_equal_answers_leave_the_expectation_at_zero_and_are_not_kept() -> None:
    y, champion = answers(300, signal=1, seed=0)
    decision = decide(Acceptance(), y, champion, champion)
    assert decision.expected == pytest.approx(0, abs=1e-9)
    assert not decision.kept


# Guards


def test_group_guard_takes_groups_as_they_come() -> None:
    y, champion = answers(400, signal=3, seed=0)
    names = pd.Series(np.where(np.arange(400) % 3, "east", None), index=np.random.default_rng(0).permutation(400))
    harmed = worsened(y, champion, 0.9)
    assert "worst group" in str(GroupGuard(names).objection(judge_rows(y), champion, harmed))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must have one entry per row of the input, got 300 for row 399"):
        GroupGuard(names[:300]).objection(judge_rows(y), champion, harmed)  # type: ignore[arg-type]


def test_calibration_guard_names_both_numbers() -> None:
    y, champion = answers(2000, signal=1, seed=0)
    overconfident = champion**8 / (champion**8).sum(axis=1, keepdims=True)  # same ranking
    decision = decide(Acceptance(prior_mean=1), y, champion, overconfident)
    assert not decision.kept
    assert decision.reason.startswith("log-loss on judge rows grew from 0.")
    assert CalibrationGuard(tolerance=1e3).objection(judge_rows(y), champion, overconfident) is None


def test_a_group_guard_without_row_numbers_is_told_to_have_them() -> None:
    y, champion = answers(100, signal=1, seed=0)
    with pytest.raises(ConfigError, match="numbers in the input, got none"):
        GroupGuard(np.zeros(100)).objection(JudgeRows(y, 1), champion, champion)


def test_guards_count_each_row_once_whatever_it_weighs() -> None:
    y, champion = answers(400, signal=2, seed=0)
    challenger = worsened(y, champion, 0.5)
    weighed = replace(judge_rows(y), weight=np.random.default_rng(0).exponential(size=400))
    for guard in (CalibrationGuard(tolerance=0), GroupGuard(np.arange(400) % 2, tolerance=0)):
        objection = guard.objection(judge_rows(y), champion, challenger)
        assert objection is not None
        assert guard.objection(weighed, champion, challenger) == objection


def test_group_guard_finds_its_groups_whatever_the_order_of_the_judge_rows() -> None:
    y, champion = answers(2000, signal=3, seed=0)
    groups = np.where(np.random.default_rng(1).random(2000) < 0.2, "west", "east")
    challenger = champion.copy()
    west = np.flatnonzero(groups == "west")
    challenger[west] = champion[np.random.default_rng(2).permutation(west)]
    guard = GroupGuard(groups)
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(2000)[:1500]  # as lanes pool them: not in table order
        objection = guard.objection(judge_rows(y[rows], rows), champion[rows], challenger[rows])
        assert objection is not None
        before, after = (float(word) for word in objection.split() if word[0].isdigit())
        assert before > 0.8 > 0.5 > after
        assert guard.objection(judge_rows(y[rows], rows), challenger[rows], champion[rows]) is None


def test_group_guard_knows_that_a_loss_is_better_when_lower() -> None:
    y, champion = answers(1000, signal=3, seed=0)
    worse = np.full_like(champion, 0.5)
    guard = GroupGuard(np.zeros(1000), metric="log_loss")
    assert "worsened" in (guard.objection(judge_rows(y), champion, worse) or "")
    assert guard.objection(judge_rows(y), worse, champion) is None


def test_group_guard_leaves_out_groups_too_small_to_score() -> None:
    y, champion = answers(200, signal=3, seed=0)  # twenty positives
    groups = np.where(np.arange(200) < 5, "few", np.where(y == 1, "only positives", "no positives"))
    guard = GroupGuard(groups)
    assert guard.objection(judge_rows(y), champion, 1 - champion) is None


def test_a_guard_overrules_the_score() -> None:
    y, champion = answers(4000, signal=1, seed=0)
    challenger = answer(y, 3, np.random.default_rng(5))
    west = np.arange(4000) % 10 == 0
    challenger[west] = champion[west][::-1]
    guarded = Acceptance(guards=(GroupGuard(west),))
    assert decide(replace(guarded, guards=()), y, champion, challenger).kept
    decision = decide(guarded, y, champion, challenger)
    assert not decision.kept
    assert decision.expected > 0
    assert "worst group" in decision.reason


# Proven?


def verdict(
    y: np.ndarray, baseline: np.ndarray, champion: np.ndarray, evaluations: int = 1, seed: int = 0, **changes: object
) -> tuple[LoopVerdict, Decision]:
    acceptance = replace(Acceptance(), **changes)  # type: ignore[arg-type]
    return acceptance.verdict(
        judge_rows(y), baseline, champion, np.random.default_rng(seed), kept=2, evaluations=evaluations
    )


def test_a_clear_improvement_is_proven() -> None:
    y, baseline = answers(3000, signal=1, seed=0)
    claim, decision = verdict(y, baseline, answer(y, 2, np.random.default_rng(9)), evaluations=4)
    assert claim.proven
    assert claim.interval.low > 0
    assert claim.gain == claim.interval.estimate == decision.difference.estimate
    assert claim.sentence.startswith("Proven gain: average_precision +")
    assert "corrected for 4 evaluations of the judge rows" in claim.sentence
    assert decision.kept


@pytest.mark.parametrize("signal", [0.8, 1.0, 1.2, 1.5, 2.0])
@pytest.mark.parametrize("evaluations", [1, 5])
def test_proven_means_that_the_interval_excludes_zero(signal: float, evaluations: int) -> None:
    y, baseline = answers(600, signal=1, seed=0)
    claim, _ = verdict(y, baseline, answer(y, signal, np.random.default_rng(9)), evaluations=evaluations)
    assert claim.proven == (claim.interval.low > 0)
    assert claim.sentence.startswith("Proven gain" if claim.proven else "No proven gain")


def test_more_evaluations_widen_the_interval() -> None:
    y, baseline = answers(600, signal=1, seed=0)
    champion = answer(y, 1.5, np.random.default_rng(9))
    intervals = [verdict(y, baseline, champion, evaluations=evaluations)[0].interval for evaluations in (1, 2, 5, 20)]
    widths = [each.high - each.low for each in intervals]
    assert widths == sorted(widths)
    assert widths[-1] > 1.2 * widths[0]
    assert [each.level for each in intervals] == pytest.approx([0.95, 0.975, 0.99, 0.9975])


def test_bounds_beyond_the_replicates_are_no_narrower_than_a_normal_one() -> None:
    y, baseline = answers(600, signal=1, seed=0)
    interval = verdict(y, baseline, answer(y, 1.5, np.random.default_rng(9)), evaluations=1000)[0].interval
    one = verdict(y, baseline, answer(y, 1.5, np.random.default_rng(9)), evaluations=1)[0].interval
    assert interval.high - interval.low > 1.7 * (one.high - one.low)  # 4.06 standard errors against 1.96


def test_few_positives_prove_nothing() -> None:
    y, baseline = answers(150, signal=0, seed=0)
    claim, decision = verdict(y, baseline, answer(y, 9, np.random.default_rng(9)))
    assert claim.interval.low > 0
    assert not claim.proven
    assert decision.kept
    assert claim.sentence.startswith("No proven gain")
    assert "15 rows or groups of a class are too few to prove anything, 20 are needed" in claim.sentence


def test_equally_good_models_are_rarely_proven() -> None:
    """A two-sided 95 % interval lies above zero by chance in 2.5 % of the cases; 5 % plus slack is allowed."""
    runs = 150
    proven = 0
    for seed in range(runs):
        y, baseline = answers(400, signal=1.5, seed=2 * seed)
        champion = answer(y, 1.5, np.random.default_rng(2 * seed + 1))
        proven += verdict(y, baseline, champion, seed=seed, replicates=100)[0].proven
    assert proven <= binom.ppf(0.99, runs, 0.05)


def test_the_claim_carries_the_variance_of_the_training_rows_and_the_decision_does_not() -> None:
    y, before = answers(600, signal=1, seed=0)
    after = answer(y, 1.5, np.random.default_rng(9))
    claims = {
        spread: Acceptance().verdict(
            judge_rows(y), before, after, np.random.default_rng(0), kept=1, evaluations=2, spread=spread
        )
        for spread in (1.0, 1.5)
    }
    (narrow, one), (wide, other) = claims[1.0], claims[1.5]
    assert wide.interval.estimate == narrow.interval.estimate
    assert wide.interval.high - wide.interval.low == pytest.approx(1.5 * (narrow.interval.high - narrow.interval.low))
    assert one == other
    assert not wide.proven or narrow.proven


def test_no_generation_kept_is_a_verdict_too() -> None:
    claim = Acceptance().nothing_kept()
    assert (claim.kept, claim.gain, claim.proven) == (0, 0.0, False)
    assert claim.sentence.startswith("No proven gain")


# In the loop


@pytest.mark.parametrize("k", [1, 3])
def test_guards_are_told_where_the_judge_rows_are(k: int) -> None:
    table = rare_table(300)
    told: list[bool] = []

    class Listens:
        def objection(self, judged: JudgeRows, champion: np.ndarray, challenger: np.ndarray) -> str | None:
            assert judged.rows is not None
            same = np.array_equal(table.y[judged.rows], judged.y)
            told.append(same and len(np.unique(judged.rows)) == len(champion))
            return "heard"

    parts = tiny_parts(acceptance=Acceptance(guards=(Listens(),), replicates=20))
    prepared = prepare(parts, table, deal(table, np.random.default_rng(0), k=k), np.random.default_rng(0))
    history = list(generations(prepared))
    assert told == [True] * len(history)
    assert {generation.decision.reason for generation in history} == {"heard"}


class Strict:
    """Objects to whatever is asked."""

    def objection(self, *_: object) -> str:
        return "harm to a group"


def test_guards_judge_what_is_delivered_too() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.2).astype(int)
    bad, good = rng.random(400), y + 0.1 * rng.random(400)
    before, after = (np.column_stack([1 - p, p]) for p in (bad, good / 1.2))
    for guards, kept in (((), True), ((Strict(),), False)):
        acceptance = Acceptance(guards=guards)
        _, decision = acceptance.verdict(judge_rows(y), before, after, rng, kept=1, evaluations=2)
        assert decision.kept is kept
    assert decision.reason == "harm to a group"
    assert "harm to a group" in acceptance.nothing_kept(decision).sentence
