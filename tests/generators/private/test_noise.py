"""Noise is exact, whole and from the system; what it costs is written down first."""

import math
import sys
from fractions import Fraction
from itertools import chain, repeat

import numpy as np
import pytest
from scipy.stats import chisquare

from generators.private import discrete_gaussian, noise
from generators.private.accounting import Ledger, gaussian_rho, gaussian_variance
from generators.private.discrete_gaussian import gaussians
from generators.private.exponential import bernoulli_exp, chosen
from generators.private.noise import Noise
from loop.errors import ConfigError


@pytest.mark.parametrize("variance", [Fraction(1, 4), Fraction(2), Fraction(900), Fraction(12345, 7)])
def test_whole_numbers_have_their_chances(variance: Fraction) -> None:
    n, most = 40_000, math.ceil(6 * math.sqrt(variance)) + 2
    x = np.arange(-most, most + 1)
    chance = np.exp(-(x**2) / (2 * float(variance)))
    expected = n * chance / chance.sum()
    drawn = gaussians(variance, n)
    assert drawn.dtype == np.int64
    found = np.bincount(drawn + most, minlength=len(x))
    common = expected >= 5
    rest = [found[~common].sum(), expected[~common].sum()]
    seen, wanted = np.append(found[common], rest[0]), np.append(expected[common], rest[1])
    kept = wanted > 0.5
    assert chisquare(seen[kept], wanted[kept] * seen[kept].sum() / wanted[kept].sum()).pvalue > 1e-6


def test_the_table_is_the_distribution_function() -> None:
    words, exact = discrete_gaussian._table(Fraction(4))
    below = np.array([each / 2**256 for each in exact])
    x = np.arange(len(exact)) - len(exact) // 2
    chance = np.exp(-(np.arange(-400, 401) ** 2) / 8)
    wanted = [chance[np.arange(-400, 401) <= each].sum() / chance.sum() for each in x]
    np.testing.assert_allclose(below, wanted, atol=1e-12)
    assert (np.diff(words.astype(object)) >= 0).all()


def test_ties_are_decided_by_more_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    words, exact = discrete_gaussian._table(Fraction(1))
    at = len(exact) // 2
    monkeypatch.setattr(discrete_gaussian.os, "urandom", lambda n: words[at : at + 1].tobytes())
    rest = exact[at] & (2**192 - 1)
    for more, place in ((rest - 1, at), (rest, at + 1)):
        monkeypatch.setattr(discrete_gaussian, "randbits", lambda bits, more=more: more)
        assert gaussians(Fraction(1), 1).tolist() == [place - at]


def test_noise_of_too_many_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="raise epsilon"):
        gaussians(Fraction(10**12), 1)


def test_a_choice_has_its_chances() -> None:
    counts = np.bincount([chosen([0, 2, 4], Fraction(1), 1) for _ in range(3000)], minlength=3)
    chance = np.exp([0.0, 1.0, 2.0])
    assert chisquare(counts, 3000 * chance / chance.sum()).pvalue > 1e-6


def test_a_coin_of_an_exponential_follows_its_numbers() -> None:
    given = chain([0, 5], repeat(10**9))  # below 1/1 yes, below 1/2 no
    assert not bernoulli_exp(1, 1, lambda most: min(next(given), most))
    assert bernoulli_exp(0, 1)


def test_every_answer_is_paid_for() -> None:
    ledger = Ledger(1.0, 1e-6)
    answers = Noise(ledger, sensitivity=3)
    counts, deviation = answers.counts("counts", np.zeros((40, 50), dtype=np.int64), ledger.rho / 2)
    assert counts.shape == (40, 50)
    assert counts.std() == pytest.approx(deviation, rel=0.1)
    assert deviation**2 == pytest.approx(float(gaussian_variance(3, ledger.rho / 2)))
    assert answers.choice("choice", [0, 10**6], ledger.rho / 2) == 1
    assert ledger.spent[0] == pytest.approx(ledger.rho, rel=1e-3)
    before = list(ledger.entries)
    with pytest.raises(ConfigError, match="raise epsilon"):
        answers.counts("too much", np.zeros(3), ledger.rho)
    assert ledger.entries == before


def test_opendp_without_a_part_of_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp", None)
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    noise.has_opendp.cache_clear()
    try:
        assert noise.sampler_of(noise.AUTO) == noise.OWN
        with pytest.raises(ConfigError, match="pip install 'weakspot"):
            noise.check_sampler(noise.OPENDP)
    finally:
        noise.has_opendp.cache_clear()


def test_opendp_draws_the_same_distribution() -> None:
    pytest.importorskip("opendp", reason="pip install opendp")
    variance = Fraction(50)
    drawn = noise._by_opendp(np.full(2000, 7), variance) - 7
    assert drawn.std() == pytest.approx(math.sqrt(50), rel=0.1)
    assert gaussian_rho(1, variance) == 0.01
