"""Counts of what became of texts, shared by all copies of a generator in one process."""

import threading
from collections import Counter
from typing import Any, Self


class Tally:
    """Counts by name. A copy of the generator that has it counts here, too: the loop copies one for each lane."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def counts(self) -> dict[str, int]:
        """Return what was counted, zeros left out."""
        with self._lock:
            return {name: count for name, count in self._counts.items() if count}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> tuple[dict[str, int]]:
        return (self.counts(),)  # a lock cannot be sent

    def __setstate__(self, state: tuple[dict[str, int]]) -> None:
        self._counts, self._lock = Counter(state[0]), threading.Lock()


def refused(counts: dict[str, int], among: tuple[str, ...]) -> str:
    """Write how many were refused, by reason; empty if none was.

    Examples
    --------
    >>> refused({"empty": 2, "copied": 1}, ("copied", "empty"))
    '1 copied, 2 empty'
    """
    return ", ".join(f"{counts[reason]:,} {reason}" for reason in among if counts.get(reason))
