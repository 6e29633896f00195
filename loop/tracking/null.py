"""The tracker that keeps nothing: the default of `loop`, and the reason no other code asks "is there a tracker?"."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loop.protocols import NO_CURVES, Tracker
from loop.types import Generation, LoopVerdict


class NullTracker:
    """Accept every record and forget it."""

    def start(self, run: Mapping[str, object]) -> None:
        """Forget the run."""

    def record(self, generation: Generation) -> None:
        """Forget the generation."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Forget the metrics."""

    def attach(self, path: Path, folder: str = "") -> None:
        """Forget the file."""

    def child(
        self,
        name: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        curves: Mapping[str, Sequence[float]] = NO_CURVES,
    ) -> None:
        """Forget the arm."""

    def keep_model(self, write: Callable[[Path], object]) -> None:
        """Forget the model, which is not even written."""

    def complaints(self) -> tuple[str, ...]:
        """Nothing is missing where nothing is kept."""
        return ()

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        """Forget the verdict."""


_: type[Tracker] = NullTracker
