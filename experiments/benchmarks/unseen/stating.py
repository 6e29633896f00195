"""Rows of a rule book added to training: drawn at random, or chosen where the model is blind."""

import copy
from dataclasses import dataclass

import numpy as np

from generators.rules.rules import Rules
from loop.gates import Contradicted
from loop.protocols import Learner, Predictor
from loop.seeds import stream
from loop.types import Region, Request, Table

ALIKE = "alike"  # share of stated rows that are like honest ones in all that is stated
ROUNDS = 2  # of choosing rows; the model is fitted again between them
POOL = 4  # proposals for each row that is chosen


@dataclass(frozen=True, eq=False)
class Stating:
    """One learner, its real training rows, and a fitted book of what they do not show."""

    learner: Learner  # unfitted
    train: Table
    rules: Rules  # fitted
    seed: int

    def fitted(self, more: Table | None = None) -> Predictor:
        """Fit the learner on the real rows and, if given, on stated ones."""
        table = self.train if more is None else Table.concat([self.train, more])
        return copy.deepcopy(self.learner).fit(table, stream(self.seed, "learner"))

    def at_random(self, n: int) -> Table:
        """Draw n rows of the class to catch."""
        return self._drawn(n, stream(self.seed, "stated", n))

    def aimed(self, n: int, model: Predictor) -> Table:
        """Choose n rows in `ROUNDS` rounds, each time those of a pool to which the model gives the least probability.

        Parameters
        ----------
        n : int
        model : Predictor
            The model on real rows alone, for the first round.
        """
        chosen: list[Table] = []
        for number in range(ROUNDS):
            wanted = n // ROUNDS + (number < n % ROUNDS)
            model = self.fitted(Table.concat(chosen)) if chosen else model
            pool = self._drawn(POOL * wanted, stream(self.seed, "aimed", n, number))
            seen = model.predict_proba(pool.rows)[:, self.train.schema.positive]
            chosen.append(pool.take(np.argsort(seen, kind="stable")[:wanted]))
        return Table.concat(chosen)

    def _drawn(self, n: int, rng: np.random.Generator) -> Table:
        return self.rules.sample(Request(Region(), self.train.schema.positive, n), rng).table


def share_alike(made: Table, train: Table, rules: Rules) -> float:
    """Return the share of stated rows that have the values of some honest row of ``train`` in all that is stated."""
    verdict = Contradicted(rules.stated).judge(made, train, stream(0, ALIKE))
    return float(1 - verdict.keep.mean())
