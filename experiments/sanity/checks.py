"""All checks in the order in which they are told: before work, and on the scores of a finished run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.sanity.contradictions import contradictions
from experiments.sanity.counts import few_in_test, few_in_training
from experiments.sanity.finding import Finding
from experiments.sanity.identifiers import identifiers
from experiments.sanity.leak import leak
from experiments.sanity.left_out import LeftOut
from experiments.sanity.power import Power, power
from experiments.sanity.scores import chance, too_good
from experiments.sanity.wide import many_columns
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.types import Table

QUICK = "by a quick model of all columns, out of fold on training rows"
TESTED = "by the delivered model on the test rows"
SUPERSEDED = ("chance", "too good")  # told of a quick model before work, and of the delivered one after it
NAMED = 2  # columns to look at first


@dataclass(frozen=True, eq=False)
class Before:
    """What was found before work, and what the columns tell."""

    findings: tuple[Finding, ...]
    power: Power | None

    @property
    def best(self) -> str:
        """Name the columns that tell most alone."""
        if self.power is None:
            return ""
        columns = self.power.columns
        names = sorted(columns, key=lambda name: -columns[name].average_precision)
        return " and ".join(map(repr, names[:NAMED]))


def before_work(train: Table, test: Table, seed: int, left_out: LeftOut | None = None) -> Before:
    """Look at a table before work: at training rows, and at counts of the test part.

    Parameters
    ----------
    train, test : Table
        Real rows. Of the test part only the number of rows and groups of each class is read.
    seed : int
    left_out : LeftOut, optional
        Which rows are in neither part, and why.
    """
    found = [*few_in_test(test, left_out), *few_in_training(train), *many_columns(train)]
    # Of an image the columns say little, and models that score near 1 are usual.
    measured = None if train.schema.arrays else power(train, seed)
    if measured is not None:
        ids = dict(identifiers(train, measured))
        leaks = list(leak(measured, aside=ids))
        found += [*ids.values(), *leaks]
        looked = Before((), measured)
        figures = measured.whole.average_precision, measured.share, QUICK
        found += [*chance(*figures), *([] if ids or leaks else too_good(*figures, looked.best))]
    found += contradictions(train)
    return Before(tuple(found), measured)


def after_work(before: Before, test: Table, proba: np.ndarray, harm: Sequence[Finding] = ()) -> tuple[Finding, ...]:
    """Add what the scores of the test rows say; what a quick model said of scores is replaced.

    Parameters
    ----------
    before : Before
    test : Table, n rows
    proba : ndarray of shape (n, K)
        Of the delivered model.
    harm : sequence of Finding
        Told first.
    """
    tested = JudgeRows.of(test).against_rest()
    caught = proba[:, test.schema.positive]
    reached = score("average_precision", tested, np.column_stack([1 - caught, caught]))
    share = float(np.average(tested.y, weights=tested.weights))
    kept = [each for each in before.findings if each.name not in SUPERSEDED]
    good = () if test.schema.arrays else too_good(reached, share, TESTED, before.best)
    return (*harm, *kept, *chance(reached, share, TESTED), *good)
