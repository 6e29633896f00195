"""The worst group is told by rows that did not choose it: none among equals, and a planted one where it is."""

import numpy as np
import pytest

from experiments.trust.fairness.groups import Group
from experiments.trust.fairness.worst import NOT_TOLD, TOO_FEW, WORSE, in_words, worst_group
from loop.evaluation.judge_rows import JudgeRows

ROWS, GROUPS = 4000, 12


def found(
    seed: int, caught: float = 0.6, *, usual: float = 0.6, among: int = GROUPS, unit: np.ndarray | None = None
) -> dict:
    """A tenth of the rows are to catch; of group 3 a share of ``caught`` is, of all others ``usual``."""
    rng = np.random.default_rng(seed)
    own, y = rng.integers(among, size=ROWS), (rng.random(ROWS) < 0.1).astype(int)
    alerts = (y == 1) & (rng.random(ROWS) < np.where(own == 3, caught, usual))
    groups = [Group(("g",), (str(number),), own == number) for number in range(among)]
    return worst_group(groups, JudgeRows(y, 1, unit=unit), alerts, 5, rng)


@pytest.mark.parametrize(("usual", "among"), [(0.6, 12), (0.15, 12), (0.2, 24), (0.9, 16)])
def test_among_equal_groups_none_is_found(usual: float, among: int) -> None:
    """Also where few are caught, and groups have ten or twenty rows to catch in each half."""
    answers = [found(seed, usual, usual=usual, among=among)["answer"] for seed in range(200)]
    assert {WORSE, NOT_TOLD} >= set(answers)
    assert answers.count(WORSE) <= 11  # of 200, at a chance of 0.025 each


def test_the_rows_that_choose_would_find_one_too_often() -> None:
    """Without the second half the worst of twelve looks worse than it is."""
    chosen = [found(seed)["chosen_on"] for seed in range(50)]
    told = [found(seed)["difference"]["estimate"] for seed in range(50)]
    assert np.mean(chosen) < -0.1
    assert abs(np.mean(told)) < 0.04


def test_a_planted_group_is_found() -> None:
    records = [found(seed, caught=0.1) for seed in range(20)]
    assert [record["group"] for record in records] == ["g = 3"] * 20
    assert [record["answer"] for record in records].count(WORSE) >= 19
    assert "g = 3: " in in_words(records[0])
    assert "fewer beyond chance" in in_words(records[0])


def test_few_rows_to_catch_say_nothing() -> None:
    record = found(0, among=200)
    assert record == {"answer": TOO_FEW}
    assert "no group has enough rows" in in_words(record)


def test_rows_of_one_unit_stay_in_one_half() -> None:
    """Were a unit in both halves, the half that reports would know what was chosen."""
    unit = np.arange(ROWS) // 40
    answers = [found(seed, unit=unit)["answer"] for seed in range(30)]
    assert set(answers) <= {WORSE, NOT_TOLD, TOO_FEW}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_none_caught_has_an_interval(share: float) -> None:
    record = found(1, caught=share)
    low, high = record["difference"]["low"], record["difference"]["high"]
    assert low < record["difference"]["estimate"] < high
