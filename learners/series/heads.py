"""Linear heads on many features of few rows: ridge regression and logistic regression, each with its own penalty.

Both are computed in the space that the training rows span, and give logits that are linear in the features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from learners.common.soft_labels import weighted_copies
from loop.rows import Rows
from loop.types import Table

PENALTIES = np.logspace(-4, 3, 22)  # of ridge regression; a row's squared length is about 1
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # C of logistic regression
FOLDS = 4  # in which C is chosen
MOST_ROWS = 2500  # that span the space; of longer tables some drawn at random
DIRECTIONS = 1000  # of the space, where not all rows span it
PIECE = 4096  # rows that are copied at once
FLAT = 1e-6  # spread below which a feature tells nothing
CALM = 1e-2  # penalty of the calibration


@dataclass(frozen=True, eq=False)
class Head:
    """Logits (n, k) of features (n, p): ``features @ weights + offset``, of the classes that training rows had."""

    weights: np.ndarray  # (p, k) float32
    offset: np.ndarray  # (k,) float64
    classes: np.ndarray  # (k,) codes

    def proba(self, features: np.ndarray, n_classes: int) -> np.ndarray:
        """Return probabilities (n, K); a class without a training row has none."""
        made = np.zeros((len(features), n_classes))
        made[:, self.classes] = softmax((features @ self.weights).astype(np.float64) + self.offset, axis=1)
        return made

    def arrays(self) -> dict[str, np.ndarray]:
        """Return it as named arrays."""
        return {"weights": self.weights, "offset": self.offset, "classes": self.classes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild from what `arrays` returned, which has been checked."""
        return cls(arrays["weights"], arrays["offset"], arrays["classes"])


@dataclass(frozen=True, eq=False)
class _Span:
    """Standardised features of rows in coordinates of the space that (some of) the rows span."""

    rows: np.ndarray  # (n, r)
    basis: np.ndarray  # (p, r) orthonormal
    mean: np.ndarray  # (p,)
    scale: np.ndarray  # (p,) by which a feature is divided

    @classmethod
    def of(cls, features: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Self:
        share, pieces = (weight / weight.sum()).astype(np.float32), range(0, len(features), PIECE)
        mean = share @ features
        square = np.sum([share[at : at + PIECE] @ (features[at : at + PIECE] - mean) ** 2 for at in pieces], axis=0)
        spread = np.sqrt(square)
        scale = np.where(spread > FLAT, spread, np.inf) * np.float32(np.sqrt(features.shape[1]))
        many = len(features) > MOST_ROWS
        chosen = np.sort(rng.choice(len(features), MOST_ROWS, replace=False)) if many else slice(None)
        some = (features[chosen] - mean) / scale
        values, vectors = np.linalg.eigh((some @ some.T).astype(np.float64))
        used = values > 1e-6 * max(float(values[-1]), 1e-12)
        used[: -DIRECTIONS if many else 0] = False  # of some rows only the main directions are those of all
        basis = (some.T @ (vectors[:, used] / np.sqrt(values[used])).astype(np.float32)).astype(np.float32)
        rows = [((features[at : at + PIECE] - mean) / scale) @ basis for at in pieces]
        return cls(np.concatenate(rows).astype(np.float64), basis, mean, scale)

    def head(self, weights: np.ndarray, offset: np.ndarray, classes: np.ndarray) -> Head:
        """Return the head with weights (r, k) of the coordinates."""
        own = (self.basis @ weights) / self.scale[:, None]
        return Head(own.astype(np.float32), offset - self.mean @ own, classes)


def linear_head(kind: str, features: np.ndarray, table: Table, rng: np.random.Generator) -> Head:
    """Fit a head, "ridge" or "logistic".

    Parameters
    ----------
    kind : str
    features : np.ndarray
        Of the rows of the table, (n, p) float32.
    table : Table
        Gives ``targets`` and ``weight``, which is above zero.
    rng : np.random.Generator
        Draws folds, and rows where there are many.
    """
    classes = np.flatnonzero(table.targets.sum(axis=0) > 0)
    if len(classes) == 1:  # nothing to separate
        return Head(np.zeros((features.shape[1], 1), dtype=np.float32), np.zeros(1), classes)
    span = _Span.of(features, table.weight, rng)
    fitted = _ridge if kind == "ridge" else _logistic
    weights, offset = fitted(span.rows, table, classes, rng)
    return span.head(weights, offset, classes)


def _ridge(R: np.ndarray, table: Table, classes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Fit ridge regression on the label distributions, and turn its answers into logits.

    The penalty has the smallest squared error of rows left out one by one, in closed form (Golub, Heath, Wahba 1979).
    Slope and offsets of the logits are fitted on the same answers, so they see no row that was fitted on.
    """
    targets, weight = table.targets[:, classes], table.weight / table.weight.mean()
    root = np.sqrt(weight)[:, None]
    centre, middle = np.average(targets, axis=0, weights=weight), np.average(R, axis=0, weights=weight)
    A, B = root * (R - middle), root * (targets - centre)
    values, vectors = np.linalg.eigh(A.T @ A)
    values = np.maximum(values, 1e-12)
    U = A @ vectors / np.sqrt(values)  # (n, r), orthonormal where values are not tiny
    seen = U.T @ B
    best: tuple[float, float, np.ndarray] | None = None
    for penalty in PENALTIES:
        kept = values / (values + penalty)
        hat = (U**2) @ kept + weight / weight.sum()  # how far a row decides its own answer
        left_out = (B - U @ (kept[:, None] * seen)) / np.maximum(1 - hat, 1e-6)[:, None]
        error = float((left_out**2).sum())
        if best is None or error < best[0]:
            best = error, float(penalty), targets - left_out / root
    _, penalty, answers = best or (0.0, 1.0, targets)
    coefficients = vectors @ ((np.sqrt(values) / (values + penalty))[:, None] * seen)
    slope, offsets = _calibration(answers, targets, weight)
    return slope * coefficients, slope * (centre - middle @ coefficients) + offsets


def _calibration(answers: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Return slope and offsets (k,) of logits by which answers (n, k) have the smallest cross-entropy."""
    share = weight / weight.sum()

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.exp(free[0]) * answers + free[1:]
        wrong = share[:, None] * (softmax(logits, axis=1) - targets)
        value = -float(share @ (targets * log_softmax(logits, axis=1)).sum(axis=1))
        slope = float((wrong * answers).sum()) * np.exp(free[0])
        ease = CALM * float((free[1:] ** 2).mean())
        return value + ease, np.concatenate([[slope], wrong.sum(axis=0) + 2 * CALM * free[1:] / len(free[1:])])

    start = np.concatenate([[np.log(5.0)], np.zeros(answers.shape[1])])
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(-2.0, 5.0)] + [(-20.0, 20.0)] * (len(start) - 1)
    )
    return float(np.exp(found.x[0])), found.x[1:]


def _logistic(
    R: np.ndarray, table: Table, classes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fit logistic regression; C has the smallest cross-entropy out of fold."""
    own = replace(table, rows=Rows(R))
    fold = np.empty(len(table), dtype=np.int64)
    fold[np.lexsort((rng.random(len(table)), table.y))] = np.arange(len(table)) % FOLDS
    losses = np.zeros(len(STRENGTHS))
    for held in range(FOLDS):
        rest, judge = own.take(fold != held), own.take(fold == held)
        if not len(judge) or not len(rest) or len(np.unique(rest.y)) < 2:
            continue
        for place, strength in enumerate(STRENGTHS):
            weights, offset, known = _regressed(rest, strength)
            proba = np.full((len(judge), table.n_classes), 1e-6)
            proba[:, known] += softmax(judge.X @ weights + offset, axis=1)
            losses[place] -= float(judge.weight @ (judge.targets * np.log(proba)).sum(axis=1))
    weights, offset, known = _regressed(own, STRENGTHS[int(losses.argmin())])
    full, start = np.zeros((R.shape[1], len(classes))), np.full(len(classes), -20.0)
    at = np.searchsorted(classes, known)
    full[:, at], start[at] = weights, offset
    return full, start


def _regressed(table: Table, strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights (r, k), offsets (k,) and codes (k,) of a logistic regression."""
    X, y, weight = weighted_copies(table)
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(X, y, sample_weight=weight)
    weights, offset = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn has one logit then
        weights, offset = np.hstack([-weights, weights]) / 2, np.array([-offset[0], offset[0]]) / 2
    return weights, offset, model.classes_
