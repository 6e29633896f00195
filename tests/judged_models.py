"""Judge rows and the answers of two models to them, made up."""

import numpy as np
from scipy.special import expit

from loop.evaluation.judge_rows import JudgeRows

Rows = tuple[JudgeRows, np.ndarray, np.ndarray]


def two_models(n: int, positives: int, rng: np.random.Generator, edge: float = 0.0) -> Rows:
    """Two models of equal skill but for the challenger's edge, in standard deviations of its score."""
    y = rng.permutation(np.arange(n) < positives).astype(np.int64)
    shared, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
    p = expit(np.sqrt(0.8) * shared + np.sqrt(0.2) * own + y[:, None] * [2.0, 2.0 + edge] - 2)
    champion, challenger = (np.column_stack([1 - column, column]) for column in p.T)
    return JudgeRows(y, 1), champion, challenger
