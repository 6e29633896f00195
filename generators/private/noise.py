"""Noisy counts and noisy choices, each written into the ledger before it is made.

The noise of counts is drawn by opendp's sampler where that is installed, as others have checked it, elsewhere by our
own exact one; which of both did is told with the promise.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from generators.private.accounting import Ledger, choice_epsilon, choice_rho, gaussian_rho, gaussian_variance
from generators.private.discrete_gaussian import gaussians
from generators.private.exponential import chosen
from loop.errors import ConfigError


class Noise:
    """All that may look at rows: it spends from a ledger and answers with noise.

    Parameters
    ----------
    ledger : Ledger
    sensitivity : int
        Most rows of one person: by so much one person can change a count, or all counts of a histogram together.
    sampler : str
        Who draws the noise of counts, see `SAMPLERS`.
    """

    def __init__(self, ledger: Ledger, sensitivity: int = 1, sampler: str = "own") -> None:
        self.ledger, self.sensitivity, self.sampler = ledger, sensitivity, sampler

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        """Return noisy counts, in the shape given, of cells of which every row is in one; and the noise's deviation."""
        variance = gaussian_variance(self.sensitivity, rho)
        self.ledger.spend(purpose, gaussian_rho(self.sensitivity, variance))
        noisy = SAMPLERS[self.sampler](counts.ravel().astype(np.int64), variance)
        return noisy.reshape(counts.shape), math.sqrt(variance)

    def choice(self, purpose: str, scores: Sequence[int], rho: float) -> int:
        """Return the position of a high score; one row may change each of the whole scores by 1 at most."""
        epsilon = choice_epsilon(rho)
        self.ledger.spend(purpose, choice_rho(float(epsilon)))
        return chosen(scores, epsilon, self.sensitivity)


Sampler = Callable[[np.ndarray, Fraction], np.ndarray]


def _own(counts: np.ndarray, variance: Fraction) -> np.ndarray:
    noisy: np.ndarray = counts + gaussians(variance, len(counts))
    return noisy


def _by_opendp(counts: np.ndarray, variance: Fraction) -> np.ndarray:
    """Add noise by opendp; its scale is the deviation rounded up to a float, so that no more is spent."""
    import opendp.prelude as dp  # type: ignore[import-not-found, unused-ignore]

    dp.enable_features("contrib")
    scale = math.nextafter(math.sqrt(variance), math.inf)
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    return np.array(dp.m.make_gaussian(*space, scale=scale)(counts.tolist()), dtype=np.int64)


AUTO, OWN, OPENDP = "auto", "own", "opendp"
SAMPLERS: Mapping[str, Sampler] = {OWN: _own, OPENDP: _by_opendp}


def check_sampler(name: str) -> None:
    """Raise ConfigError unless a sampler is there."""
    if name not in (AUTO, *SAMPLERS):
        raise ConfigError(f"sampler must be {AUTO}, {OWN} or {OPENDP}, got {name[:40]!r}: choose one of these.")
    if name == OPENDP and not has_opendp():
        raise ConfigError(
            "sampler opendp needs a library that is not there: pip install 'weakspot[privacy]', or use own."
        )


def sampler_of(name: str) -> str:
    """Return which of `SAMPLERS` draws: the one named, or opendp's where it is there if that was left open."""
    if name != AUTO:
        return name
    return OPENDP if has_opendp() else OWN


@lru_cache
def has_opendp() -> bool:
    """Whether opendp can be used; an installation that lacks a part of it cannot."""
    try:
        import opendp.prelude  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    except (ImportError, OSError):
        return False
    return True
