"""What a model costs to serve: seconds for a million rows on one thread, and megabytes on disk."""

import contextlib
import copy
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.storage.run_folder import Storable
from loop.protocols import Predictor
from loop.rows import Rows

SCORED_ROWS = 20_000  # rows scored at once to measure the seconds per million


@dataclass(frozen=True)
class Cost:
    """Cost of serving a model."""

    seconds_per_million: float  # rows scored in a batch
    megabytes: float | None  # None = it cannot be saved


def cost_of(predictor: Predictor, rows: Rows) -> Cost:
    """Measure what a fitted model costs to serve rows like these.

    Parameters
    ----------
    predictor : Predictor
    rows : Rows
        At least one; repeated to `SCORED_ROWS`.
    """
    return Cost(seconds_per_million(predictor, rows), megabytes(predictor))


def seconds_per_million(predictor: Predictor, rows: Rows) -> float:
    """Return the seconds that the predictor takes for a million rows like these, measured on `SCORED_ROWS` rows."""
    rows, one = rows.take(np.resize(np.arange(len(rows)), SCORED_ROWS)), copy.copy(predictor)
    if hasattr(one, "jobs"):
        one.jobs = 1  # on one thread
    started = time.perf_counter()
    one.predict_proba(rows)
    return (time.perf_counter() - started) * 1e6 / SCORED_ROWS


def megabytes(predictor: Predictor) -> float | None:
    """Return the size of the saved model, None if it cannot be saved."""
    if not isinstance(predictor, Storable):
        return None
    with tempfile.TemporaryDirectory(prefix="weakspot-") as folder, contextlib.suppress(NotImplementedError):
        predictor.save(Path(folder) / "model")
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
    return None
