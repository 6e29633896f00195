"""One cell: labels bought batch after batch on one split of one table, and what a model fitted on them scores."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.benchmarks.curves.cells import Sides
from experiments.storage.result_cache import Records
from learners import Blend, ExtraTrees, XGBoost
from loop.asking.choice import Asking
from loop.asking.oracles import Withheld
from loop.asking.rounds import Asker, ask
from loop.protocols import Learner
from loop.seeds import stream
from loop.supplies.acquisition import Entropy, Gap, HighestScore, Mixture
from loop.types import Table

POSITIVES = 5  # in the rows that are known at the beginning: rows at random until there are so many
GROWTH, LEAST = 0.2, 10  # of the known rows, how many are asked about next; never fewer than ten
MOST = 0.6  # share of the labels at which asking ends
RANDOM_SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RANDOM = "random"
_FOREST, _BOOSTED = ExtraTrees(trees=100, max_features=0.5, min_leaf=2), XGBoost()
# The learner that asks and is scored, with the second kind of model that it may disagree with.
LEARNERS: Mapping[str, tuple[Learner, Learner]] = {
    "extra trees": (_FOREST, _BOOSTED),
    "XGBoost": (_BOOSTED, _FOREST),
    "mean of trees": (Blend((_BOOSTED, _FOREST)), _FOREST),
}
ASKINGS: Mapping[str, Asking] = {
    "doubt": Asking(Entropy()),
    "doubt without audit": Asking(Entropy(), audit=0.0),
    "doubt spread out": Asking(Entropy(), spread=3),
    "disagreement": Asking(Gap()),
    "highest score": Asking(HighestScore()),
    "mixture": Asking(Mixture(("entropy", "gap", "highest_score"))),
}


@dataclass(frozen=True)
class Bought:
    """Labels bought by one way of asking, or at random."""

    learner: str
    asking: str
    most: float = MOST
    growth: float = GROWTH

    def rows(self, sides: Sides) -> Records:
        """Return the points of one cell: share of the labels known, and the score on the test rows."""
        learner, second = LEARNERS[self.learner]
        order = stream(sides.seed, "labels").permutation(len(sides.train))
        known = beginning(sides.train, order)
        if self.asking == RANDOM:
            counts = [known, *(round(share * len(order)) for share in RANDOM_SHARES if share * len(order) > known)]
            fits = ((count, _fit(learner, sides.train.take(order[:count]), sides.seed)) for count in counts)
            return [sides.point(self.asking, count / len(order), model) for count, model in fits]
        asker = Asker(learner, second, ASKINGS[self.asking])
        table, rest = sides.train.take(order[:known]), sides.train.take(order[known:])
        batches = sizes(known, len(order), self.most, self.growth)
        asked = ask(asker, table, rest.rows, Withheld(rest.y), batches, stream(sides.seed, "asking"))
        return [sides.point(self.asking, each.known / len(order), each.learner) for each in asked]


def beginning(table: Table, order: np.ndarray) -> int:
    """Return how many rows of an order hold the first few of the class to catch, and each class once."""
    y = table.y[order]
    few = int(
        np.flatnonzero(np.cumsum(y == table.schema.positive) >= min(POSITIVES, (y == table.schema.positive).sum()))[0]
    )
    each = max(int(np.flatnonzero(y == code)[0]) for code in np.unique(y))
    return max(few, each) + 1


def sizes(known: int, n: int, most: float, growth: float) -> Sequence[int]:
    """Return the batches that lead from the rows known to a share of all n; one more shows the score at the end."""
    found, total = [], known
    while total < most * n:
        found.append(max(LEAST, round(growth * total)))
        total += found[-1]
    return [*found, 1]


def _fit(learner: Learner, table: Table, seed: int) -> Learner:
    return copy.deepcopy(learner).fit(table, stream(seed, "fit"))
