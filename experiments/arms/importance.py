"""What a model looks at: by how much its score falls if the values of one column are shuffled among rows."""

import numpy as np

from loop.data.thinning import weighted_sample
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Predictor
from loop.rows import Rows
from loop.support.plain_json import Record
from loop.types import Table

METRIC = "average_precision"
SHUFFLES = 3
MOST_ROWS, MOST_ANSWERS = 5_000, 300_000  # rows that are shuffled; answers in all, as some models are slow
FEWEST_ROWS = 200  # with fewer a fall is noise: such a wide table has no figures


def importance(predictor: Predictor, test: Table, rng: np.random.Generator) -> list[Record]:
    """Return the permutation importance of each column on test rows, the largest first.

    This is the mean decrease in score of Breiman 2001 ("Random forests", section 10), for any kind of model. Columns
    that say the same share it: each may look unimportant while the other is left as it is.

    Parameters
    ----------
    predictor : Predictor
        A fitted model.
    test : Table
        Rows that it has not seen. Of many a sample is taken, the class to catch first, weighted for the others.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict
        ``column``, ``fall`` (of average precision, mean over shuffles), ``least`` and ``most`` of the shuffles; empty
        for tables too wide or too short to tell.
    """
    columns = test.schema.names
    allowed = min(MOST_ROWS, MOST_ANSWERS // (SHUFFLES * max(1, len(columns))))
    if min(allowed, len(test)) < FEWEST_ROWS:
        return []
    some = weighted_sample(test, allowed, rng)
    judged = JudgeRows.of(some)
    whole = score(METRIC, judged, predictor.predict_proba(some.rows))
    found: list[Record] = []
    for position, name in enumerate(columns):
        answers = predictor.predict_proba(_shuffled(some.rows, position, rng))
        falls = [whole - score(METRIC, judged, proba) for proba in np.split(answers, SHUFFLES)]
        found.append({"column": name, "fall": float(np.mean(falls)), "least": min(falls), "most": max(falls)})
    return sorted(found, key=lambda each: -float(str(each["fall"])))


def _shuffled(rows: Rows, position: int, rng: np.random.Generator) -> Rows:
    """Return the rows several times over (SHUFFLES * n), one column of each shuffled."""
    copies = []
    for _ in range(SHUFFLES):
        X = rows.X.copy()
        X[:, position] = rng.permutation(X[:, position])
        copies.append(Rows(X, rows.arrays))
    return Rows.concat(copies)
