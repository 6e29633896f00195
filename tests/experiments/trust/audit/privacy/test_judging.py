"""Attacks on planted leaks: what is copied is found, what is fresh is not, and too few rows say nothing."""

from dataclasses import replace

import numpy as np
import pytest
from planted_leaks import target_with

from experiments.trust.audit.evidence import Target
from experiments.trust.audit.privacy.judging import ALL, ALONE, LEAST, RARE, attacked


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def few(target: Target, n: int) -> Target:
    names = ("members", "controls", "reference", "synthetic")
    return Target(*(getattr(target, name).take(np.arange(n)) for name in names))


def test_five_per_cent_of_copies_are_five_points_at_one_per_cent_false_positives() -> None:
    leak = attacked(target_with(0.05), rng()).leaks[0]
    found = leak.rates[0].found
    assert leak.group == ALL
    assert found is not None
    assert 0.03 < found.estimate < 0.09
    assert found.low > 0.01
    assert leak.told
    assert leak.epsilon is not None
    assert leak.epsilon > 0
    assert leak.auc is not None
    assert leak.auc.estimate < 0.57, "the area hardly sees it"


def test_rows_that_were_learnt_by_heart_betray_all_their_members() -> None:
    found = attacked(target_with(1.0, n=600), rng())
    for leak in found.leaks[:2]:
        assert leak.auc is not None
        assert leak.auc.estimate > 0.99
        assert leak.epsilon is not None
        assert leak.epsilon_most is not None
        assert leak.epsilon > leak.epsilon_most - 1
    assert {curve.attack for curve in found.curves if curve.auc > 0.6} == {curve.attack for curve in found.curves}


@pytest.mark.parametrize("seed", range(3))
def test_fresh_rows_betray_nobody(seed: int) -> None:
    found = attacked(target_with(0.0, n=600, seed=seed), rng(seed))
    assert [leak.group for leak in found.leaks] == [ALL, RARE, ALONE]
    for leak in found.leaks:
        assert not leak.told
        assert leak.auc is None or leak.auc.low < 0.5 < leak.auc.high


def test_rates_need_controls_and_say_how_many() -> None:
    leak = attacked(target_with(0.0, n=400), rng()).leaks[0]
    at_1, at_01 = leak.rates
    assert at_1.found is not None
    assert at_01.found is None
    assert "1,000 controls in each half, there are 200" in at_01.why


def test_too_few_rows_say_nothing() -> None:
    leaks = attacked(few(target_with(1.0, n=600), 3 * LEAST // 2), rng()).leaks
    assert all(leak.auc is None and not leak.told for leak in leaks)
    assert str(LEAST) in leaks[0].why


def test_the_same_seed_gives_the_same_figures() -> None:
    target = few(target_with(0.2, n=600), 400)
    assert attacked(target, rng(3)).leaks == attacked(target, rng(3)).leaks


def test_members_that_are_controls_leave_nothing_to_tell() -> None:
    target = target_with(1.0, n=600)
    swapped = replace(target, controls=target.members)
    leak = attacked(swapped, rng()).leaks[0]
    assert leak.auc is not None
    assert leak.auc.low < 0.5 < leak.auc.high
