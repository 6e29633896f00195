"""The tracker that keeps nothing: the default, so that no other code needs to check for a tracker."""

from collections.abc import Callable, Mapping
from pathlib import Path

from loop.protocols import Child, Tracker
from loop.types import Generation, LoopVerdict


class NullTracker:
    """Accepts every record and keeps none."""

    def start(self, run: Mapping[str, object]) -> None:
        """Keep nothing."""

    def record(self, generation: Generation) -> None:
        """Keep nothing."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep nothing."""

    def attach(self, path: Path, folder: str = "") -> None:
        """Keep nothing."""

    def child(self, child: Child) -> None:
        """Keep nothing."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep nothing."""

    def keep_model(
        self,
        write: Callable[[Path], object],
        description: str = "",
        tags: Mapping[str, str] | None = None,
        *,
        proven: bool = False,
    ) -> None:
        """Keep nothing; ``write`` is not called."""

    def complaints(self) -> tuple[str, ...]:
        """Return nothing, as nothing should be kept."""
        return ()

    def finish(self, verdict: LoopVerdict | None, status: str) -> None:
        """Keep nothing."""


_: type[Tracker] = NullTracker
