"""Operating points as a user writes them, and the rows on which they are chosen and judged.

An entry of ``metrics.points`` is one of ``{precision: 0.5}``, ``{false_positive_rate: 0.01}``, ``{alerts: 100}``
(a day; per 1,000 rows where the table has no time column of dates), ``{false_positive: 1.0, false_negative: 50.0}`` or
``{false_positive: 1.0, miss_cost: amount}``, where the column holds the cost of a miss.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from experiments.config.old_keys import check_old
from experiments.data.sources import Dataset
from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import AlertBudget, AtFalsePositiveRate, AtPrecision, EvaluationRows, ExpectedCost

AnyPoint = AtPrecision | AtFalsePositiveRate | AlertBudget | ExpectedCost

KINDS: dict[frozenset[str], type[AnyPoint]] = {
    frozenset({"precision"}): AtPrecision,
    frozenset({"false_positive_rate"}): AtFalsePositiveRate,
    frozenset({"alerts"}): AlertBudget,
    frozenset({"false_positive", "false_negative"}): ExpectedCost,
    frozenset({"false_positive", "miss_cost"}): ExpectedCost,
}
COLUMN = "miss_cost"  # the only key whose value is text
SHAPES = (
    "{precision: 0.5}, {false_positive_rate: 0.01}, {alerts: 100}, {false_positive: 1, false_negative: 50} "
    "or {false_positive: 1, miss_cost: COLUMN}"
)


def point_of(entry: object) -> AnyPoint:
    """Make an operating point from its entry.

    Raises
    ------
    ConfigError
        If the entry has no known form, or a number is out of range.
    """
    if isinstance(entry, AnyPoint):
        return entry
    given = {key: value for key, value in entry.items() if value is not None} if isinstance(entry, Mapping) else {}
    for key in given:
        check_old(key, "metrics.points")
    kind = KINDS.get(frozenset(given))
    if kind is None or not all(_suits(key, value) for key, value in given.items()):
        raise ConfigError(f"metrics.points must hold {SHAPES}, got {entry!r}: rewrite it.")
    settings: dict[str, Any] = {key: value if key == COLUMN else float(value) for key, value in given.items()}
    return kind(**settings)


def miss_costs(points: Iterable[AnyPoint], dataset: Dataset) -> dict[str, np.ndarray]:
    """Return the columns that hold the cost of a miss, each of shape (rows,), by name.

    Raises
    ------
    DataError
        If a column is missing, or holds anything but amounts of 0 or more.
    """
    columns = {point.miss_cost for point in points if isinstance(point, ExpectedCost) and point.miss_cost is not None}
    return {name: _amounts(dataset, name) for name in sorted(columns)}


def evaluation_rows(
    points: Iterable[AnyPoint], dataset: Dataset, judged: JudgeRows, tested: JudgeRows
) -> tuple[EvaluationRows, EvaluationRows]:
    """Return the judge rows and the test rows of a run with the days and costs that its points need.

    Parameters
    ----------
    judged, tested : JudgeRows
        Their ``rows`` number the rows of the data set's frame.

    Raises
    ------
    DataError
        As `miss_costs`.
    """
    columns = miss_costs(points, dataset)
    day = None if dataset.time is None else _days(dataset.frame[dataset.time])

    def rows_with(judged: JudgeRows) -> EvaluationRows:
        rows = judged.rows
        return EvaluationRows(
            judged,
            day=None if day is None else day[rows],
            miss_cost={name: amounts[rows] for name, amounts in columns.items()},
            # A part may hold only some rows of a day: the day on which training ends is on both sides, and a split
            # by group or a hold-out leaves rows out. So it gets the same share of the budget as of the day's rows.
            share=None if day is None else np.bincount(day[rows])[day[rows]] / np.bincount(day)[day[rows]],
        )

    return rows_with(judged), rows_with(tested)


def days_spanned(dataset: Dataset, rows: np.ndarray) -> int | None:
    """Return how many calendar days some rows (m,) of a data set span, both ends counted; None without dates."""
    dates = None if dataset.time is None else _dates(dataset.frame[dataset.time])
    if dates is None:
        return None
    own = dates.iloc[rows]
    return int((own.max() - own.min()).days) + 1


def _suits(key: str, value: object) -> bool:
    if key == COLUMN:
        return isinstance(value, str)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _amounts(dataset: Dataset, name: str) -> np.ndarray:
    """Return a column of the frame as costs, (rows,) float64."""
    if name not in dataset.frame:
        raise DataError(f"miss_cost must name a column of {dataset.name}, got {name!r}: check the name.")
    column = dataset.frame[name]
    if not is_numeric_dtype(column):
        raise DataError(f"miss_cost must name a column of numbers, got {name!r} of {column.dtype}: name another one.")
    amounts: np.ndarray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if bad := int((~np.isfinite(amounts) | (amounts < 0)).sum()):
        raise DataError(
            f"miss_cost {name!r} must hold amounts of 0 or more, got {bad:,} rows without: correct the column."
        )
    return amounts


def _days(time: pd.Series) -> np.ndarray | None:
    """Number the calendar days of a time column, (rows,) int; None for plain numbers."""
    dates = _dates(time)
    return None if dates is None else pd.factorize(dates)[0]


def _dates(time: pd.Series) -> pd.Series | None:
    """Return the calendar days of a time column; None for plain numbers, whose unit is unknown.

    Times with a zone keep its days; text is read as UTC.
    """
    if is_numeric_dtype(time):
        return None
    moments = time if is_datetime64_any_dtype(time) else pd.to_datetime(time, format="ISO8601", utc=True)
    days: pd.Series = moments.dt.tz_localize(None).dt.floor("D")
    return days
