"""Operating points: rules for which rows to alert on. All treat the class to catch against the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows

NEVER = float("inf")  # threshold that alerts nothing
_ROUNDING = 1e-9  # a limit reached exactly must count as met


@dataclass(frozen=True, eq=False)
class EvaluationRows:
    """Rows on which operating points are chosen or judged, with days and costs; the same for every model.

    Each row counts once; weights are ignored.
    """

    judged: JudgeRows
    day: np.ndarray | None = None  # (n,) int, None = rows without days
    miss_cost: Mapping[str, np.ndarray] = field(default_factory=dict)  # column -> (n,) cost of missing the row, >= 0
    share: np.ndarray | None = None  # (n,) share of the rows of its day that are among these; None = all

    def __len__(self) -> int:
        return len(self.judged)

    @property
    def is_positive(self) -> np.ndarray:  # (n,) bool
        """Whether each row is of the class to catch."""
        return self.judged.is_positive


class Point(Protocol):
    """A rule for which rows to alert on."""

    @property
    def figure(self) -> str:
        """Name of the figure to compare, a key of `loop.evaluation.threshold_table.judge`."""
        ...

    def named(self, rows: EvaluationRows) -> str:
        """Describe the point for a table."""
        ...

    def choose(self, rows: EvaluationRows, scores: np.ndarray) -> float:
        """Return the threshold: alert at or above it; `NEVER` if no threshold meets the limit."""
        ...

    def alert(self, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        """Return the alert of each row, (n,) in [0, 1]; fractions only for tied rows that share alerts."""
        ...


@dataclass(frozen=True)
class AtPrecision:
    """The most recall among thresholds with at least this precision, in (0, 1); ConfigError if out of range."""

    precision: float
    figure = "recall"

    def __post_init__(self) -> None:
        _require("precision", self.precision, 0 < self.precision < 1, "lie between 0 and 1")

    def named(self, rows: EvaluationRows) -> str:
        """Describe the point for a table."""
        return f"recall at precision {self.precision:g}"

    def choose(self, rows: EvaluationRows, scores: np.ndarray) -> float:
        """Return the highest threshold with the most recall at this precision or more; `NEVER` if there is none."""
        thresholds, hits, alarms = _counts(rows.is_positive, scores)
        return _most_hits(thresholds, hits, hits >= (self.precision - _ROUNDING) * (hits + alarms))

    def alert(self, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        """Alert at or above the threshold, (n,) 0 or 1."""
        return _at_or_above(scores, threshold)


@dataclass(frozen=True)
class AtFalsePositiveRate:
    """The most recall with at most this share of the negatives alerted; ConfigError if it is out of range."""

    false_positive_rate: float
    figure = "recall"

    def __post_init__(self) -> None:
        rate = self.false_positive_rate
        _require("false_positive_rate", rate, 0 < rate < 1, "lie between 0 and 1")

    def named(self, rows: EvaluationRows) -> str:
        """Describe the point for a table."""
        return f"recall at {100 * self.false_positive_rate:g} % false positives"

    def choose(self, rows: EvaluationRows, scores: np.ndarray) -> float:
        """Return the highest threshold with the most recall at this rate or less; `NEVER` if there is none."""
        thresholds, hits, alarms = _counts(rows.is_positive, scores)
        limit = (self.false_positive_rate + _ROUNDING) * (~rows.is_positive).sum()
        return _most_hits(thresholds, hits, alarms <= limit)

    def alert(self, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        """Alert at or above the threshold, (n,) 0 or 1."""
        return _at_or_above(scores, threshold)


@dataclass(frozen=True)
class AlertBudget:
    """The k highest scores of each day, or k per 1,000 rows where rows have no days.

    This models a team that can check k cases a day, as precision@k in the Fraud Detection Handbook (Le Borgne et al.
    2022). Each day's ranking sets its own threshold, so none is chosen beforehand and the budget is never exceeded.
    Rows tied at the last place share the rest of the budget. If only a share of a day's rows is present, the budget is
    that share. ConfigError if the budget is out of range.
    """

    alerts: float
    figure = "recall"

    def __post_init__(self) -> None:
        _require("alerts", self.alerts, 0 < self.alerts < NEVER, "be above 0")

    def named(self, rows: EvaluationRows) -> str:
        """Describe the point for a table."""
        return f"recall at {self.alerts:g} alerts {'per 1,000 rows' if rows.day is None else 'a day'}"

    def choose(self, rows: EvaluationRows, scores: np.ndarray) -> float:
        """Return NaN, as each day has a threshold of its own."""
        return float("nan")

    def alert(self, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        """Alert the highest scores of each day, (n,) in [0, 1]."""
        if rows.day is None:
            return _top(np.full(len(rows), self.alerts * len(rows) / 1000), np.zeros(len(rows), np.int64), scores)
        share = np.ones(len(rows)) if rows.share is None else rows.share
        return _top(self.alerts * share, rows.day, scores)


@dataclass(frozen=True)
class ExpectedCost:
    """The lowest total cost of false alarms and misses.

    With one cost for every miss the threshold is a probability; calibrated, it tends to
    ``false_positive / (false_positive + false_negative)`` (Elkan 2001). If a column holds the cost of missing each
    row, rows are alerted by the expected saving ``p * miss_cost - (1 - p) * false_positive`` and the threshold is in
    units of cost; calibrated, it tends to 0 (Bahnsen et al. 2014).

    Parameters
    ----------
    false_positive : float
        Cost of a false alarm.
    false_negative : float, optional
        Cost of a miss, the same for every row.
    miss_cost : str, optional
        Column with the cost of missing each row; give this or ``false_negative``.

    Raises
    ------
    ConfigError
        If a cost is out of range, or both or neither cost of a miss are given.
    """

    false_positive: float
    false_negative: float | None = None
    miss_cost: str | None = None  # column
    figure = "cost_per_row"

    def __post_init__(self) -> None:
        _require("false_positive", self.false_positive, 0 < self.false_positive < NEVER, "be above 0")
        if (self.false_negative is None) == (self.miss_cost is None):
            raise ConfigError(
                "a cost must name either false_negative or the column of the miss cost, "
                f"got {self.false_negative} and {self.miss_cost}: give one of them."
            )
        if self.false_negative is not None:
            _require("false_negative", self.false_negative, 0 < self.false_negative < NEVER, "be above 0")

    def named(self, rows: EvaluationRows) -> str:
        """Describe the point for a table."""
        miss = self.miss_cost if self.false_negative is None else f"{self.false_negative:g}"
        return f"cost per row (false alarm {self.false_positive:g}, miss {miss})"

    def choose(self, rows: EvaluationRows, scores: np.ndarray) -> float:
        """Return the threshold with the lowest cost."""
        ranked = self._ranked(rows, scores)
        thresholds, _, alarms = _counts(rows.is_positive, ranked)
        _, saved, _ = _counts(rows.is_positive, ranked, self._miss(rows))
        saving = saved - self.false_positive * alarms
        best = int(saving.argmax())
        return float(thresholds[best]) if saving[best] > 0 else NEVER

    def alert(self, threshold: float, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        """Alert at or above the threshold, (n,) 0 or 1."""
        return _at_or_above(self._ranked(rows, scores), threshold)

    def costs(self, rows: EvaluationRows, alerts: np.ndarray) -> np.ndarray:
        """Return the cost of each row (n,)."""
        missed = (1 - alerts) * self._miss(rows)
        costs: np.ndarray = np.where(rows.is_positive, missed, alerts * self.false_positive)
        return costs

    def _miss(self, rows: EvaluationRows) -> np.ndarray:
        if self.miss_cost is None:
            return np.full(len(rows), self.false_negative)
        return rows.miss_cost[self.miss_cost]

    def _ranked(self, rows: EvaluationRows, scores: np.ndarray) -> np.ndarray:
        if self.miss_cost is None:
            return scores
        saving: np.ndarray = scores * self._miss(rows) - (1 - scores) * self.false_positive
        return saving


def _counts(
    is_positive: np.ndarray, scores: np.ndarray, worth: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct scores (m,), highest first, with the worth of positives and negatives at or above each."""
    levels, level = np.unique(-scores, return_inverse=True)
    worth = np.ones(len(scores)) if worth is None else worth
    hits, alarms = (np.bincount(level, mask, len(levels)).cumsum() for mask in (worth * is_positive, ~is_positive))
    return -levels, hits, alarms


def _most_hits(thresholds: np.ndarray, hits: np.ndarray, allowed: np.ndarray) -> float:
    """Return the highest threshold with the most hits among those allowed."""
    within = np.where(allowed, hits, 0)
    best = int(within.argmax())
    return float(thresholds[best]) if within[best] > 0 else NEVER


def _at_or_above(scores: np.ndarray, threshold: float) -> np.ndarray:
    alerts: np.ndarray = (scores >= threshold).astype(np.float64)
    return alerts


def _top(budget: np.ndarray, day: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return alerts (n,): each day's budget, repeated in its rows, goes to its highest scores; ties share it."""
    order = np.lexsort((-scores, day))
    days, ranked = day[order], scores[order]
    new_day = np.append(True, days[1:] != days[:-1])
    new_tie = new_day | np.append(True, ranked[1:] != ranked[:-1])
    first = np.flatnonzero(new_tie)
    size = np.diff(np.append(first, len(order)))
    above = first - np.maximum.accumulate(np.where(new_day, np.arange(len(order)), 0))[first]
    alerts = np.empty(len(order))
    alerts[order] = np.repeat(np.clip((budget[order][first] - above) / size, 0, 1), size)
    return alerts


def _require(name: str, value: float, holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigError(f"{name} must {rule}, got {value}: correct it.")
