"""Which rows of a pool to ask about: those an acquisition ranks highest, spread out, and an audit drawn at random."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from loop.data.split import duplicate_groups
from loop.errors import ConfigError
from loop.gates.copies import Space
from loop.protocols import Acquisition
from loop.supplies.acquisition import Entropy
from loop.supplies.pool import Pool
from loop.support.setting_checks import check_bounds, told


@dataclass(frozen=True)
class Asking:
    """How rows are chosen for labelling.

    Parameters
    ----------
    acquisition : Acquisition
        Scores the pool's rows; the highest are asked about. One that reads a teacher gets a model of a second kind.
    audit : float
        Share of the questions that are drawn at random instead, so that they may judge. 0 = none: asked rows then help
        to fit, and the rows known before judge alone.
    spread : int
        Candidates for each row asked about, of which rows far from one another are taken; 1 = the highest scores.
    most_of_unit : int, optional
        Most rows of one unit, such as a card, in one batch; None = any number.

    Raises
    ------
    ConfigError
        If a setting is out of range.
    """

    acquisition: Acquisition = field(default_factory=Entropy)
    audit: float = 0.1
    spread: int = 1
    most_of_unit: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.audit < 1:
            raise ConfigError(f"audit must be at least 0 and below 1, got {told(self.audit)}: 0.1 is the default.")
        if self.spread < 1:
            raise ConfigError(f"spread must be at least 1, got {told(self.spread)}: 1 takes the highest scores.")
        if self.most_of_unit is not None and self.most_of_unit < 1:
            raise ConfigError(
                f"most_of_unit must be at least 1, got {told(self.most_of_unit)}: leave it out for any number."
            )
        check_bounds(self, least={})


@dataclass(frozen=True, eq=False)
class Chosen:
    """Rows to ask about. A row may be audited that was asked about before: its answer is known, and judges from now."""

    asked: np.ndarray  # (a,) positions in the pool, best first
    audited: np.ndarray  # (b,) positions in the pool
    inclusion: np.ndarray  # (b,) probability with which each was drawn into the audit


def choose(
    asking: Asking,
    pool: Pool,
    open_: np.ndarray,
    n: int,
    rng: np.random.Generator,
    *,
    price: np.ndarray | None = None,
) -> Chosen:
    """Choose about n rows.

    Parameters
    ----------
    asking : Asking
    pool : Pool, N rows
        All of the pool, with the opinions that the acquisition reads.
    open_ : ndarray of shape (N,), bool
        Rows that may be asked about: those without an answer.
    n : int
        Questions; the audit has its share of them on average.
    rng : numpy.random.Generator
    price : ndarray of shape (N,), optional
        What an answer costs, or one over what it is worth, in any unit: scores are divided by it.
    """
    score_rng, audit_rng, tie_rng, spread_rng = rng.spawn(4)
    score = asking.acquisition.score(pool, score_rng)
    audited, inclusion = _audit(asking, pool, n, audit_rng)
    free = open_.copy()
    free[audited] = False
    wanted = max(0, n - int(open_[audited].sum()))
    asked = _highest(score if price is None else score / price, free, asking, pool, wanted, tie_rng)
    if asking.spread > 1 and len(asked) > wanted:
        asked = asked[spread_out(Space(pool.table).embed(pool.table.X[asked]), wanted, spread_rng)]
    return Chosen(asked[:wanted], audited, inclusion)


def _audit(asking: Asking, pool: Pool, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw each row by itself, half of the expected questions evenly, half in proportion to its score as a positive.

    Evenly alone would find hardly a row of a rare class; the probability of each draw undoes the tilt (Horvitz and
    Thompson 1952; for evaluation, Sawade et al. 2010, "Active risk estimation").
    """
    expected = asking.audit * n
    score = np.clip(pool.learner[:, pool.table.schema.positive], 1e-12, None)
    inclusion = np.clip(expected * (0.5 / len(score) + 0.5 * score / score.sum()), 0, 1)
    audited = np.flatnonzero(rng.random(len(score)) < inclusion)
    return audited, inclusion[audited]


def _highest(
    score: np.ndarray, free: np.ndarray, asking: Asking, pool: Pool, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the candidates, highest score first, ties in random order: one of copies, few of a unit."""
    ranked = np.lexsort((rng.random(len(score)), -score))
    order: np.ndarray = ranked[free[ranked]][
        : max(20 * n * asking.spread, 1_000)
    ]  # more than enough, to bound the search for copies
    order = order[np.sort(np.unique(duplicate_groups(pool.table.X[order]), return_index=True)[1])]
    if asking.most_of_unit is not None and pool.table.unit is not None:
        unit = pd.Series(pool.table.unit[order])
        order = order[unit.groupby(unit).cumcount().to_numpy() < asking.most_of_unit]
    return order[: n * asking.spread]


def spread_out(points: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the positions (n,) of points far from one another, ascending; the first point is always among them.

    The seeding of k-means++ (Arthur and Vassilvitskii 2007): each next one is drawn in proportion to the square of its
    distance to the nearest that is taken. As batches of questions: Ash et al. 2020, "Deep batch active learning by
    diverse, uncertain gradient lower bounds".
    """
    taken, nearest = [0], ((points - points[0]) ** 2).sum(axis=1)
    while len(taken) < min(n, len(points)) and nearest.max() > 0:
        new = int(rng.choice(len(points), p=nearest / nearest.sum()))
        taken.append(new)
        nearest = np.minimum(nearest, ((points - points[new]) ** 2).sum(axis=1))
    return np.sort(taken)
