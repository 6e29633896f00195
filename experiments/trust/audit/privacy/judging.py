"""What attacks find: chosen on one half of members and controls, reported on the other, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from experiments.trust.audit.evidence import Target
from experiments.trust.audit.privacy.attacks import Attacker
from experiments.trust.audit.privacy.embedding import Neighbours
from experiments.trust.audit.privacy.intervals import auc, auc_interval, share
from loop.seeds import root, stream
from loop.types import Interval

RATES = (0.01, 0.001)  # shares of controls that may be called members
LEAST = 20  # members, and controls, in each half below which nothing is said
ISOLATED, NEIGHBOUR = 0.01, 5  # share of rows that are most isolated; so many reference rows away
ALL, RARE, ALONE = "all rows", "rows of the class to catch", "the 1 % most isolated rows"
ALLOWED = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)  # controls called members, where thresholds are tried
POINTS = 60  # of a curve, at most

Scores = Mapping[str, np.ndarray]  # attack -> (n,)


@dataclass(frozen=True)
class Rate:
    """Share of the members that are found where few controls are called members."""

    at: float  # share of controls that may be called members
    attack: str | None = None  # the attack chosen; None = too few rows to say
    found: Interval | None = None
    why: str = ""  # there is nothing to report


@dataclass(frozen=True)
class Leak:
    """What the attacks find out about one group of rows."""

    group: str
    members: int  # in the half that is reported
    controls: int
    auc: Interval | None = None  # of the attack with the largest area on the other half; None = too few rows to say
    attack: str = ""
    rates: tuple[Rate, ...] = ()
    epsilon: float | None = None  # lower bound; 0 = nothing is shown
    epsilon_attack: str = ""
    epsilon_most: float | None = None  # what a perfect attack on as many rows would show
    why: str = ""  # there is nothing to report

    @property
    def told(self) -> bool:
        """Whether members can be told from controls, beyond chance."""
        return (self.auc is not None and self.auc.low > 0.5) or bool(self.epsilon)


@dataclass(frozen=True, eq=False)
class Curve:
    """What one attack finds among all rows, whether it was chosen or not."""

    attack: str
    auc: float
    false_positives: tuple[float, ...]
    found: tuple[float, ...]

    def at(self, rate: float) -> float:
        """Return the share of members found at a share of false positives."""
        return float(np.interp(rate, self.false_positives, self.found))


@dataclass(frozen=True, eq=False)
class Attacked:
    """All that the attacks find out."""

    leaks: tuple[Leak, ...]
    curves: tuple[Curve, ...]  # on the half that is reported


def attacked(target: Target, rng: np.random.Generator) -> Attacked:
    """Attack members and controls, all of them, those of the class to catch, and the most isolated ones.

    Parameters
    ----------
    target : Target
    rng : numpy.random.Generator
        Cuts members and controls in halves, and is used by the attacks.
    """
    seed = root(rng)
    attacker = Attacker(target.synthetic, target.reference, stream(seed, "attacker"))
    sides = (target.members, target.controls)
    scores = [attacker.scores(side) for side in sides]
    first = [stream(seed, name).permutation(len(side)) % 2 == 0 for name, side in zip("mc", sides, strict=True)]
    positive = [side.y == side.schema.positive for side in sides]
    groups = {ALL: [np.ones(len(side), bool) for side in sides], RARE: positive, ALONE: _isolated(attacker, target)}
    leaks = tuple(_leak(name, scores, first, inside) for name, inside in groups.items())
    report = [_part(each, ~half) for each, half in zip(scores, first, strict=True)]
    return Attacked(leaks, tuple(_curve(name, report[0][name], report[1][name]) for name in scores[0]))


def _isolated(attacker: Attacker, target: Target) -> list[np.ndarray]:
    """Tell which members and which controls are farthest from reference rows, which treat both alike."""
    near = Neighbours(attacker.reference)
    away = [
        near.distances(attacker.embedding.points(side), NEIGHBOUR)[:, -1] for side in (target.members, target.controls)
    ]
    limit = np.quantile(np.concatenate(away), 1 - ISOLATED)
    return [distance > limit for distance in away]


def _leak(name: str, scores: Sequence[Scores], first: list[np.ndarray], inside: Sequence[np.ndarray]) -> Leak:
    choosing, judged = (
        [_part(each, (half == chooses) & rows) for each, half, rows in zip(scores, first, inside, strict=True)]
        for chooses in (True, False)
    )
    sizes = [len(next(iter(side.values()))) for side in (*choosing, *judged)]
    n, m = sizes[2:]
    if min(sizes) < LEAST:
        why = f"too few rows to say anything: {min(sizes)} in a half of members or controls, and {LEAST} are needed"
        return Leak(name, n, m, why=why)
    areas = {attack: auc(choosing[0][attack], choosing[1][attack]) for attack in scores[0]}
    best = max(areas, key=areas.__getitem__)
    found = auc_interval(auc(judged[0][best], judged[1][best]), n, m)
    attack, bound = _epsilon(choosing, judged)
    most = float(np.log(share(n, n).low / share(0, m).high))
    rates = tuple(_rate(at, choosing, judged) for at in RATES)
    return Leak(name, n, m, found, best, rates, max(bound, 0.0), attack, max(most, 0.0))


def _rate(at: float, choosing: Sequence[Scores], judged: Sequence[Scores]) -> Rate:
    """Report the attack that finds most members at a rate of false positives, chosen on the other half."""
    controls = min(len(next(iter(side[1].values()))) for side in (choosing, judged))
    if controls * at < 1:
        return Rate(at, why=f"needs {round(1 / at):,} controls in each half, there are {controls:,}")

    def finds(side: Sequence[Scores], attack: str) -> int:
        members, controls = side[0][attack], side[1][attack]
        return int((members > _threshold(controls, int(at * len(controls)))).sum())

    best = max(choosing[0], key=lambda attack: finds(choosing, attack))
    return Rate(at, best, share(finds(judged, best), len(judged[0][best])))


def _epsilon(choosing: Sequence[Scores], judged: Sequence[Scores]) -> tuple[str, float]:
    """Return the attack and the lower bound on epsilon: ln of the least share found over the most false positives.

    Attack and threshold are those of the largest bound on the other half (Jagielski, Ullman and Oprea 2020, arXiv
    2006.07709).
    """
    tried = {
        (attack, threshold): _bound(choosing[0][attack], choosing[1][attack], threshold)
        for attack in choosing[0]
        for threshold in {
            _threshold(choosing[1][attack], count) for count in ALLOWED if count < len(choosing[1][attack])
        }
    }
    attack, threshold = max(tried, key=tried.__getitem__)
    return attack, _bound(judged[0][attack], judged[1][attack], threshold)


def _bound(members: np.ndarray, controls: np.ndarray, threshold: float) -> float:
    found, false = (share(int((side > threshold).sum()), len(side)) for side in (members, controls))
    return float(np.log(max(found.low, 1e-12) / false.high))


def _threshold(controls: np.ndarray, allowed: int) -> float:
    """Return the score above which at most so many of the controls (m,) lie."""
    return float(np.partition(controls, -(allowed + 1))[-(allowed + 1)])


def _curve(name: str, members: np.ndarray, controls: np.ndarray) -> Curve:
    """Return a curve at false positives that are spread evenly on a logarithmic scale."""
    counts = np.unique(np.geomspace(1, len(controls) - 1, POINTS).astype(int)) if len(controls) > 1 else np.array([0])
    found = tuple(float((members > _threshold(controls, int(count))).mean()) for count in counts)
    false = tuple(float((controls > _threshold(controls, int(count))).mean()) for count in counts)
    steps = sorted(dict(zip(false, found, strict=True)).items())
    steps = [steps[0], *(step for before, step in pairwise(steps) if step != before)]
    return Curve(name, auc(members, controls), *(tuple(part) for part in zip(*steps, strict=True)))


def _part(scores: Scores, rows: np.ndarray) -> Scores:
    return {attack: each[rows] for attack, each in scores.items()}
