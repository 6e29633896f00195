"""Noisy counts and noisy choices, each written into the ledger before it is made.

The noise is drawn by our own exact sampler or, where that is wanted and installed, by opendp's, which is slower.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec

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


OWN, OPENDP = "own", "opendp"
SAMPLERS: Mapping[str, Sampler] = {OWN: _own, OPENDP: _by_opendp}


def check_sampler(name: str) -> None:
    """Raise ConfigError unless a sampler is there."""
    if name not in SAMPLERS:
        raise ConfigError(f"sampler must be {OWN} or {OPENDP}, got {name[:40]!r}: choose one of these.")
    if name == OPENDP and find_spec("opendp") is None:
        raise ConfigError(
            "sampler opendp needs a library that is not there: pip install 'weakspot[privacy]', or use own."
        )
