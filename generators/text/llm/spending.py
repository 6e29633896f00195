"""What a language model has cost, and the bounds of it, for all copies of a generator in one process together."""

import time
from dataclasses import dataclass

from generators.text.tally import Tally

CALLS, TOKENS, MILLISECONDS, FAILED = "calls", "tokens", "milliseconds", "failed calls"
IN_A_ROW, ANSWERED = "failed in a row", "answered"
MOST_FAILURES = 3  # questions in a row without an answer, after which no more are asked


@dataclass(frozen=True)
class Bounds:
    """Most calls, tokens and seconds."""

    calls: int
    tokens: int
    seconds: float


class Spending(Tally):
    """Counts of a generator, with what its calls have cost."""

    def out_of(self, bounds: Bounds) -> str | None:
        """Return why nothing may be asked any more, None if something may."""
        if self[CALLS] >= bounds.calls:
            return "out of calls"
        if self.seconds_left(bounds) <= 0:
            return "out of seconds"
        return "given up" if self[IN_A_ROW] >= MOST_FAILURES else None

    def reserve(self, bounds: Bounds, tokens: int) -> str | None:
        """Count a question with so many tokens at most, before it is asked; return why it must not be, None if it may.

        Tokens of a question without an answer stay counted, as nobody knows what it has cost.
        """
        with self._lock:
            why = self.out_of(bounds)
            if why is None and self._counts[TOKENS] + tokens > bounds.tokens:
                why = "out of tokens"
            if why is None:
                self._counts[TOKENS] += tokens
            return why

    def call(self, bounds: Bounds) -> str | None:
        """Count one try, before it is made; return why it must not be, None if it may."""
        with self._lock:
            why = self.out_of(bounds)
            self._counts[CALLS] += why is None
            return why

    def seconds_left(self, bounds: Bounds) -> float:
        """Return how many seconds of calls are left."""
        return bounds.seconds - self[MILLISECONDS] / 1000

    def answered(self, reserved: int, used: int) -> None:
        """Correct the tokens of a question by those that it has cost."""
        with self._lock:
            self._counts[TOKENS] += used - reserved
            self._counts[ANSWERED] += 1
            self._counts[IN_A_ROW] = 0

    def failed(self, why: str) -> None:
        """Count a question without an answer."""
        with self._lock:
            self._counts[FAILED] += 1
            self._counts[IN_A_ROW] += 1
            self._counts[f"failed: {why}"] += 1

    def clock(self, started: float) -> None:
        """Count the time since a moment of ``time.perf_counter``."""
        self.add(MILLISECONDS, round(1000 * (time.perf_counter() - started)))
