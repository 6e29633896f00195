"""Scores on pools whose answer is plain, and draws that keep their promises."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from loop.catalogue import ACQUISITIONS
from loop.errors import ConfigError
from loop.supplies.acquisition import Blindness, Entropy, Gap, HighestScore, Mixture, Uniform, Variance, draw
from loop.supplies.pool import Pool
from loop.testing.acquisitions import LAWS, Make
from loop.testing.tables import numeric_table


def pool(learner: list[list[float]], teacher: list[list[float]] | None = None, variance: object = None) -> Pool:
    table = numeric_table().take(np.arange(len(learner)))
    spread = None if variance is None else np.asarray(variance, dtype=float)
    return Pool(table, np.array(learner), None if teacher is None else np.array(teacher), spread)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_law(name: str, law: Callable[[Make], None]) -> None:
    law(lambda: ACQUISITIONS.make(name))


RNG = np.random.default_rng(0)
CERTAIN, UNSURE, RATHER = [1.0, 0.0], [0.5, 0.5], [0.9, 0.1]


def test_gap_is_the_total_variation_distance() -> None:
    score = Gap().score(pool([CERTAIN, UNSURE, RATHER], [[0.0, 1.0], UNSURE, UNSURE]), RNG)
    np.testing.assert_allclose(score, [1, 0, 0.4])


def test_gap_of_three_classes() -> None:
    score = Gap().score(pool([[0.2, 0.3, 0.5]], [[0.5, 0.3, 0.2]]), RNG)
    np.testing.assert_allclose(score, [0.3])


def test_entropy_is_largest_in_doubt_and_zero_when_certain() -> None:
    score = Entropy().score(pool([CERTAIN, UNSURE, RATHER]), RNG)
    np.testing.assert_allclose(score, [0, np.log(2), -0.9 * np.log(0.9) - 0.1 * np.log(0.1)], atol=1e-12)
    assert (score >= 0).all()


def test_variance_is_the_members() -> None:
    np.testing.assert_array_equal(Variance().score(pool([UNSURE] * 2, [UNSURE] * 2, [0.1, 0.0]), RNG), [0.1, 0])


def test_blindness_is_how_little_the_learner_knows_the_label() -> None:
    told = pool([CERTAIN, UNSURE, RATHER, RATHER])
    hard = replace(told, table=replace(told.table, y=np.array([1, 1, 1, 0])))
    np.testing.assert_allclose(Blindness(least=0).score(hard, RNG), [1, 0.5, 0.9, 0.1])
    np.testing.assert_allclose(Blindness(least=0.2).score(hard, RNG), [1, 0.5, 0.9, 0])


def test_blindness_ends_where_the_learner_has_the_stated_probabilities() -> None:
    told = pool([UNSURE, RATHER, RATHER])
    soft = replace(told, table=replace(told.table, soft=np.array([UNSURE, RATHER, UNSURE])))
    np.testing.assert_allclose(Blindness().score(soft, RNG), [0, 0, 0.4])


def test_uniform_prefers_nothing() -> None:
    np.testing.assert_array_equal(Uniform().score(pool([CERTAIN, UNSURE]), RNG), [1, 1])


@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_those_that_need_a_teacher_say_so(name: str) -> None:
    acquisition = ACQUISITIONS.make(name)
    without = pool([CERTAIN, UNSURE])
    if acquisition.needs_teacher:  # type: ignore[attr-defined]
        with pytest.raises(ConfigError, match="needs a teacher, got none"):
            acquisition.score(without, RNG)
    else:
        assert acquisition.score(without, RNG).shape == (2,)


scores = st.lists(st.sampled_from([0.0, 1e-9, 0.5, 1.0, 1e6]), min_size=0, max_size=30)


@given(scores, st.integers(0, 40), st.integers(0, 2**32))
def test_draw_is_at_most_n_distinct_rows_of_positive_score(values: list[float], n: int, seed: int) -> None:
    score = np.array(values, dtype=float)
    chosen = draw(score, n, np.random.default_rng(seed))
    assert len(chosen) == min(n, (score > 0).sum())
    assert len(np.unique(chosen)) == len(chosen)
    assert (score[chosen] > 0).all()
    np.testing.assert_array_equal(chosen, np.sort(chosen))


def test_enough_room_takes_all_usable_rows() -> None:
    np.testing.assert_array_equal(draw(np.array([0, 3, 0, 1e-30, 2.0]), 3, RNG), [1, 3, 4])


def test_single_draws_are_in_proportion_to_the_score() -> None:
    score, rng = np.array([0.0, 1, 2, 3, 4]), np.random.default_rng(0)
    drawn = np.bincount([draw(score, 1, rng)[0] for _ in range(4000)], minlength=5)
    assert drawn[0] == 0
    assert chisquare(drawn[1:], 4000 * score[1:] / score.sum()).pvalue > 0.001


def test_two_draws_follow_sampling_without_replacement() -> None:
    """Of scores 1, 1, 2 the third is left out with chance (1/4)(1/3) + (1/4)(1/3) = 1/6."""
    rng = np.random.default_rng(0)
    left_out = sum(2 not in draw(np.array([1.0, 1, 2]), 2, rng) for _ in range(3000))
    assert chisquare([left_out, 3000 - left_out], [500, 2500]).pvalue > 0.001


def test_same_generator_state_same_rows() -> None:
    score = np.random.default_rng(0).random(500)
    np.testing.assert_array_equal(*(draw(score, 50, np.random.default_rng(7)) for _ in range(2)))


def test_highest_score_is_the_probability_of_the_class_to_catch() -> None:
    told = pool([CERTAIN, UNSURE, RATHER])
    np.testing.assert_allclose(HighestScore().score(told, RNG), [0, 0.5, 0.1])
    other = replace(told, table=replace(told.table, schema=replace(told.table.schema, positive=0)))
    np.testing.assert_allclose(HighestScore().score(other, RNG), [1, 0.5, 0.9])


def test_a_mixture_takes_turns() -> None:
    learner, teacher = [UNSURE, RATHER, CERTAIN, CERTAIN], [UNSURE, RATHER, [0.0, 1.0], [0.6, 0.4]]
    score = Mixture(("entropy", "gap")).score(pool(learner, teacher), RNG)
    np.testing.assert_allclose(
        score, [1, 1 / 2, 1, 1 / 2]
    )  # best and second best of each; certain rows have no entropy


def test_a_mixture_needs_a_teacher_only_if_a_part_does() -> None:
    assert Mixture(("entropy", "gap")).needs_teacher
    assert not Mixture(("entropy", "highest_score")).needs_teacher


@pytest.mark.parametrize(("names", "said"), [((), "must name"), (("entropi",), "must be one of .*entropy")])
def test_a_mixture_names_acquisitions(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Mixture(names)
