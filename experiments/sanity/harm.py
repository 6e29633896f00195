"""Harm at an operating point, or to a group: told beside the verdict, which is on all rows and all thresholds."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.sanity.finding import HARM, Finding
from experiments.trust.fairness.figures import POINT
from experiments.trust.fairness.groups import groups_of
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import EvaluationRows
from loop.evaluation.threshold_table import operating_table
from loop.support.plain_json import Record
from loop.types import Table

WAY_OUT = "set deliver to plain or to real only"
BEFORE = "before"  # how the learner on real rows alone is called
Scores = tuple[np.ndarray, np.ndarray]  # of a model, for the class to catch: (j,) out of fold, (n,) of the test rows


def best_plain(name: str) -> str:
    """Return how the best plain model is called."""
    return f"with the best plain model ({name})"


def harm_at_points(
    operating: Sequence[Record], over_plain: Sequence[Record] = (), plain: str = ""
) -> Iterator[Finding]:
    """Tell at which operating points the delivered model is worse: its interval lies wholly below zero.

    Parameters
    ----------
    operating : sequence of dict
        As of `loop.evaluation.threshold_table.operating_table`, on the test rows, against real rows alone.
    over_plain : sequence of dict
        The same, against the best plain model; a point is told once, this comparison first.
    plain : str
        Name of the best plain model.
    """
    told = set()
    for table, rival in ((over_plain, best_plain(plain)), (operating, BEFORE)):
        for row in table:
            if float(row["difference"]["high"]) < 0 and row["point"] not in told:
                told.add(row["point"])
                before, after = (float(row[when]["delivered"][row["figure"]]) for when in ("before", "after"))
                yield Finding(
                    HARM,
                    f"{row['point']}: {before:.3g} {rival}, {after:.3g} with the delivered model on the test rows, "
                    f"worse beyond chance: {WAY_OUT}.",
                )


def harm_to_groups(
    test: Table,
    columns: tuple[str, ...],
    judged: JudgeRows,
    after: Scores,
    rivals: Sequence[tuple[str, Scores]],
    least: int,
    rng: np.random.Generator,
) -> Iterator[Finding]:
    """Tell which groups are caught less often at one threshold for all, by an interval wholly below zero.

    Parameters
    ----------
    test : Table, n rows
    columns : tuple of str
        Their values are the groups.
    judged : JudgeRows, j rows
        By which each model's threshold is chosen.
    after : Scores
        Of the delivered model.
    rivals : sequence of (str, Scores)
        Models to compare with, and how they are called; a group is told once, the first of them first.
    least : int
        Rows to catch below which a group is not looked at.
    rng : numpy.random.Generator
        Draws the bootstrap.
    """
    tested, chosen_on = JudgeRows.of(test), EvaluationRows(judged)
    single = [group for group in groups_of(test, columns) if len(group.columns) == 1]  # pairs would be many tests
    for group in single:
        inside = group.inside
        if tested.is_positive[inside].sum() < least:
            continue
        rows = EvaluationRows(tested.take(inside))
        for rival, before in rivals:
            chosen, own = (before[0], after[0]), (before[1][inside], after[1][inside])
            (row,) = operating_table((POINT,), chosen_on, chosen, rows, own, rng)
            if row["difference"]["high"] < 0:
                fewer, more = (row[when]["delivered"]["recall"] for when in ("after", "before"))
                yield Finding(
                    HARM,
                    f"of group {group.name}, {fewer:.0%} of the test rows to catch are caught at 1 % false positives, "
                    f"{more:.0%} {rival}, fewer beyond chance: {WAY_OUT}, or set fairness.aim for its column.",
                )
                break
