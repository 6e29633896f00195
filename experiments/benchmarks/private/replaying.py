"""Noise that writes its answers down, and noise that gives the same answers again: what an attacker can compute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generators.private.accounting import Ledger, choice_epsilon
from generators.private.noise import Noise


@dataclass(frozen=True, eq=False)
class Answer:
    """Noisy counts, or a position that was chosen."""

    scale: float  # deviation of the noise; of a choice by how much a score must be higher to be e times as likely
    noisy: np.ndarray | None = None
    chosen: int = -1


class Watched(Noise):
    """Answers as another does, and writes the answers down."""

    def __init__(self, noise: Noise) -> None:
        super().__init__(noise.ledger, noise.sensitivity, noise.sampler)
        self.noise, self.answers = noise, list[Answer]()

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        """Return the noisy counts of the other, and the noise's deviation."""
        noisy, deviation = self.noise.counts(purpose, counts, rho)
        self.answers.append(Answer(deviation, noisy=noisy))
        return noisy, deviation

    def choice(self, purpose: str, scores: Sequence[int], rho: float) -> int:
        """Return what the other chooses."""
        at = self.noise.choice(purpose, scores, rho)
        self.answers.append(Answer(2 * self.sensitivity / float(choice_epsilon(rho)), chosen=at))
        return at


class Replayed(Noise):
    """Gives known answers again, whatever the rows are, and keeps what it was asked of."""

    def __init__(self, ledger: Ledger, answers: Sequence[Answer]) -> None:
        super().__init__(ledger)
        self.answers, self.asked = answers, list[np.ndarray]()

    def counts(self, purpose: str, counts: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
        """Return the counts that were answered at this place."""
        answer = self._next(counts)
        if answer.noisy is None or answer.noisy.shape != counts.shape:
            raise ValueError(f"{purpose}: other counts were asked for before")
        return answer.noisy, answer.scale

    def choice(self, purpose: str, scores: Sequence[int], rho: float) -> int:
        """Return the position that was chosen at this place."""
        return self._next(np.array(scores)).chosen

    def _next(self, asked: np.ndarray) -> Answer:
        self.asked.append(asked)
        return self.answers[len(self.asked) - 1]
