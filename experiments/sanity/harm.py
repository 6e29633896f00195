"""Harm at an operating point, or to a group: told beside the verdict, which is on all rows and all thresholds."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.run.fairness import POINT, grouped
from experiments.sanity.finding import HARM, Finding
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import EvaluationRows
from loop.evaluation.threshold_table import operating_table
from loop.support.plain_json import Record
from loop.types import Table

WAY_OUT = "keep the model that you have, or set deliver to the best plain one"
Pair = tuple[np.ndarray, np.ndarray]  # scores of the learner on real rows alone, and of the delivered model


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
    for table, rival in ((over_plain, f"with the best plain model ({plain})"), (operating, "before")):
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
    judged: tuple[JudgeRows, Pair],
    scores: Pair,
    least: int,
    rng: np.random.Generator,
) -> Iterator[Finding]:
    """Tell which groups are caught less often at one threshold for all, by an interval wholly below zero.

    Parameters
    ----------
    test : Table, n rows
    columns : tuple of str
        Their values are the groups.
    judged : pair of JudgeRows and scores (j,)
        The rows and out-of-fold scores by which each model's threshold is chosen.
    scores : pair of ndarray of shape (n,)
        Scores of the test rows.
    least : int
        Rows to catch below which a group is not looked at.
    rng : numpy.random.Generator
        Draws the bootstrap.
    """
    tested, chosen_on = JudgeRows.of(test), EvaluationRows(judged[0])
    for name, inside in grouped(test, columns):
        if tested.is_positive[inside].sum() < least:
            continue
        rows, own = EvaluationRows(tested.take(inside)), (scores[0][inside], scores[1][inside])
        (row,) = operating_table((POINT,), chosen_on, judged[1], rows, own, rng)
        if row["difference"]["high"] < 0:
            before, after = (row[when]["delivered"]["recall"] for when in ("before", "after"))
            yield Finding(
                HARM,
                f"of group {name}, {after:.0%} of the test rows to catch are caught at 1 % false positives, "
                f"{before:.0%} before, fewer beyond chance: {WAY_OUT}, or set fairness.aim for its column.",
            )
