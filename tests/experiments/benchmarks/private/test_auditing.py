"""The audit finds less than is stated in the generator as it is, and more in broken ones."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.benchmarks.private.auditing import (
    BOUGHT,
    MOST_BINS,
    ROW,
    SCHEMA,
    audit,
    evidence,
    gaussian_epsilon,
    others,
)
from experiments.benchmarks.private.replaying import Answer, Replayed, Watched
from generators.private.accounting import Ledger
from generators.private.measuring import measured
from generators.private.noise import Noise

DELTA = 1e-6


class HalvedNoise(Noise):
    """Adds half of the noise that is paid for."""

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        noisy, deviation = super().counts(purpose, counts, rho)
        return counts + np.round((noisy - counts) / 2).astype(np.int64), deviation


class NoNoise(Noise):
    """Adds none."""

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        return counts, super().counts(purpose, counts, rho)[1]


class CheapNumbers(Noise):
    """Adds to histograms of numbers, and only there, a fortieth of the noise that is paid for."""

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        noisy, deviation = super().counts(purpose, counts, rho)
        if purpose != "histogram of number":
            return noisy, deviation
        return counts + np.round((noisy - counts) / 40).astype(np.int64), deviation / 40


def wrong_account(ledger: Ledger) -> Noise:
    """Spends nine times what epsilon and delta allow."""
    ledger.rho *= 9
    return Noise(ledger)


def test_no_more_is_found_than_is_stated() -> None:
    assert audit(3.0, DELTA, 150).found <= 3.0


@pytest.mark.parametrize(
    ("broken", "fits"), [(HalvedNoise, 400), (NoNoise, 40), (wrong_account, 120), (CheapNumbers, 40)]
)
def test_broken_noise_is_found_out(broken: type[Noise], fits: int) -> None:
    assert audit(3.0, DELTA, fits, broken).found > 3.0


def test_the_evidence_is_the_log_likelihood_ratio_of_counts_and_choices() -> None:
    counts = Answer(2.0, noisy=np.array([5, 9]))
    choice = Answer(4.0, chosen=1)
    less, more = [np.array([5, 8]), np.array([3, 6])], [np.array([5, 9]), np.array([4, 6])]
    chance = [np.exp(6 / 4) / np.exp(np.array(scores) / 4).sum() for scores in (less[1], more[1])]
    wanted = norm.logpdf(9, 9, 2) - norm.logpdf(9, 8, 2) + np.log(chance[1] / chance[0])
    assert evidence([counts, choice], less, more) == pytest.approx(wanted)


def test_the_attacker_computes_what_was_counted_in_every_column() -> None:
    """Given the answers of a fit, counts of the same rows are those of that fit, and the row is in one cell of each."""
    X, y = others()
    row = np.vstack([X, ROW]), np.append(y, 1)
    ledger = Ledger(3.0, DELTA, DELTA / 2)
    seen = Watched(Noise(ledger))
    measured(*row, SCHEMA, BOUGHT, seen, MOST_BINS)
    asked = []
    for table in ((X, y), row):
        replayed = Replayed(Ledger(3.0, DELTA, DELTA / 2), seen.answers)
        measured(*table, SCHEMA, BOUGHT, replayed, MOST_BINS)
        asked.append(replayed.asked)
    purposes = {purpose for purpose, rho, _ in ledger.entries if rho}
    assert {f"histogram of {name}" for name in ("number", "count", "unknown range")} <= purposes
    assert {"range of unknown range", "categories of bought", "an edge of the tree"} <= purposes
    for answer, less, more in zip(seen.answers, *asked, strict=True):
        if answer.noisy is not None:
            assert (more - less).sum() == np.abs(more - less).sum() == 1


def test_the_epsilon_of_two_normal_distributions() -> None:
    assert gaussian_epsilon(0.0, DELTA) == 0
    assert gaussian_epsilon(1.0, DELTA) == pytest.approx(4.9, abs=0.2)  # sigma = 1: Balle, Wang (2018), figure 1
    assert gaussian_epsilon(0.5, DELTA) < gaussian_epsilon(1.0, DELTA)
