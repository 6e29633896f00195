"""What the terminal says of groups."""

from io import StringIO

from rich.console import Console

from experiments.report.report import Report
from experiments.trust.fairness.terminal import tables_of_groups
from loop.support.plain_json import Record


def report_of(groups: list[Record]) -> Report:
    data = {"name": "t", "positive": "fraud", "classes": 2, "train_rows": 900, "train_positives": 90}
    return Report(
        data=data | {"test_rows": 500, "test_positives": 60, "test_fewest": 60},
        recall_at_precision="recall_at_precision_90",
        generations=[],
        verdict={},
        arms=[],
        gain={},
        loop_gain={},
        delivery={},
        planted=[],
        supplies=[],
        patterns=[],
        seconds=1.0,
        groups=groups,
    )


def rates(calibration: float | None, **more: float) -> Record:
    return {"average_precision": None, "recall": None, "false_positive_rate": 0.01, "calibration": calibration, **more}


def test_calibration_by_group_fits_a_narrow_terminal() -> None:
    told = rates(-0.0312, calibration_low=-0.05, calibration_high=0.01)
    groups = [
        {"column": "sex", "group": "female", "rows": 300, "positives": 40, "before": rates(0.02), "after": told},
        {"column": "sex", "group": "male", "rows": 200, "positives": 3, "before": rates(None), "after": rates(None)},
    ]
    console = Console(file=(printed := StringIO()), width=80)
    console.print(*tables_of_groups(report_of(groups)))
    lines = [line.split() for line in printed.getvalue().splitlines()]
    assert ["sex", "=", "female", "300", "40", "+0.020", "-0.031", "[-0.050,", "+0.010]"] in lines
    assert ["sex", "=", "male", "200", "3"] in lines  # too few to say anything
