"""Acquisition: scores for how much the learner can learn from each proposal. Rows are drawn in proportion to them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from loop.errors import ConfigError
from loop.supplies.pool import Pool
from loop.support.setting_checks import told

if TYPE_CHECKING:
    from loop.protocols import Acquisition


@dataclass(frozen=True)
class Gap:
    """Where teacher and learner differ: half the L1 distance of their probabilities (total variation)."""

    needs_teacher = True

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return the score of each row, (n,) in [0, 1]; ConfigError without a teacher."""
        gap: np.ndarray = 0.5 * np.abs(_of_teacher(pool.teacher, "gap") - pool.learner).sum(axis=1)
        return gap


@dataclass(frozen=True)
class Entropy:
    """Where the learner is least sure, in nats."""

    needs_teacher = False

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return the entropy of each row, (n,), in nats."""
        entropy: np.ndarray = -(pool.learner * np.log(np.clip(pool.learner, 1e-12, None))).sum(axis=1)
        return entropy


@dataclass(frozen=True)
class Variance:
    """Where the teacher's members disagree."""

    needs_teacher = True

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return the variance of each row, (n,); ConfigError without a teacher."""
        return _of_teacher(pool.variance, "variance")


@dataclass(frozen=True)
class Blindness:
    """Where the learner does not know the label that a row comes with: half the L1 distance of its probabilities.

    Of a hard label that is one minus the probability of it. Probabilities that the learner has right score zero.

    Parameters
    ----------
    least : float
        Rows of a smaller blindness score zero and are never chosen, so that a supply ends once the learner knows all.

    Raises
    ------
    ConfigError
        If ``least`` is not at least 0 and below 1.
    """

    least: float = 0.1
    needs_teacher = False

    def __post_init__(self) -> None:
        if not 0 <= self.least < 1:
            raise ConfigError(f"least must be at least 0 and below 1, got {told(self.least)}: 0.1 is the default.")

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return the blindness of each row, (n,) in [0, 1]."""
        blindness: np.ndarray = 0.5 * np.abs(pool.table.targets - pool.learner).sum(axis=1)
        return np.where(blindness >= self.least, np.clip(blindness, 0, 1), 0.0)


@dataclass(frozen=True)
class Uniform:
    """All proposals score alike: the control arm."""

    needs_teacher = False

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return ones, (n,)."""
        return np.ones(len(pool.table))


@dataclass(frozen=True)
class HighestScore:
    """Where the learner is surest of the class to catch: what fills a budget of alerts."""

    needs_teacher = False

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return the probability of the class to catch, (n,) in [0, 1]."""
        probability: np.ndarray = np.clip(pool.learner[:, pool.table.schema.positive], 0, 1)
        return probability


@dataclass(frozen=True)
class Mixture:
    """Several acquisitions that take turns: the best row of each, then the second best, and so on.

    Parameters
    ----------
    names : sequence of str
        Of the acquisitions, see `loop.catalogue.ACQUISITIONS`; at least one.

    Raises
    ------
    ConfigError
        If there is none, or no acquisition of a name.
    """

    names: tuple[str, ...] = ("entropy", "gap")

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise ConfigError("a mixture must name acquisitions, got none: entropy and gap are usual.")
        self._parts()

    @property
    def needs_teacher(self) -> bool:
        """Whether one of the acquisitions does."""
        return any(getattr(part, "needs_teacher", True) for part in self._parts())

    def score(self, pool: Pool, rng: np.random.Generator) -> np.ndarray:
        """Return one over the best rank of each row among the acquisitions, (n,) in (0, 1]; rows of score 0 get 0."""
        scores = [part.score(pool, rng) for part in self._parts()]
        ranked = [np.where(each > 0, 1 / rankdata(-each, method="min"), 0.0) for each in scores]
        best: np.ndarray = np.max(ranked, axis=0)
        return best

    def _parts(self) -> "list[Acquisition]":
        from loop.catalogue import ACQUISITIONS  # here, as the catalogue names this module

        return [ACQUISITIONS.make(name) for name in self.names]


def _of_teacher(answer: np.ndarray | None, name: str) -> np.ndarray:
    if answer is None:
        raise ConfigError(f"acquisition {name!r} needs a teacher, got none: pass one or use 'entropy'")
    return answer


def draw(score: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw at most n of the rows without replacement, in proportion to their score (m,); rows that score 0 never.

    Exponential keys (Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir"): the n smallest of
    E_i / score_i are such a draw.
    """
    usable = np.flatnonzero(score > 0)
    keys = rng.exponential(size=len(usable)) / score[usable]
    chosen = usable if len(usable) <= n else usable[np.argpartition(keys, n)[:n]]
    return np.sort(chosen)
