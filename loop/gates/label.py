"""Refuse rows whose label is contradicted by the real rows near them."""

from dataclasses import dataclass

import numpy as np

from loop.gates.copies import Space
from loop.support.setting_checks import check_bounds
from loop.types import Table, Verdict

_CLASS_ROWS = 10_000  # most rows of a class to which distances are measured
_ANCHORS = 1_000  # of these, rows that give the usual distance within the class


@dataclass(frozen=True)
class Label:
    """Refuse a label that no neighbour shares; for rows labelled by the requested condition.

    A majority vote would refuse nearly every row of a rare class. So a row is refused only if none of its nearest real
    rows has its class *and* it is farther from that class than the rows of the class are from each other. Soft labels
    are judged by the class above one half, if there is one.

    Parameters
    ----------
    neighbours : int
        Number of nearest reference rows that can support the label.
    factor : float
        Largest distance of a row from its class, in median distances between nearest reference rows of that class.
        A class with fewer than two reference rows cannot be judged and passes.

    Raises
    ------
    ConfigError
        If ``neighbours`` is below 1, ``factor`` is not positive, or one is too large.
    """

    neighbours: int = 10
    factor: float = 2.0

    def __post_init__(self) -> None:
        check_bounds(self, least={"neighbours": 1}, positive=("factor",))

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates against the labels of ``reference``; the reason is "label contradicted"."""
        far = np.zeros(len(candidates), dtype=bool)
        sure = candidates.targets.max(axis=1) > 0.5
        space = Space(reference)
        for label in np.unique(candidates.y[sure]):
            rows = np.flatnonzero(sure & (candidates.y == label))
            far[rows] = self._is_far(candidates.X[rows], reference.X[reference.y == label], space, rng)
        far[far] = ~self._is_supported(candidates.take(far), reference, space)
        return Verdict.refuse(far, "label contradicted")

    def _is_far(self, X: np.ndarray, own: np.ndarray, space: Space, rng: np.random.Generator) -> np.ndarray:
        """Return which rows are far from the reference rows ``own`` of their class."""
        if len(own) < 2:
            return np.zeros(len(X), dtype=bool)
        own = own[rng.permutation(len(own))[:_CLASS_ROWS]]
        apart, _ = space.distances(own[:_ANCHORS], own, neighbours=2)  # the first neighbour is the row itself
        distance, _ = space.distances(X, own)
        between = apart[:, 1][apart[:, 1] > 0]  # exact duplicates do not tell the usual distance within a class
        if not len(between):
            return np.zeros(len(X), dtype=bool)
        far: np.ndarray = distance[:, 0] > self.factor * np.median(between)
        return far

    def _is_supported(self, candidates: Table, reference: Table, space: Space) -> np.ndarray:
        if not len(candidates):
            return np.zeros(0, dtype=bool)
        _, nearest = space.distances(candidates.X, reference.X, min(self.neighbours, len(reference)))
        supported: np.ndarray = (reference.y[nearest] == candidates.y[:, None]).any(axis=1)
        return supported
