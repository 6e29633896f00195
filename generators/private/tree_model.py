"""A tree of columns below the label: chances of regions by messages, and rows drawn exactly inside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROOT = -1
CHUNK = 1 << 16  # rows drawn at once


@dataclass(frozen=True, eq=False)
class TreeModel:
    """The label, then each column given the label and one other column, or the label alone.

    Parameters
    ----------
    classes : np.ndarray
        Chance of each class, shape (K,).
    parent : tuple of int
        Of each column the column it depends on, `ROOT` = none; there are no rings.
    chances : tuple of np.ndarray
        Of each column, shape (a, K, b): chance of its bins given the bin of its parent and the class; a = 1 at a root.
    """

    classes: np.ndarray
    parent: tuple[int, ...]
    chances: tuple[np.ndarray, ...]

    def tilted(self, shares: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Pass messages from the leaves up.

        Parameters
        ----------
        shares : sequence of np.ndarray
            Of each column, the share (b,) of each bin that is inside a region.

        Returns
        -------
        classes : np.ndarray
            Chance (K,) of each class together with the region, up to a common factor; all 0 = impossible.
        tilted : list of np.ndarray
            Of each column (a, K, b), its chances given that it and all below it are inside, not normalised.

        References
        ----------
        Pearl (1988), Probabilistic reasoning in intelligent systems, section 4.2.
        """
        tilted = [chance * share for chance, share in zip(self.chances, shares, strict=True)]
        classes = self.classes.astype(np.float64)
        for column in reversed(self.order()):
            message = tilted[column].sum(axis=2)  # (a, K)
            message = message / (message.max() or 1.0)
            if self.parent[column] == ROOT:
                classes = classes * message[0]
                classes = classes / (classes.max() or 1.0)
            else:
                above = self.parent[column]
                tilted[above] = tilted[above] * message.T  # the parent's bins are the message's rows
        return classes, tilted

    def draw(
        self, n: int, shares: Sequence[np.ndarray], label: int | None, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw bins (m, d) and labels (m,) inside a region; m is n, or 0 if the region is impossible for the label."""
        classes, tilted = self.tilted(shares)
        if label is not None:
            classes = np.where(np.arange(len(classes)) == label, classes, 0)
        if not n or not classes.sum() > 0:
            return np.empty((0, len(self.parent)), dtype=np.int64), np.empty(0, dtype=np.int64)
        y = rng.choice(len(classes), size=n, p=classes / classes.sum())
        bins = np.empty((n, len(self.parent)), dtype=np.int64)
        for column in self.order():
            for start in range(0, n, CHUNK):
                part = slice(start, start + CHUNK)
                above = self.parent[column]
                given = np.zeros(len(y[part]), dtype=np.int64) if above == ROOT else bins[part, above]
                bins[part, column] = _drawn(tilted[column][given, y[part]], rng)
        return bins, y

    def order(self) -> list[int]:
        """Return the columns, each after its parent."""
        found = [column for column, above in enumerate(self.parent) if above == ROOT]
        for above in found:
            found += [column for column, its in enumerate(self.parent) if its == above]
        return found


def chances_of(joint: np.ndarray) -> np.ndarray:
    """Return chances (a, K, b) given the first two from a joint table (a, K, b); even where there is nothing."""
    total = joint.sum(axis=2, keepdims=True)
    chances: np.ndarray = np.where(total > 0, joint / np.where(total > 0, total, 1), 1 / joint.shape[2])
    return chances


def bins_for(rows: float, deviation: float) -> int:
    """Return so many bins a column that a correlation of about 0.2 in a class stands out of the noise of a pair.

    The largest singular value of noise in b x b cells is 2 sqrt(b) deviations; that of a correlation r among ``rows``
    is r rows / b. They are equal for b = (r rows / (2 deviations))^(2/3).
    """
    return int(min(1e6, (0.11 * max(rows, 0) / deviation) ** (2 / 3)))


def _drawn(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a place (n,) by weights (n, b), never one without weight."""
    below = np.cumsum(weights, axis=1)
    total = below[:, -1:]
    drawn: np.ndarray = (np.where(below < total, below, np.inf) <= total * rng.random((len(weights), 1))).sum(axis=1)
    return drawn
