"""How each group fares, before and after: at one threshold for all, with intervals, and untold where rows are few."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.stats import beta

from experiments.trust.fairness.groups import Group
from loop.evaluation.bootstrap import intervals
from loop.evaluation.cluster_bootstrap import standard_error
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import AtFalsePositiveRate, EvaluationRows
from loop.support.plain_json import Record, plain
from loop.types import Interval

POINT = AtFalsePositiveRate(0.01)  # groups are compared at one threshold, chosen on judge rows
WHEN = ("before", "after")
SCORE = "average_precision"
_SPAN = NormalDist().inv_cdf(0.975)  # standard errors on either side of a 95 % interval


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model says of the class to catch."""

    judged: np.ndarray  # (j,) scores of the judge rows, out of fold
    tested: np.ndarray  # (n,) scores of the test rows
    calibrated: np.ndarray  # (n,) probabilities of the test rows


def alerts_of(judged: JudgeRows, tested: JudgeRows, scores: Scores) -> np.ndarray:
    """Return which test rows (n,) are alerts at the threshold that gives 1 % false positives among all judge rows."""
    threshold = POINT.choose(EvaluationRows(judged), scores.judged)
    alerts: np.ndarray = POINT.alert(threshold, EvaluationRows(tested), scores.tested) >= 0.5
    return alerts


def by_group(
    groups: Sequence[Group],
    tested: JudgeRows,
    alerts: Mapping[str, np.ndarray],
    scores: Mapping[str, Scores],
    least: int,
    rng: np.random.Generator,
) -> Iterator[Record]:
    """Yield one record for each group, on the test rows.

    Parameters
    ----------
    groups : sequence of Group
    tested : JudgeRows, n rows
    alerts, scores : dict of ndarray of shape (n,) and of Scores
        Of the learner "before" (real rows alone) and "after".
    least : int
        Rows to catch, or units of them, below which recall, average precision and calibration are not told.
    rng : numpy.random.Generator
        Draws the bootstrap.

    Yields
    ------
    dict
        ``column``, ``group``, ``rows``, ``positives`` and, ``before`` and ``after``: ``recall``,
        ``false_positive_rate``, ``average_precision``, ``alerts`` (share of rows) and ``calibration`` (mean probability
        minus share of positives); the three that need rows to catch with the ends ``_low`` and ``_high`` of their 95 %
        intervals, drawn within the classes of the group. None = the group lacks the class that the figure needs, or
        has too few of it.
    """
    for group in groups:
        own = tested.take(group.inside)
        told: Record = {"column": group.column, "group": group.value}
        told |= {"rows": len(own), "positives": int(own.is_positive.sum())}
        for when in WHEN:
            given = scores[when].tested[group.inside], scores[when].calibrated[group.inside]
            told[when] = _figures(own, alerts[when][group.inside], *given, least, rng)
        yield plain(told)


def _figures(
    own: JudgeRows, alerts: np.ndarray, scores: np.ndarray, calibrated: np.ndarray, least: int, rng: np.random.Generator
) -> Record:
    positive = own.is_positive
    told: Record = dict.fromkeys(("false_positive_rate", *_with_ends("recall", SCORE, "calibration")))
    told["alerts"] = float(alerts.mean())
    if not positive.all():
        told["false_positive_rate"] = float(alerts[~positive].mean())
    if not enough(own, least):
        return told
    told |= _ends("recall", share_of(alerts[positive], own.take(positive)))
    told |= _ends("calibration", mean_of(calibrated - positive, own))
    if not positive.all():
        proba = np.column_stack([1 - scores, scores])
        told |= _ends(SCORE, intervals([SCORE], own.against_rest(), proba, rng)[SCORE])
    return told


def enough(own: JudgeRows, least: int) -> bool:
    """Tell whether there are so many rows to catch, those of one unit counted once."""
    return bool(own.is_positive.any()) and units_of(own.take(own.is_positive)) >= least


def units_of(judged: JudgeRows) -> int:
    """Return the number of independent rows or units."""
    return len(judged) if judged.unit is None else len(np.unique(judged.unit))


def share_of(hits: np.ndarray, judged: JudgeRows) -> Interval:
    """Return the share of hits (n,) with the 95 % interval of Clopper and Pearson (1934), for few rows, too.

    Rows of one unit count as one row, as if they were all alike: with cards of several rows it is rather too wide.
    """
    share, n = float(np.mean(hits)), units_of(judged)
    caught = share * n
    low = float(beta.ppf(0.025, caught, n - caught + 1)) if caught else 0.0
    return Interval(share, low, float(beta.ppf(0.975, caught + 1, n - caught)) if caught < n else 1.0)


def mean_of(values: np.ndarray, judged: JudgeRows) -> Interval:
    """Return the mean of values (n,) with its 95 % interval, units drawn within classes."""
    mean, spread = float(np.mean(values)), standard_error(np.asarray(values, dtype=float), judged)
    return Interval(mean, mean - _SPAN * spread, mean + _SPAN * spread)


def _ends(name: str, interval: Interval) -> Record:
    return dict(zip(_with_ends(name), (interval.estimate, interval.low, interval.high), strict=True))


def _with_ends(*names: str) -> list[str]:
    return [f"{name}{end}" for name in names for end in ("", "_low", "_high")]


def gaps(groups: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return, for each column, the largest difference in recall between two of its groups, "before" and "after".

    Groups with too few rows to catch are left out.
    """
    found = {}
    for column in dict.fromkeys(group["column"] for group in groups):
        own = [group for group in groups if group["column"] == column and group["after"]["recall"] is not None]
        if len(own) > 1:
            recalls = {when: [float(group[when]["recall"]) for group in own] for when in WHEN}
            found[column] = {when: max(each) - min(each) for when, each in recalls.items()}
    return found
