"""Given labels to check: rows whose label is more likely wrong than right, and copies that contradict each other.

This is confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 70) with another threshold. There, a row is suspect if the probability of another class is above the mean
over the rows of that class. That lists rows of clean tables too, since classes overlap, and where errors are most of
a rare class, the mean lies in the midst of them (`by_mean_confidence`).

Here the error rate comes from the rows where the model is surest, as in Liu & Tao 2016, "Classification with Noisy
Labels by Importance Reweighting", IEEE TPAMI 38: where nearly every row is of class k, other labels are errors. Errors
hit all rows of k alike, so this rate tells how many labels j are wrong among rows where j is rare but possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from loop.errors import DataError
from loop.evaluation.calibration import FLOOR, cross_fitted
from loop.evaluation.judge_rows import JudgeRows

SUREST = 0.2  # of as many rows as a class has: the rows where it is most probable, which show the errors
MOST_WRONG = 0.1  # other labels among these; with more, classes overlap, and a label is no error for being rare
TOP = 30  # rows in which a class must be recognised: where it is not, a low probability says nothing against its label
TOP_SHARE, TOP_ODDS = 0.8, 10.0  # recognised: this share of them, or odds so many times those in all rows
LEVEL = 0.95  # of the lower limit of an error rate


@dataclass(frozen=True, eq=False)
class Suspects:
    """The m labels to check, the surest errors first: those that copies contradict, then by score."""

    positions: np.ndarray  # (m,) int64, unique rows of the input
    given: np.ndarray  # (m,) int64 class codes
    suspected: np.ndarray  # (m,) int64: the class that is likelier
    score: np.ndarray  # (m,) normalised margin: calibrated probability of the suspected class minus the given one's
    copies: np.ndarray  # (m,) bool: an exact copy of the row has another label
    error_share: float  # estimated share of wrong labels in all rows, also of those that cannot be told one by one
    classes: tuple[object, ...]  # names in code order

    def __len__(self) -> int:
        return len(self.positions)

    def frame(self) -> pd.DataFrame:
        """Return the list for people: row, given and suspected class by name, score, and whether copies contradict."""
        names = pd.Series(self.classes, dtype=object)
        given, suspected = names[self.given].to_numpy(), names[self.suspected].to_numpy()
        columns = {"row": self.positions, "given": given, "suspected": suspected}
        return pd.DataFrame(columns | {"score": self.score, "copies": self.copies})


def find_suspects(
    proba: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[object],
    rng: np.random.Generator,
    *,
    copies: np.ndarray | None = None,
) -> Suspects:
    """List the labels that are more likely wrong than right.

    The probabilities are calibrated first, by cross-fitting. Equal rows are compared as well: a single row against all
    its copies is suspect, and of two copies the one whose label is less probable. Where many rows are equal because the
    columns are few and coarse, leave ``copies`` out.

    Parameters
    ----------
    proba : numpy.ndarray, shape (n, K), float
        Out-of-fold probabilities, from `loop.asking.out_of_fold`; rows with NaN are of no fold and are ignored.
    labels : numpy.ndarray, shape (n,), int
        Given class codes.
    classes : sequence of length K
        Names of the classes.
    rng : numpy.random.Generator
        Deals the rows for calibration.
    copies : numpy.ndarray, shape (n,), optional
        Ids, equal for exact duplicates, from `loop.data.split.duplicate_groups`.

    Returns
    -------
    Suspects

    Raises
    ------
    DataError
        If shapes, labels or probabilities break a rule, or no row has probabilities.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 2000)
    >>> p = np.where(y == 1, 0.96, 0.04) + rng.uniform(-0.01, 0.01, len(y))
    >>> y[:100] = 1
    >>> found = find_suspects(np.column_stack([1 - p, p]), y, ("no", "yes"), rng)
    >>> len(found), bool((found.positions < 100).all()), round(found.error_share, 3)
    (82, True, 0.022)
    """
    proba, labels, told = _checked(proba, labels, classes, copies)
    groups = np.arange(len(labels)) if copies is None else np.asarray(copies)
    # In an order of their own, the rows are dealt alike however the input is sorted.
    order = told[np.lexsort((*proba[told].T, labels[told]))]
    y = labels[order]
    p = cross_fitted("auto", JudgeRows(y, 1), proba[order], rng)
    rates, limits = error_rates(p, y)
    wrong = _wrong(p, y, limits)
    suspected = wrong.argmax(axis=1)
    against = _contradicted(p, y, groups[order])
    suspected = np.where(against >= 0, against, suspected)
    rows = np.arange(len(y))
    score = p[rows, suspected] - p[rows, y]
    listed = np.flatnonzero((wrong.sum(axis=1) >= 0.5) | (against >= 0))
    ranked = listed[np.lexsort((-score[listed], against[listed] < 0))]
    return Suspects(
        positions=order[ranked],
        given=y[ranked],
        suspected=suspected[ranked],
        score=score[ranked],
        copies=against[ranked] >= 0,
        error_share=float(np.minimum(_wrong(p, y, rates).sum(axis=1), 1).mean()),
        classes=tuple(classes),
    )


def error_rates(proba: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate how often a row of class k is labelled j, from the rows where class k is most probable.

    Parameters
    ----------
    proba : numpy.ndarray, shape (n, K), float
        Calibrated out-of-fold probabilities.
    labels : numpy.ndarray, shape (n,), int

    Returns
    -------
    tuple of numpy.ndarray, shape (K, K)
        Rates by class k and label j, and their lower limits (Clopper & Pearson 1934, one-sided). Both are 0 where other
        labels are too many even in the surest rows of k, or label j is nowhere recognised.
    """
    n_classes = proba.shape[1]
    rates, limits = np.zeros((2, n_classes, n_classes))
    recognised = np.array([_recognised(proba[:, code], labels == code) for code in range(n_classes)])
    for code in range(n_classes):
        surest = _highest(proba[:, code], int(np.ceil(SUREST * (labels == code).sum())))
        size, counts = int(surest.sum()), np.bincount(labels[surest], minlength=n_classes)
        others = recognised & (np.arange(n_classes) != code) & (counts > 0)
        if size and size - counts[code] <= MOST_WRONG * size:
            rates[code, others] = counts[others] / size
            limits[code, others] = beta.ppf(1 - LEVEL, counts[others], size - counts[others] + 1)
    return rates, limits


def by_mean_confidence(proba: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the positions (m,) that confident learning lists with its own thresholds, by normalised margin.

    The threshold of a class is the mean probability of the rows with its label; a row is listed if the most probable
    class of those above their thresholds is not its label (Northcutt et al. 2021, equations 1 and 2).

    Parameters
    ----------
    proba : numpy.ndarray, shape (n, K), float
        Out-of-fold probabilities without NaN.
    labels : numpy.ndarray, shape (n,), int
    """
    rows, given = np.arange(len(labels)), [labels == code for code in range(proba.shape[1])]
    means = np.array([p[own].mean() if own.any() else np.inf for p, own in zip(proba.T, given, strict=True)])
    above = np.where(proba >= means, proba, -1.0)
    guess = above.argmax(axis=1)
    listed = np.flatnonzero((above.max(axis=1) >= 0) & (guess != labels))
    margin = proba[rows, labels] - proba[rows, guess]
    ranked: np.ndarray = listed[np.argsort(margin[listed], kind="stable")]
    return ranked


def _recognised(p: np.ndarray, own: np.ndarray) -> bool:
    """Tell whether the rows where a class is most probable bear its label, (n,) bool, far more often than others."""
    if len(p) < TOP or not own.any():
        return False
    top = own[_highest(p, TOP)]
    hits, share = int(top.sum()), float(own.mean())
    odds, base = hits / max(len(top) - hits, 0.5), share / max(1 - share, FLOOR)
    return hits >= TOP_SHARE * len(top) or odds >= TOP_ODDS * base


def _highest(p: np.ndarray, size: int) -> np.ndarray:
    """Mark the ``size`` rows of highest probability, (n,) bool, and all that are tied with the last of them."""
    if not size:
        return np.zeros(len(p), dtype=bool)
    marked: np.ndarray = p >= np.partition(p, len(p) - size)[len(p) - size]
    return marked


def _wrong(p: np.ndarray, y: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return, by class k (n, K), the probability that a row is of class k and its label is an error.

    Bayes: rate(k, j) times the probability of k, over the probability that the label is j.
    """
    own = np.maximum(p[np.arange(len(y)), y], FLOOR)
    wrong: np.ndarray = rates[:, y].T * p / own[:, None]
    return wrong


def _contradicted(p: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the label (n,) that all copies of a row have and the row has not, -1 where there is none.

    Of two copies it is the more probable label, by their mean; if both are equally probable, both rows are suspect.
    """
    _, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((group.max(initial=-1) + 1, p.shape[1]))
    np.add.at(counts, (group, y), 1)
    total = np.zeros_like(counts)
    np.add.at(total, group, p)
    rows = np.arange(len(y))
    others = counts[group]
    others[rows, y] -= 1
    other, size = others.argmax(axis=1), others.sum(axis=1)
    alone = (size > 0) & (others[rows, y] == 0) & (others[rows, other] == size)
    mean = total[group]
    alone &= (size > 1) | (mean[rows, other] >= mean[rows, y])
    against: np.ndarray = np.where(alone, other, -1)
    return against


def _checked(
    proba: np.ndarray, labels: np.ndarray, classes: Sequence[object], copies: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities and labels as arrays, and the positions (t,) of rows with probabilities."""
    proba, labels = np.asarray(proba, dtype=np.float64), np.asarray(labels)
    n_classes = len(classes)
    if n_classes < 2 or proba.ndim != 2 or proba.shape[1] != n_classes:
        raise DataError(
            f"probabilities must have one column for each of two or more classes, got shape {proba.shape} for "
            f"{n_classes} classes: pass those of all classes."
        )
    for what, given in (("labels", labels), ("copies", copies)):
        if given is not None and np.shape(given) != (len(proba),):
            raise DataError(
                f"{what} must be one for each of {len(proba)} rows, got shape {np.shape(given)}: align them."
            )
    if not np.issubdtype(labels.dtype, np.integer) or ((labels < 0) | (labels >= n_classes)).any():
        raise DataError(f"labels must be class codes from 0 to {n_classes - 1}, got others: encode them by the schema.")
    told = np.flatnonzero(~np.isnan(proba).any(axis=1))
    if not len(told):
        raise DataError(f"some rows must have probabilities, got {len(proba)} rows with none: put rows into folds.")
    if (proba[told] < 0).any() or not np.allclose(proba[told].sum(axis=1), 1, rtol=0, atol=1e-3):
        raise DataError("probabilities must not be negative and must sum to one in each row: pass predict_proba's.")
    return proba, labels.astype(np.int64), told
