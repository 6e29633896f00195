"""One cell of a peer: labels bought on one split of one table, or planted label errors that it should find."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.benchmarks.autogluon.cells import probabilities
from experiments.benchmarks.autogluon.environment import Environment
from experiments.benchmarks.curves.cells import Sides
from experiments.benchmarks.label_errors import RANKING, judged, planted
from experiments.benchmarks.labels.cells import GROWTH, MOST, beginning, sizes
from experiments.benchmarks.labels.peers.exchange import (
    Answered,
    give_rows,
    ones,
    positions,
    turns_of,
    two_columns,
    write,
)
from experiments.storage.result_cache import Records
from loop.asking.suspects import find_suspects
from loop.data.split import duplicate_groups
from loop.seeds import integer, stream
from loop.types import Table

CLEANLAB, OURS = "cleanlab", "our list, same probabilities"


@dataclass(frozen=True)
class Purchase:
    """Labels bought by one way of a peer, with the start and the batches of our asking."""

    way: str
    most: float = MOST
    growth: float = GROWTH

    def rows(self, sides: Sides, environment: Environment) -> Records:
        """Return the points of one cell: share of the labels known, and the score on the test rows."""
        order = stream(sides.seed, "labels").permutation(len(sides.train))
        known = beginning(sides.train, order)
        batches = sizes(known, len(order), self.most, self.growth)
        settings = {"way": self.way, "batches": list(batches), "seed": integer(stream(sides.seed, "peer"))}
        with tempfile.TemporaryDirectory(prefix="weakspot-") as name:
            give_rows(sides, order[known:], settings, Path(name))
            answer = environment.run("buy", Path(name))
        turns = turns_of(answer, known, order[known:], batches, len(sides.test))
        code = sides.train.schema.positive
        return [sides.point(self.way, each.known / len(order), Answered(each.positive, code)) for each in turns]


@dataclass(frozen=True)
class Check:
    """Label errors found by a peer."""

    most: int  # rows of larger tables, drawn at random

    def rows(self, name: str, seed: int, environment: Environment) -> Records:
        """Flip labels of one table, or none of a clean one; return one row for each way to list them."""
        table, wrong = planted(name, seed, self.most)
        ways = listings(table, seed, environment)
        made = judged(ways, wrong)
        for row in made:
            found = wrong[ways[row["way"]][: row["listed"]]].sum()
            row |= {"table": name, "seed": seed, "recall_listed": float(found) / max(int(wrong.sum()), 1)}
        return made


def listings(table: Table, seed: int, environment: Environment) -> dict[str, np.ndarray]:
    """Return the rows that the peer lists, and from its probabilities those that we list, the most suspect first."""
    code, n = table.schema.positive, len(table)
    with tempfile.TemporaryDirectory(prefix="weakspot-") as name:
        arrays = {"X": table.X, "y": ones(table.y, code)}
        write(arrays, {"seed": integer(stream(seed, "peer"))}, Path(name))
        answer = environment.run("check", Path(name))
    proba = two_columns(probabilities(answer["proba"], n, "a peer"), code)
    copies = duplicate_groups(table.X)
    own = find_suspects(proba, table.y, table.schema.classes, stream(seed, "suspects"), copies=copies)
    ranking = np.argsort(proba[np.arange(n), table.y], kind="stable")
    return {CLEANLAB: positions(answer["listed"], n), OURS: own.positions, RANKING: ranking}
