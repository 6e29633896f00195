"""Three measures of synthetic rows: useful for training, similar to the real ones, and not copies of them.

None of the three implies another. Rows can be similar column by column and useless for training, and useful rows may
reveal who was in the training table.
"""

import numpy as np
import pandas as pd

from learners import XGBoost
from loop.evaluation.drift import columns, detection_auc
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.gates.copies import Space
from loop.seeds import root, stream
from loop.types import Table

PAIRED_COLUMNS = 40  # columns whose pairwise correlations are compared at most
BLOCK = 2_000  # rows whose distances are computed at once


def utility(train: Table, test: Table, rng: np.random.Generator) -> float:
    """Return the ROC AUC on real test rows of XGBoost fitted on ``train``, real or synthetic; 0.5 = useless."""
    if len(np.unique(train.y)) < 2:
        return 0.5
    return score("roc_auc", JudgeRows.of(test), XGBoost().fit(train, rng).predict_proba(test.rows))


def likeness(real: Table, synthetic: Table, rng: np.random.Generator) -> dict[str, float]:
    """Compare columns, pairs of columns, and whole rows.

    Returns
    -------
    dict
        ``shapes``: mean over columns of one minus the Kolmogorov-Smirnov distance, or the total variation of a
        discrete column; ``pairs``: mean over pairs of columns of one minus half the difference of their rank
        correlations; ``real_or_synthetic_auc``: how well trees tell them apart, 0.5 = not at all.
    """
    by_column = columns(real, synthetic)
    shapes = [1 - float(row["ks"] if "ks" in row else row["total_variation"]) for row in by_column]
    return {
        "shapes": float(np.mean(shapes)),
        "pairs": 1 - _correlation_gap(real, synthetic) / 2,
        "real_or_synthetic_auc": detection_auc(real.X, synthetic.X, stream(root(rng), "detection")),
    }


def _correlation_gap(real: Table, synthetic: Table) -> float:
    """Return the mean absolute difference of Spearman correlations, the label being one more column."""
    ranked = [
        pd.DataFrame(np.column_stack([table.X[:, :PAIRED_COLUMNS], table.y])).rank().corr().to_numpy()
        for table in (real, synthetic)
    ]
    above = np.triu_indices(len(ranked[0]), k=1)
    gaps = np.abs(np.nan_to_num(ranked[0]) - np.nan_to_num(ranked[1]))[above]
    return float(gaps.mean()) if len(gaps) else 0.0


def closeness(train: Table, held_out: Table, synthetic: Table, rng: np.random.Generator) -> float:
    """Return the share of synthetic rows nearer to a training row than to any held-out row; 0.5 = no copying.

    Both sides are cut to the same number of rows, drawn at random, and a tie counts half.

    Parameters
    ----------
    train : Table
        Rows that the generator was fitted on; distances are scaled by them.
    held_out : Table
        Real rows that it has not seen.
    synthetic : Table
    rng : numpy.random.Generator
    """
    n = min(len(train), len(held_out))
    space = Space(train)
    drawn = (side.X[rng.permutation(len(side))[:n]] for side in (train, held_out))
    to_train, to_others = (nearest(space, synthetic.X, rows) for rows in drawn)
    return float(np.mean((to_train < to_others) + 0.5 * (to_train == to_others)))


def attack_advantage(members: Table, others: Table, synthetic: Table) -> float:
    """Return the advantage of a distance-based membership attack: the largest true minus false positive rate.

    The generator was fitted on the members and never saw the others. Rows whose
    distance to a synthetic row is below a threshold are called members; the best threshold is taken. With n rows on
    each side, chance alone therefore gives about ``0.87 * sqrt(2 / n)``.
    """
    space = Space(members)
    inside, outside = (np.sort(nearest(space, side.X, synthetic.X)) for side in (members, others))
    at = np.concatenate([inside, outside])
    called = [np.searchsorted(side, at, "right") / len(side) for side in (inside, outside)]
    return float((called[0] - called[1]).max())


def nearest(space: Space, X: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of each row of X to the nearest row of ``to``, in standard deviations and mismatches."""
    blocks = [space.distances(X[start : start + BLOCK], to)[0][:, 0] for start in range(0, len(X), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def halves(table: Table, rng: np.random.Generator) -> tuple[Table, Table]:
    """Split the rows at random into the members and the others of a membership attack."""
    order = stream(root(rng), "halves").permutation(len(table))
    return table.take(np.sort(order[::2])), table.take(np.sort(order[1::2]))
