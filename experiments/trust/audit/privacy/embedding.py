"""The space in which rows are compared: features and label, as distances and as a few principal components."""

from typing import Self

import numpy as np

from loop.gates.copies import Space
from loop.types import Table

COMPONENTS = 8  # densities of more dimensions than this cannot be estimated from thousands of rows
TREE_DIMENSIONS = 12  # up to which a tree finds neighbours faster than comparing all rows
LEAST_SPREAD = 1e-6  # of a principal component, relative to the first
EQUAL = 1e-6  # distance below which only rounding tells points apart


class Embedding:
    """Points of rows: standard deviations for ordered columns, mismatches for discrete ones and the label.

    Parameters
    ----------
    known : Table
        Rows that set means, standard deviations and principal components; at least one.
    """

    def __init__(self, known: Table) -> None:
        self._space = Space(known)
        self._labels = np.eye(known.n_classes) * np.sqrt(0.5)  # a mismatch is a distance of 1
        points = self.points(known)
        self._middle = points.mean(axis=0)
        _, spread, axes = np.linalg.svd(points - self._middle, full_matrices=False)
        kept = spread[:COMPONENTS] > LEAST_SPREAD * max(spread[0], 1e-12)
        spread = spread[:COMPONENTS][kept] / np.sqrt(len(known))
        self._axes = axes[:COMPONENTS][kept].T / spread  # (D, p)

    def points(self, table: Table) -> np.ndarray:
        """Map rows to points (n, D), in which distances are taken."""
        return np.hstack([self._space.embed(table.X), self._labels[table.y]])

    def components(self, points: np.ndarray) -> np.ndarray:
        """Map points (n, D) to principal components (n, p) of unit variance, p at most `COMPONENTS`."""
        found: np.ndarray = (points - self._middle) @ self._axes
        return found


class Neighbours:
    """Nearest points of a table."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = points

    def distances(self, points: np.ndarray, k: int = 1) -> np.ndarray:
        """Return the distances (n, k) to the k nearest, or (n, m) if there are fewer than k."""
        return self.find(points, k)[0]

    def find(self, points: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and positions (n, k) of the k nearest, nearest first."""
        from sklearn.neighbors import NearestNeighbors

        method = "kd_tree" if self._points.shape[1] <= TREE_DIMENSIONS else "brute"
        index = NearestNeighbors(n_neighbors=min(k, len(self._points)), algorithm=method).fit(self._points)
        distance, position = index.kneighbors(points)
        distance[distance < EQUAL] = 0.0
        return distance, position

    @classmethod
    def of(cls, embedding: Embedding, table: Table) -> Self:
        """Return the neighbours of a table's rows."""
        return cls(embedding.points(table))
