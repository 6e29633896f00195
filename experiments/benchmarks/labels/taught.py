"""One cell of taught rows: a student on labels bought by doubt, alone, with made rows, and with rows of the pool."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from experiments.benchmarks.curves.cells import Sides, fitted
from experiments.benchmarks.labels.cells import ASKINGS, GROWTH, LEARNERS, beginning, sizes
from experiments.config.given import TaughtRows
from experiments.config.strategies import compose
from experiments.storage.result_cache import Records
from loop.asking.ledger import grown, known
from loop.asking.oracles import Withheld
from loop.asking.rounds import Asker, ask
from loop.cycle.parts import Parts, Settings
from loop.data.encoding import decode
from loop.protocols import Predictor
from loop.seeds import stream
from loop.types import Table

LEARNER, ASKING = "XGBoost", "doubt"
SHARES = (0.05, 0.1, 0.2)  # of the labels
BOUGHT, GENERATED, POOL = "bought labels alone", "with made rows", "with rows of the pool"
ARMS = (BOUGHT, GENERATED, POOL)


@dataclass(frozen=True)
class Taught:
    """A student at some shares of the labels; the loop's first fit is the student on the bought labels alone.

    Rows that a model chose to have labelled never judge in the loop, as in a run that goes on with answers.
    """

    parts: Parts = field(default_factory=lambda: compose(settings=Settings(jobs=1)))
    supply: TaughtRows = field(default_factory=lambda: TaughtRows(unlabelled="pool"))
    shares: tuple[float, ...] = SHARES

    def rows(self, sides: Sides) -> Records:
        """Return one record for each share and arm: the share known, the score on the test rows, the rows taught."""
        found, scored = [], dict[int, dict[str, tuple[Predictor, int]]]()
        for share, (table, groups, pool) in zip(self.shares, bought(sides, self.shares), strict=True):
            if len(table) not in scored:  # shares below what is known at the beginning have the same rows
                scored[len(table)] = self._scored(Sides(table, sides.test, groups, sides.seed), pool)
            for arm, (model, taught) in scored[len(table)].items():
                point = sides.point(arm, len(table) / len(sides.train), model)
                found.append(point | {"share": share, "taught": taught})
        return found

    def _scored(self, sides: Sides, pool: Table) -> dict[str, tuple[Predictor, int]]:
        """Return the model of each arm, and how many taught rows it has learnt from."""
        if not sides.has_lanes():  # too few rows of a class for a loop, so all arms are the student alone
            alone = copy.deepcopy(self.parts.learner).fit(sides.train, stream(sides.seed, "fit"))
            return dict.fromkeys(ARMS, (alone, 0))
        rows = decode(pool.schema, pool)[[*pool.schema.names]]
        made = sides.looped(self.parts)
        given = sides.looped(replace(self.parts, supplies=(self.supply.make(rows),)))
        runs = {GENERATED: made, POOL: given}
        alone = fitted(made.prepared, sides.train.take(np.arange(0)))
        told = {arm: (run.outcome.learner, len(run.outcome.synthetic)) for arm, run in runs.items()}
        return {BOUGHT: (alone, 0), **told}


def bought(sides: Sides, shares: Sequence[float]) -> Sequence[tuple[Table, np.ndarray | None, Table]]:
    """Buy labels as `experiments.benchmarks.labels.cells.Bought` does, from the same seeds.

    Returns
    -------
    list of tuple
        For each share, ascending: the rows with labels, their groups, and the rows without. Where the rows known at the
        beginning are more than a share, they are what there is.
    """
    order = stream(sides.seed, "labels").permutation(len(sides.train))
    start = beginning(sides.train, order)
    table, rest = sides.train.take(order[:start]), sides.train.take(order[start:])
    batches, ends, total = list[int](), list[int](), start
    for share in shares:
        target = round(share * len(order))
        for size in sizes(total, target, 1.0, GROWTH)[:-1]:
            batches.append(min(size, target - total))
            total += batches[-1]
        ends.append(len(batches))
    learner, second = LEARNERS[LEARNER]
    asker = Asker(learner, second, ASKINGS[ASKING])
    rounds = ask(asker, table, rest.rows, Withheld(rest.y), batches, stream(sides.seed, "asking"))
    done = [each.answers for each in rounds]
    found = []
    for end in ends:
        now = grown(table, rest.rows, done[:end], len(table), None)
        open_ = known(done[:end], len(rest)) < 0
        at = np.concatenate([order[:start], order[start:][~open_]])
        found.append((now, None if sides.groups is None else sides.groups[at], rest.take(open_)))
    return found
