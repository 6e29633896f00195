"""The audit finds less than is stated in the generator as it is, and more in broken ones."""

import numpy as np
import pytest

from experiments.benchmarks.private.auditing import audit, gaussian_epsilon
from generators.private.accounting import Ledger
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


def wrong_account(ledger: Ledger) -> Noise:
    """Spends nine times what epsilon and delta allow."""
    ledger.rho *= 9
    return Noise(ledger)


def test_no_more_is_found_than_is_stated() -> None:
    assert audit(3.0, DELTA, 300).found <= 3.0


@pytest.mark.parametrize(("broken", "fits"), [(HalvedNoise, 400), (NoNoise, 40), (wrong_account, 120)])
def test_broken_noise_is_found_out(broken: type[Noise], fits: int) -> None:
    assert audit(3.0, DELTA, fits, broken).found > 3.0


def test_the_epsilon_of_two_normal_distributions() -> None:
    assert gaussian_epsilon(0.0, DELTA) == 0
    assert gaussian_epsilon(1.0, DELTA) == pytest.approx(4.9, abs=0.2)  # sigma = 1: Balle, Wang (2018), figure 1
    assert gaussian_epsilon(0.5, DELTA) < gaussian_epsilon(1.0, DELTA)
