"""Alerts at an operating point of a run, by the threshold that was chosen on its judge rows."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.config.operating_points import AnyPoint, miss_costs, point_of
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.sources import Dataset
from experiments.report.report import Report
from experiments.storage import run_folder
from loop.errors import ConfigError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import NEVER, AlertBudget, EvaluationRows, ExpectedCost


@dataclass(frozen=True)
class Alerts:
    """An operating point of a run with its threshold."""

    name: str
    point: AnyPoint
    threshold: float

    @property
    def miss_cost(self) -> str | None:
        """The column that the point needs, if any."""
        return self.point.miss_cost if isinstance(self.point, ExpectedCost) else None

    @property
    def none_possible(self) -> bool:
        """Whether no threshold met the limit on the judge rows."""
        return self.threshold == NEVER

    def flags(self, scores: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
        """Return 1 for each row (n,) that is alerted on, else 0.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Calibrated probability of the class to catch.
        frame : DataFrame of n rows
            Holds the cost of a miss, if the point needs it.

        Raises
        ------
        DataError
            If it does not, or in another unit than amounts of 0 or more.
        """
        costs = miss_costs([self.point], Dataset("the data", frame, ""))
        rows = EvaluationRows(JudgeRows(np.zeros(len(frame), dtype=np.int64), 1), miss_cost=costs)
        flags: np.ndarray = (self.point.alert(self.threshold, rows, scores) >= 0.5).astype(np.int64)
        return flags


def alerts_of(run_dir: Path, wanted: str) -> Alerts:
    """Find an operating point of a finished run, by its name in the report or in short, as "precision 0.9".

    Raises
    ------
    DataError
        If the folder holds no report.
    ConfigError
        If the run has no such point, or it has no threshold.
    """
    report = Report.load(run_dir)
    points = load_config(RunConfig, run_folder.configuration(run_dir)).metrics.operating_points
    rows = {row["point"]: row for row in report.operating}
    known = {name: point for point in points for name in _names(point) if name in rows}
    short = _short(wanted)
    name = next((name for name, point in known.items() if wanted.strip() in _spellings(name) or point == short), None)
    if name is None:
        raise ConfigError(
            f"--at must name an operating point of the run, {' or '.join(map(repr, known)) or 'which has none'}, got "
            f"{wanted!r}: choose one, or add it to metrics.points and run again."
        )
    threshold = float(rows[name]["after"]["threshold"])
    if math.isnan(threshold):
        raise ConfigError(
            f"--at needs a point with a threshold, and {name!r} takes the highest scores of a day: choose another, or "
            "sort the scores and take the first."
        )
    return Alerts(name, known[name], threshold)


def _spellings(name: str) -> tuple[str, str]:
    return name, name.removeprefix("recall at ")


def _names(point: AnyPoint) -> set[str]:
    """Return what a report may call a point: an alert budget depends on whether rows have days."""
    rows = JudgeRows(np.zeros(1, dtype=np.int64), 1)
    days = (None, np.zeros(1, dtype=np.int64)) if isinstance(point, AlertBudget) else (None,)
    return {point.named(EvaluationRows(rows, day)) for day in days}


def _short(wanted: str) -> AnyPoint | None:
    """Read a point such as "precision 0.9" or "false_positive: 1, false_negative: 50"; None if it is none."""
    words = [word for word in re.split(r"[\s:=,{}]+", wanted) if word]
    try:
        return point_of({key: _value(text) for key, text in zip(words[::2], words[1::2], strict=True)})
    except (ConfigError, ValueError):  # zip: an odd number of words
        return None


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
