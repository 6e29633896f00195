"""What a model costs to serve: seconds for a million rows on one thread, and megabytes on disk."""

import contextlib
import copy
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from learners.common.persistence import Storable
from loop.errors import ConfigError
from loop.protocols import Predictor
from loop.rows import Rows

SCORED_ROWS = 20_000  # rows scored at once to measure the seconds per million
FAST, REPEATS = 0.5, 5  # seconds below which they are scored so many times more


@dataclass(frozen=True)
class Cost:
    """Cost of serving a model."""

    seconds_per_million: float  # rows scored in a batch
    megabytes: float | None  # None = it cannot be saved


@dataclass(frozen=True)
class Limits:
    """What a delivered model may cost to serve; None = anything."""

    seconds_per_million: float | None = None
    megabytes: float | None = None

    def exceeded(self, cost: Cost) -> str | None:
        """Return which limit a cost exceeds, in words, or None. A model that cannot be saved exceeds any."""
        if cost.megabytes is None:
            return "cannot be saved"
        if self.seconds_per_million is not None and cost.seconds_per_million > self.seconds_per_million:
            return f"{cost.seconds_per_million:.3g} s a million rows, at most {self.seconds_per_million:g} are allowed"
        if self.megabytes is not None and cost.megabytes > self.megabytes:
            return f"{cost.megabytes:.3g} MB, at most {self.megabytes:g} MB are allowed"
        return None


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
    """Return the seconds that the predictor takes for a million rows like these, measured on `SCORED_ROWS` rows.

    Fast ones are measured several times, for the median.
    """
    rows, one = rows.take(np.resize(np.arange(len(rows)), SCORED_ROWS)), copy.copy(predictor)
    if hasattr(one, "jobs"):
        one.jobs = 1  # on one thread

    def taken() -> float:
        started = time.perf_counter()
        one.predict_proba(rows)
        return time.perf_counter() - started

    first = taken()
    seconds = first if first > FAST else statistics.median([taken() for _ in range(REPEATS)])
    return seconds * 1e6 / SCORED_ROWS


def megabytes(predictor: Predictor) -> float | None:
    """Return the size of the saved model, None if it cannot be saved."""
    if not isinstance(predictor, Storable):
        return None
    # ConfigError: there is a learner inside that cannot be saved.
    with (
        tempfile.TemporaryDirectory(prefix="weakspot-") as folder,
        contextlib.suppress(ConfigError, NotImplementedError),
    ):
        predictor.save(Path(folder) / "model")
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
    return None
