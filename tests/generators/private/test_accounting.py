"""What is spent, and what it means, against closed forms."""

import math
from fractions import Fraction

import pytest
from scipy.stats import norm

from generators.private.accounting import (
    Ledger,
    choice_epsilon,
    choice_rho,
    delta_of,
    gaussian_rho,
    gaussian_variance,
    rho_of,
)
from loop.errors import ConfigError


def delta_of_gaussian(distance: float, epsilon: float) -> float:
    """The exact delta of the Gaussian mechanism (Balle, Wang 2018, Theorem 8), whose rho is distance^2 / 2."""
    second = math.exp(epsilon + norm.logcdf(-distance / 2 - epsilon / distance))
    return float(norm.cdf(distance / 2 - epsilon / distance) - second)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-6, 1e-3])
def test_rho_is_between_the_plain_bound_and_what_a_gaussian_would_allow(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    plain = (math.sqrt(math.log(1 / delta) + epsilon) - math.sqrt(math.log(1 / delta))) ** 2  # Bun, Steinke: Lemma 3.5
    assert rho > plain  # tighter than the plain conversion
    assert delta_of_gaussian(math.sqrt(2 * rho), epsilon) < delta  # and valid for a mechanism that is known exactly
    assert delta_of_gaussian(math.sqrt(2 * rho), epsilon) > delta / 100  # and not far from it


def test_delta_is_at_least_that_of_a_gaussian_everywhere() -> None:
    for distance in (0.1, 0.5, 1.0, 3.0):
        for epsilon in (0.05, 0.5, 2.0, 8.0):
            assert delta_of(distance**2 / 2, epsilon) >= delta_of_gaussian(distance, epsilon)


@pytest.mark.parametrize("sensitivity", [1, 5])
@pytest.mark.parametrize("rho", [1e-5, 0.01, 3.7])
def test_noise_spends_no_more_than_it_may(sensitivity: int, rho: float) -> None:
    variance = gaussian_variance(sensitivity, rho)
    assert rho * 0.99 < gaussian_rho(sensitivity, variance) <= rho
    assert float(variance) == pytest.approx(sensitivity**2 / (2 * rho), rel=1e-2)
    assert rho * 0.99 < choice_rho(float(choice_epsilon(rho))) <= rho


def test_closed_forms() -> None:
    assert gaussian_rho(3, Fraction(9, 2)) == 1.0
    assert choice_rho(2.0) == 0.5


def test_the_ledger_adds_up_and_refuses_more() -> None:
    ledger = Ledger(1.0, 1e-6, threshold_delta=5e-7)
    assert ledger.rho == rho_of(1.0, 5e-7)
    ledger.spend("one", ledger.rho / 4)
    ledger.spend("two", 3 * ledger.rho / 4)
    ledger.spend_delta("threshold", 5e-7)
    assert ledger.spent == (pytest.approx(ledger.rho), 5e-7)
    with pytest.raises(ConfigError, match="'three' would spend"):
        ledger.spend("three", ledger.rho / 1000)
    with pytest.raises(ConfigError, match="'more'"):
        ledger.spend_delta("more", 1e-9)
    assert len(ledger.entries) == 3
