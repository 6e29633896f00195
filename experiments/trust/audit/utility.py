"""Utility of a synthetic table: models are trained on it and tested on real rows.

(Esteban, Hyland and Rätsch 2017, arXiv 1706.02633.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from learners import ExtraTrees, Linear, XGBoost
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner
from loop.seeds import root, stream
from loop.types import Interval, Table

KINDS: Mapping[str, Callable[[], Learner]] = {
    "XGBoost": XGBoost,
    "extra trees": lambda: ExtraTrees(trees=100, max_features=0.5, min_leaf=2),
    "linear": Linear,
}
LEAST = 20  # rows of a group of the class to catch, and of others, below which it is not scored
MOST_GROUPS = 10


@dataclass(frozen=True)
class Trained:
    """Scores on the same real rows of a model trained on synthetic ones and of one trained on real ones."""

    kind: str
    auc: float  # trained on synthetic rows; area under the ROC curve, mean over the classes if there are more than two
    auc_real: float
    precision: float  # average precision of the class to catch
    precision_real: float
    lost: Interval  # precision of the model on synthetic rows less that of the one on real rows


@dataclass(frozen=True)
class InGroup:
    """The same in one group of the real rows, of the first kind of model."""

    group: str
    rows: int
    positives: int
    auc: float | None  # None = too few rows to say
    auc_real: float | None


@dataclass(frozen=True)
class Utility:
    """What synthetic rows are worth for training."""

    trained: tuple[Trained, ...]
    groups: tuple[InGroup, ...] = ()

    @property
    def auc(self) -> float:
        """Mean over the kinds of models."""
        return float(np.mean([each.auc for each in self.trained]))

    @property
    def auc_real(self) -> float:
        """The same of models on real rows."""
        return float(np.mean([each.auc_real for each in self.trained]))

    @property
    def sentence(self) -> str:
        """What it means, in words."""
        lost = self.auc_real - self.auc
        return (
            f"Trained on synthetic rows, models have a ROC AUC of {self.auc:.3f} on real ones; trained on real rows "
            f"{self.auc_real:.3f} ({'nothing' if lost < 0.0005 else f'{lost:.3f}'} lost)."
        )


def utility(
    synthetic: Table, real: Table, test: Table, rng: np.random.Generator, by: int | None = None
) -> Utility | None:
    """Train models of several kinds on synthetic and on real rows, and test them on other real rows.

    Parameters
    ----------
    synthetic, real : Table
        To train on.
    test : Table
        Real rows.
    rng : numpy.random.Generator
    by : int, optional
        Position of a column whose commonest values make the groups.

    Returns
    -------
    Utility or None
        None if a table holds rows of one class alone, so that nothing can be scored.
    """
    if len(np.unique(test.y)) < 2 or len(np.unique(real.y)) < 2:
        return None
    seed = root(rng)
    answers = {kind: (_answers(kind, synthetic, test, seed), _answers(kind, real, test, seed)) for kind in KINDS}
    trained = tuple(_trained(kind, test, both, stream(seed, kind, "lost")) for kind, both in answers.items())
    first = next(iter(answers.values()))
    return Utility(trained, () if by is None else _by_group(test, first, by))


def roc_auc(train: Table, test: Table, rng: np.random.Generator) -> float:
    """Return the area on real test rows of XGBoost fitted on ``train``, real or synthetic; 0.5 = useless."""
    return score("roc_auc", JudgeRows.of(test), _answers("XGBoost", train, test, root(rng)))


def _answers(kind: str, train: Table, test: Table, seed: int) -> np.ndarray:
    """Return the probabilities (n, K) of the test rows; those of rows of one class alone are all the same."""
    if len(np.unique(train.y)) < 2:
        return np.tile(np.eye(test.n_classes)[train.y[0]], (len(test), 1))
    return KINDS[kind]().fit(train, stream(seed, kind)).predict_proba(test.rows)


def _trained(kind: str, test: Table, both: tuple[np.ndarray, np.ndarray], rng: np.random.Generator) -> Trained:
    """Score the answers of a model trained on synthetic rows, and of one trained on real rows."""
    judged = JudgeRows.of(test)
    area, area_real = (score("roc_auc", judged, proba) for proba in both)
    rest = judged.against_rest()
    if not 0 < rest.y.sum() < len(rest):
        return Trained(kind, area, area_real, np.nan, np.nan, Interval(np.nan, np.nan, np.nan))
    made, real = (_two(proba, judged.positive) for proba in both)
    precision, precision_real = (score("average_precision", rest, chance) for chance in (made, real))
    lost = paired("average_precision", rest, real, made, rng).difference
    return Trained(kind, area, area_real, precision, precision_real, lost)


def _two(proba: np.ndarray, positive: int) -> np.ndarray:
    return np.column_stack([1 - proba[:, positive], proba[:, positive]])


def _by_group(test: Table, both: tuple[np.ndarray, np.ndarray], by: int) -> tuple[InGroup, ...]:
    """Score each of the commonest values of a column, of the class to catch against the rest."""
    column, judged = test.schema.columns[by], JudgeRows.of(test).against_rest()
    values, counts = np.unique(test.X[:, by][~np.isnan(test.X[:, by])], return_counts=True)
    groups = []
    for value in values[np.argsort(-counts, kind="stable")][:MOST_GROUPS]:
        rows = np.flatnonzero(test.X[:, by] == value)
        own, positives = judged.take(rows), int(judged.y[rows].sum())
        area = area_real = None
        if min(positives, len(rows) - positives) >= LEAST:
            area, area_real = (score("roc_auc", own, _two(proba[rows], test.schema.positive)) for proba in both)
        name = column.categories[int(value)] if column.categories else f"{value:g}"
        groups.append(InGroup(f"{column.name} = {name}", len(rows), positives, area, area_real))
    return tuple(groups)
