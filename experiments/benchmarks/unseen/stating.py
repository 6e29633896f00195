"""Rows of a rule book added to training as the loop adds them: proposed, chosen, labelled and passed by the gates.

The parts are those of a run with ``supplies: [{book: ..., scenario: ...}]``. Two things of a run are left out: rows are
never rolled back, and there is no other supply, so that the figures tell of the stated rows alone.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from experiments.config.supplies import StatedConfig
from loop.catalogue import FINDERS
from loop.cycle.lanes import DELIVERABLE, Lane
from loop.cycle.parts import Parts, Settings
from loop.cycle.propose import Fitted, propose
from loop.gates import Contradicted
from loop.protocols import Learner
from loop.seeds import stream
from loop.supplies.supply import Supply
from loop.types import Table

ALIKE = "alike"  # share of stated rows that are like honest ones in all that is stated
ROUNDS = 2  # of choosing rows; the model is fitted again between them
BLINDNESS: Literal["blindness"] = "blindness"
RANDOM: Literal["random"] = "random"
Acquisition = Literal["blindness", "random"]


def supply_of(book: Path, scenario: str, n: int, acquisition: Acquisition) -> Supply:
    """Return the supply of n rows of a scenario, as the section ``supplies`` of a configuration makes it."""
    (supply,) = StatedConfig(book=str(book), scenario=scenario, rows=n, acquisition=acquisition).make()
    return supply


@dataclass(frozen=True, eq=False)
class Stating:
    """One learner and its real training rows."""

    learner: Learner  # unfitted
    train: Table
    seed: int

    def fitted(self, more: Table | None = None) -> Learner:
        """Fit the learner on the real rows and, if given, on stated ones."""
        table = self.train if more is None else Table.concat([self.train, more])
        return copy.deepcopy(self.learner).fit(table, stream(self.seed, "learner"))

    def made(self, supply: Supply, blind: Learner) -> Table:
        """Make the rows of a supply in `ROUNDS` generations of the lane that delivers, after which it ends.

        Supplies that differ in the acquisition alone choose from the same proposals in the first generation.

        Parameters
        ----------
        supply : Supply
            Not aimed at weak regions, without a part that needs a teacher.
        blind : Learner
            The model on real rows alone, for the first generation.

        Returns
        -------
        Table
            At most ``supply.rows``, rounded up to a multiple of `ROUNDS`; fewer if the acquisition or a gate refuses.
        """
        parts = Parts(self.learner, (supply,), FINDERS.make("tree"), settings=Settings(generations=ROUNDS))
        generator = copy.deepcopy(supply.generator).fit(self.train, stream(self.seed, "fit", supply.name))
        everywhere = np.arange(len(self.train))
        lane, weakness = Lane(DELIVERABLE, everywhere, everywhere[:0], None), np.zeros(len(everywhere))
        rows: list[Table] = []
        for turn in range(1, ROUNDS + 1):
            model = self.fitted(Table.concat(rows)) if rows else blind
            fitted, rng = Fitted(lane, model, None, generator), stream(self.seed, "propose", supply.rows or 0, turn)
            rows.append(propose(parts, supply, self.train, weakness, fitted, turn, rng).rows)
            if not len(rows[-1]):
                break
        return Table.concat(rows)


def share_alike(made: Table, train: Table, stated: tuple[str, ...]) -> float:
    """Return the share of stated rows that have the values of some honest row of ``train`` in all that is stated."""
    verdict = Contradicted(stated).judge(made, train, stream(0, ALIKE))
    return float(1 - verdict.keep.mean())
