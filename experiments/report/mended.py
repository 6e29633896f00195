"""Whether weak regions were mended: the same regions before and after, on test rows, which chose none of them."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from loop.cycle.acceptance import FEWEST
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.support.plain_json import Record, plain
from loop.types import Region, Table

ERROR = "log_loss"
ANSWERS = {"better": "yes", "worse": "no, it is worse", "open": "cannot be told", "few": "too few test rows"}
Pair = tuple[np.ndarray, np.ndarray]  # of the learner on real rows alone, and of the delivered model


def mended(regions: Sequence[Region], test: Table, proba: Pair, alerts: Pair, rng: np.random.Generator) -> list[Record]:
    """Score regions before and after on the test rows inside them.

    The rows that chose a region make it look weaker than it is, so a score on them falls by itself; test rows chose
    nothing.

    Parameters
    ----------
    regions : sequence of Region
        That the first generation found.
    test : Table, n rows
    proba : pair of ndarray of shape (n, K)
        Probabilities before and after.
    alerts : pair of ndarray of shape (n,)
        Which rows each model alerts on, at one threshold for all rows.
    rng : numpy.random.Generator
        Draws the bootstrap.

    Returns
    -------
    list of dict
        ``rule``, ``rows`` and ``positives`` inside, ``answer`` (a key of `ANSWERS`), ``change`` of the log-loss with
        its interval (positive = better; None with fewer than 20 rows), and, ``before`` and ``after``, ``error`` (the
        log-loss) and ``caught`` (the share of the rows to catch that are alerted), None without such rows.
    """
    return [_of(region, test, proba, alerts, rng) for region in regions]


def _of(region: Region, test: Table, proba: Pair, alerts: Pair, rng: np.random.Generator) -> Record:
    inside = region.contains(test.rows)
    rows = JudgeRows.of(test).take(inside)
    change, answer = None, "few"
    if len(rows) >= FEWEST:
        difference = paired(ERROR, rows, proba[0][inside], proba[1][inside], rng).difference
        change, answer = asdict(difference), _answer(difference.low, difference.high)
    told: Record = {"rule": region.text, "rows": len(rows), "positives": int(rows.is_positive.sum())}
    for when, chances, alert in zip(("before", "after"), proba, alerts, strict=True):
        told[when] = {
            "error": score(ERROR, rows, chances[inside]) if len(rows) else None,
            "caught": float(alert[inside][rows.is_positive].mean()) if rows.is_positive.any() else None,
        }
    record: Record = plain({**told, "change": change, "answer": answer})
    return record


def _answer(low: float, high: float) -> str:
    return "better" if low > 0 else "worse" if high < 0 else "open"
