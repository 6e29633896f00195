"""What a model finds of a hidden pattern, at a threshold that a hundredth of the negative test rows exceed."""

from collections.abc import Mapping

import numpy as np

from experiments.benchmarks.unseen.cases import Case
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Predictor

FALSE_POSITIVES = 0.01  # share of the negative test rows
RECALL, AP, OTHERS = "recall", "average_precision", "recall_others"
FIGURES: Mapping[str, str] = {
    RECALL: "recall of the hidden pattern",
    AP: "average precision, all positives",
    OTHERS: "recall of the others",
}


def measured(model: Predictor, case: Case, hidden: int) -> dict[str, float]:
    """Score a model on the test rows.

    Returns
    -------
    dict
        `RECALL` of the hidden pattern and `OTHERS` of the positives of other patterns at the threshold, `AP` over all
        positives; NaN where the test rows have none.
    """
    test = case.split.test
    proba = model.predict_proba(test.rows)
    caught = flagged(proba[:, test.schema.positive], case.kind == 0)
    return {
        RECALL: _share(caught, case.kind == hidden),
        AP: float(score("average_precision", JudgeRows.of(test), proba)),
        OTHERS: _share(caught, (case.kind != hidden) & (case.kind != 0)),
    }


def flagged(scores: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Tell which rows (n,) lie above the lowest threshold that at most `FALSE_POSITIVES` of the negative exceed."""
    highest = np.sort(scores[negative])[::-1]
    above: np.ndarray = scores > highest[int(FALSE_POSITIVES * len(highest))]
    return above


def _share(caught: np.ndarray, rows: np.ndarray) -> float:
    return float(caught[rows].mean()) if rows.any() else float("nan")
