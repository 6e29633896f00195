"""A run beside the one without the rows: what differs, in a few figures."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from experiments.report.html import SYNTHETIC
from experiments.report.report import Report
from experiments.storage.run_folder import MODEL, load_model


def compared(run: Path, replay: Path) -> Iterator[str]:
    """Yield a line for each figure of two runs, and what changed in kind."""
    before, after = Report.load(run), Report.load(replay)
    rows = [
        ("training rows", *(f"{each.data['train_rows']:,}" for each in (before, after))),
        ("test rows", *(f"{each.data['test_rows']:,}" for each in (before, after))),
        ("kept synthetic rows", *(f"{pq.read_metadata(each / SYNTHETIC).num_rows:,}" for each in (run, replay))),
        ("average precision on test rows", *(f"{_score(each):.3f}" for each in (before, after))),
        (
            "gain over the best plain model",
            *(f"{each.gain['difference']['estimate']:+.3f}" for each in (before, after)),
        ),
        ("delivered", before.delivered, after.delivered),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    yield f"{'':<{widths[0]}}  {'with':<{widths[1]}}  without"
    yield from (f"{name:<{widths[0]}}  {one:<{widths[1]}}  {other}" for name, one, other in rows)
    columns = [set(load_model(each / MODEL).schema.names) for each in (run, replay)]
    if columns[0] != columns[1]:
        names = ", ".join(sorted(columns[0] ^ columns[1]))
        yield f"The columns differ in {names}: without the rows they are told to be of another kind."


def _score(report: Report) -> float:
    return float(next(arm["average_precision"] for arm in report.arms if arm["arm"] == report.delivered))
