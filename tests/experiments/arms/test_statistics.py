"""Statistics of comparisons: nothing is proven of equals, what is planted is found, and errors are as rare as said."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.arms import statistics as own
from experiments.compare.claims import compare_with_all, fewest_sources, in_sentences

ARMS = ("loop", "real only", "SMOTE")


def long(scores: np.ndarray, arms: tuple[str, ...] = ARMS) -> pd.DataFrame:
    """Spell out scores (sources, seeds, arms)."""
    keys = itertools.product(*(range(size) for size in scores.shape[:2]), arms)
    rows = [
        {"source": f"s{source}", "seed": seed, "arm": arm, "score": score}
        for (source, seed, arm), score in zip(keys, scores.ravel(), strict=True)
    ]
    return pd.DataFrame(rows)


def noisy(sources: int, seeds: int, advantage: float, seed: int = 0, noise: float = 0.01) -> pd.DataFrame:
    """Scores in which the first arm has an advantage over two that are alike."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.2, 0.8, (sources, 1, 1)) + 0.05 * rng.standard_normal((sources, seeds, 1))
    return long(level + noise * rng.standard_normal((sources, seeds, 3)) + np.array([advantage, 0, 0]))


# Claims


@pytest.mark.parametrize(("sources", "seeds"), [(9, 3), (1, 10), (3, 2), (1, 1)])
def test_identical_arms_are_never_told_apart(sources: int, seeds: int) -> None:
    base = np.random.default_rng(0).uniform(size=(sources, seeds, 1))
    scores = long(np.repeat(base, 3, axis=2))
    for each in compare_with_all(scores, "loop"):
        assert not each.proven
        assert each.sentence.startswith("No difference proven between loop and ")
        assert each.difference.estimate == 0
    answer = own.omnibus(own.by_source(scores))
    assert answer.p in (None, 1.0)


@pytest.mark.parametrize(("sources", "seeds"), [(9, 1), (9, 3), (1, 10)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_advantage_is_proven(sources: int, seeds: int, sign: int) -> None:
    found = {each.against: each for each in compare_with_all(noisy(sources, seeds, sign * 0.1), "loop")}
    count, unit = max(sources, seeds if sources == 1 else 1), "sources" if sources > 1 else "seeds"
    for other in ("real only", "SMOTE"):
        each = found[other]
        assert each.proven
        word = "better" if sign > 0 else "worse"
        assert each.sentence.startswith(f"loop is {word} than {other} on {count} of {count} {unit} (")
        assert each.difference.estimate == pytest.approx(sign * 0.1, abs=0.02)
        assert (each.difference.low > 0) == (sign > 0)
    assert {each.against: each.proven for each in compare_with_all(noisy(sources, seeds, 0.1), "SMOTE")} == {
        "loop": True,
        "real only": False,
    }


def test_seeds_that_repeat_one_measurement_prove_nothing() -> None:
    scores = long(np.broadcast_to([0.6, 0.5, 0.5], (1, 10, 3)))
    first = compare_with_all(scores, "loop")[0]
    assert (first.proven, first.p, first.pairs.wins) == (False, None, 10)
    assert "not tested" in first.sentence


def test_seeds_of_one_split_prove_nothing() -> None:
    for each in compare_with_all(noisy(1, 10, 0.1), "loop", test_per_train=None):
        assert (each.proven, each.p, each.test) == (False, None, None)
        assert "one split only" in each.sentence


def test_what_could_not_be_tested_is_one_sentence_that_names_all_arms() -> None:
    untested = compare_with_all(noisy(1, 1, 0.1), "loop")
    (told,) = in_sentences(untested)
    assert told.count("not tested") == 1
    assert all(f"{each.against} ({each.difference.estimate:+.3f})" in told for each in untested)
    tested = compare_with_all(noisy(5, 3, 0.1), "loop")
    assert in_sentences(tested) == [each.sentence for each in tested]
    assert in_sentences(untested[:1]) == [untested[0].sentence]


def test_a_mean_against_the_majority_is_not_proven() -> None:
    scores = np.full((12, 1, 3), 0.5)
    scores[:, 0, 0] += np.where(np.arange(12) == 0, -0.3, 0.01 + 0.001 * np.arange(12))
    first = compare_with_all(long(scores), "loop")[0]
    assert first.p is not None
    assert first.p < 0.05
    assert first.difference.estimate < 0
    assert not first.proven


def test_too_few_sources_say_so() -> None:
    first = compare_with_all(noisy(5, 3, 0.1), "loop")[0]
    assert not first.proven
    assert f"fewer than {fewest_sources(2)} sources can prove nothing" in first.sentence
    assert own.omnibus(own.by_source(noisy(4, 3, 0.1))).p is None


@given(st.integers(1, 40))
def test_the_fewest_sources_are_enough_and_one_less_is_not(tests: int) -> None:
    n = fewest_sources(tests)
    assert tests * 2.0 ** (1 - n) <= own.ALPHA < tests * 2.0 ** (2 - n)


def test_arms_that_never_met_are_not_compared() -> None:
    scores = noisy(2, 2, 0.0)
    apart = scores[~((scores["arm"] == "SMOTE") & (scores["source"] == "s0"))]
    assert [each.pairs.total for each in compare_with_all(apart, "loop")] == [4, 2]
    gone = apart.assign(score=apart["score"].mask(apart["arm"] == "SMOTE"))
    assert [each.against for each in compare_with_all(gone, "loop")] == ["real only"]
    assert list(own.by_source(apart)) == ["loop", "real only"]


# Tests hold their level


def test_signed_ranks_of_equals_are_uniform() -> None:
    rng = np.random.default_rng(0)
    p = np.array([own.signed_ranks(pd.Series(rng.standard_normal(25))) for _ in range(400)])
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("splits", [3, 10])
def test_corrected_t_of_equals_is_uniform_over_overlapping_splits(splits: int) -> None:
    rng, test_size = np.random.default_rng(1), 0.3
    common = rng.standard_normal((600, 1)) * math.sqrt(test_size)  # what overlapping training sets share
    drawn = common + rng.standard_normal((600, splits)) * math.sqrt(1 - test_size)
    p = [own.corrected_t(pd.Series(each), test_size / (1 - test_size)) for each in drawn]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    naive = stats.ttest_1samp(drawn, 0, axis=1).pvalue
    assert (naive < 0.05).mean() > 0.08  # what the correction is for


def test_the_omnibus_test_of_equals_is_about_uniform() -> None:
    p = [own.omnibus(own.by_source(noisy(15, 1, 0.0, seed))).p for seed in range(150)]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_a_family_of_equals_is_rarely_wrong() -> None:
    wrong = [any(each.proven for each in compare_with_all(noisy(9, 2, 0.0, seed), "loop")) for seed in range(100)]
    assert np.mean(wrong) <= 0.1


def test_the_interval_covers_the_mean_over_other_sources() -> None:
    hits = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = 0.02 * rng.standard_normal((9, 1)) + 0.02 * rng.standard_normal((9, 3))
        interval = own.mean_interval(own.differences(long(values[..., None] * [1, 0, 0]), "loop", "SMOTE"), rng)
        hits.append(interval.low <= 0 <= interval.high)
    assert np.mean(hits) >= 0.92


def test_a_single_split_has_no_interval() -> None:
    rng = np.random.default_rng(0)
    for seeds, ratio in ((1, 3 / 7), (5, None)):
        difference = own.differences(noisy(1, seeds, 0.1), "loop", "SMOTE")
        interval = own.mean_interval(difference, rng, test_per_train=ratio)
        assert (interval.low, interval.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_one_source_says_what_its_test_says(seed: int) -> None:
    difference = own.differences(noisy(1, 6, 0.01, seed), "loop", "SMOTE")
    p = own.corrected_t(difference, 0.5)
    assert p is not None
    for level, inside in ((1 - 0.99 * p, True), (1 - 1.01 * p, False)):
        interval = own.mean_interval(difference, np.random.default_rng(0), test_per_train=0.5, level=level)
        assert (interval.low <= 0 <= interval.high) == inside


def test_sources_weigh_the_same_whatever_their_seeds() -> None:
    scores = noisy(2, 4, 0.0)
    scores = scores[(scores["source"] == "s0") | (scores["seed"] == 0)]
    difference = own.differences(scores, "loop", "SMOTE")
    mean = own.mean_interval(difference, np.random.default_rng(0)).estimate
    assert mean == pytest.approx(own.over_sources(difference).mean())


# Ranks and corrections


@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 99))
def test_ranks_sum_to_what_they_must(arms: int, sources: int, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 3, (sources, 2, arms)) / 10  # with many ties
    names = tuple(f"arm {number}" for number in range(arms))
    ranks = own.average_ranks(own.by_source(long(coarse, names)))
    assert ranks.sum() == pytest.approx(arms * (arms + 1) / 2)


def test_the_best_arm_ranks_first() -> None:
    assert own.average_ranks(own.by_source(noisy(6, 2, 0.1)))["loop"] == 1


@pytest.mark.parametrize(
    ("arms", "q"),
    list(enumerate((1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164), start=2)),
)
def test_critical_differences_are_the_published_ones(arms: int, q: float) -> None:
    """Demšar (2006), table 5a, to the precision to which it is printed."""
    assert own.critical_difference(arms, 1) / math.sqrt(arms * (arms + 1) / 6) == pytest.approx(q, abs=1e-3)


def test_demsars_example_comes_out_the_same() -> None:
    """Demšar (2006), table 6: four variants of C4.5 on 14 data sets, average ranks 3.143, 2.000, 2.893, 1.964."""
    columns = {
        "C4.5": (0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.0, 0.94, 0.619, 0.972, 0.957),
        "+m": (0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.0, 0.962, 0.666, 0.981, 0.978),
        "+cf": (0.771, 0.59, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.0, 0.965, 0.614, 0.9751, 0.946),
        "+m+cf": (0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.0, 0.962, 0.669, 0.975, 0.97),
    }
    means = pd.DataFrame(columns)
    assert own.average_ranks(means).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    assert own.critical_difference(4, 14) == pytest.approx(1.25, abs=0.01)
    answer = own.omnibus(means)
    assert answer.p is not None
    assert answer.p < 0.05


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_never_lowers(p: list[float]) -> None:
    corrected = own.holm(p)
    assert (corrected >= p).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()
    assert corrected.min() == pytest.approx(min(1, len(p) * min(p)))


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(own.holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
