"""Seconds per stage."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Clock:
    """Sums seconds by name of the stage. Lanes run in parallel, so sums may exceed the wall-clock time.

    Seconds of a stage inside another one are not counted for the outer one.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside = 0.0  # seconds of the stages that ended inside the current one

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the seconds of the context for a stage."""
        started, before, self._inside = time.perf_counter(), self._inside, 0.0
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] += spent - self._inside
            self._inside = before + spent

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of another clock by stage."""
        for name, spent in seconds.items():
            self.seconds[name] += spent


def lasting(seconds: float) -> str:
    """Write how long something takes, to be read rather than computed with.

    Examples
    --------
    >>> lasting(0.4), lasting(75), lasting(5400)
    ('0.4 seconds', '75 seconds', '90 minutes')
    """
    if seconds < 120:
        return f"{seconds:.2g} seconds" if seconds < 10 else f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
