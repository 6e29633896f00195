"""What a model finds of a hidden scenario, at a threshold that a hundredth of the honest test rows exceed."""

from collections.abc import Mapping

import numpy as np

from experiments.benchmarks.unseen.weeks import Week
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Predictor

FALSE_POSITIVES = 0.01  # share of the honest test rows
RECALL, AP, OTHERS = "recall", "average_precision", "recall_others"
FIGURES: Mapping[str, str] = {
    RECALL: "recall of the hidden scenario",
    AP: "average precision, all frauds",
    OTHERS: "recall of the others",
}


def measured(model: Predictor, week: Week, hidden: int) -> dict[str, float]:
    """Score a model on the test rows.

    Returns
    -------
    dict
        `RECALL` of the hidden scenario and `OTHERS` of the frauds of other scenarios at the threshold, `AP` over all
        frauds; NaN where the test rows have none.
    """
    test = week.split.test
    proba = model.predict_proba(test.rows)
    caught = flagged(proba[:, test.schema.positive], week.kind == 0)
    return {
        RECALL: _share(caught, week.kind == hidden),
        AP: float(score("average_precision", JudgeRows.of(test), proba)),
        OTHERS: _share(caught, (week.kind != hidden) & (week.kind != 0)),
    }


def flagged(scores: np.ndarray, honest: np.ndarray) -> np.ndarray:
    """Tell which rows (n,) lie above the lowest threshold that at most `FALSE_POSITIVES` of the honest rows exceed."""
    highest = np.sort(scores[honest])[::-1]
    above: np.ndarray = scores > highest[int(FALSE_POSITIVES * len(highest))]
    return above


def _share(caught: np.ndarray, rows: np.ndarray) -> float:
    return float(caught[rows].mean()) if rows.any() else float("nan")
