"""Membership attacks: scores that are higher for rows from which, by the look of it, the synthetic rows were made.

An attacker has the synthetic rows, and real rows of the same kind that were not used (the reference). No single attack
finds every leak (Ward, Lin, Wang and Cheng 2025, *Synth-MIA*, arXiv 2509.18014), so there are several.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from experiments.trust.audit.privacy.embedding import Embedding, Neighbours
from loop.seeds import integer, root, stream
from loop.types import Table

DENSITY_ROWS = 4_000  # rows of each side from which densities are estimated
FOREST_ROWS = 5_000  # rows of each side that trees are grown on
TREES, LEAST_LEAF = 50, 3
NARROWER = 0.5  # than Scott's rule: a leak is local
LOCAL = 5  # synthetic rows whose likelihood a row is tried to raise
BLOCK = 500  # rows whose kernels are computed at once


class Attacker:
    """What an attacker knows, prepared once.

    Parameters
    ----------
    synthetic, reference : Table
        Rows of one schema, each with at least one row.
    rng : numpy.random.Generator
        Chooses the rows that densities are estimated from, and grows the trees.
    """

    def __init__(self, synthetic: Table, reference: Table, rng: np.random.Generator) -> None:
        self._seed = root(rng)
        both = Table.concat([synthetic, reference])
        self.embedding = Embedding(both)
        points = self.embedding.points(both)
        self.synthetic, self.reference = points[: len(synthetic)], points[len(synthetic) :]

    def scores(self, rows: Table) -> dict[str, np.ndarray]:
        """Return the scores (n,) of rows by attack; higher = more like a member."""
        points = self.embedding.points(rows)
        return {name: attack(self, points) for name, attack in ATTACKS.items()}

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Score by the distance to the nearest synthetic row alone: known to miss leaks (arXiv 2505.01524)."""
        return -_nearest(self.synthetic, points)

    def distance_difference(self, points: np.ndarray) -> np.ndarray:
        """Score by the distance to the reference less that to the synthetic rows, relative to both; a copy scores 1.

        (GAN-Leaks with a reference, Chen et al. 2020, arXiv 1909.03935; relative, so that copies in dense places count
        as much as others.)
        """
        near, usual = (_nearest(side, points) for side in (self.synthetic, self.reference))
        found: np.ndarray = (usual - near) / np.maximum(usual + near, np.finfo(float).tiny)
        return found

    def density_ratio(self, points: np.ndarray) -> np.ndarray:
        """Score by the log of the density of the synthetic rows over that of the reference.

        (DOMIAS, van Breugel, Sun, Qian and van der Schaar 2023, arXiv 2302.12580, with Gaussian kernels on principal
        components.)
        """
        at = self.embedding.components(points)
        made, real = self._few
        ratio: np.ndarray = log_density(at, made, self._width) - log_density(at, real, self._width)
        return ratio

    def classifier(self, points: np.ndarray) -> np.ndarray:
        """Score by the probability of being synthetic, of trees fitted on synthetic and reference rows."""
        found: np.ndarray = self._forest.predict_proba(points)[:, 1]
        return found

    def likelihood_ratio(self, points: np.ndarray) -> np.ndarray:
        """Score by how much more likely the nearest synthetic rows become if the row is added to the reference.

        (The generative likelihood ratio attack, Gen-LRA, of Ward, Wang and Cheng; see *Synth-MIA*.)
        """
        real, made = self._few[1], self.embedding.components(self.synthetic)
        at = self.embedding.components(points)
        distance, near = Neighbours(made).find(at, LOCAL)  # (n, k)
        used, place = np.unique(near, return_inverse=True)
        density = log_density(made[used], real, self._width)[place].reshape(near.shape)  # of each under the reference
        kernel = -((distance / self._width) ** 2) / 2 - at.shape[1] * np.log(self._width * np.sqrt(2 * np.pi))
        kernel -= np.log(len(real))
        raised: np.ndarray = np.logaddexp(density, kernel).sum(axis=1) - density.sum(axis=1)
        return raised

    @cached_property
    def _few(self) -> tuple[np.ndarray, np.ndarray]:
        """Components of as many synthetic as reference rows, so that both densities are equally smooth."""
        size = min(DENSITY_ROWS, len(self.synthetic), len(self.reference))
        sides = (self._some(side, size, "density") for side in (self.synthetic, self.reference))
        made, real = map(self.embedding.components, sides)
        return made, real

    @property
    def _width(self) -> float:
        """Width of the kernels: a part of that by Scott's rule (1992) for components of unit variance."""
        rows, dimensions = self._few[1].shape
        return NARROWER * float(rows ** (-1 / (dimensions + 4)))

    @cached_property
    def _forest(self) -> Any:
        from sklearn.ensemble import ExtraTreesClassifier

        sides = [self._some(side, FOREST_ROWS, "forest") for side in (self.synthetic, self.reference)]
        made = np.repeat([1, 0], [len(side) for side in sides])
        forest = ExtraTreesClassifier(
            n_estimators=TREES,
            min_samples_leaf=LEAST_LEAF,
            class_weight="balanced",
            random_state=integer(stream(self._seed, "forest")),
        )
        return forest.fit(np.concatenate(sides), made)

    def _some(self, points: np.ndarray, most: int, purpose: str) -> np.ndarray:
        """Return so many of the points (n, D) at random."""
        chosen: np.ndarray = points[stream(self._seed, purpose).permutation(len(points))[:most]]
        return chosen


ATTACKS: Mapping[str, Callable[[Attacker, np.ndarray], np.ndarray]] = {
    "density ratio": Attacker.density_ratio,
    "distance difference": Attacker.distance_difference,
    "classifier": Attacker.classifier,
    "local likelihood ratio": Attacker.likelihood_ratio,
    "distance alone": Attacker.distance,
}


def log_density(at: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """Return the log density (n,) at points (n, p) of Gaussian kernels of one width on points (m, p)."""
    scaled, size = (points / width).astype(np.float32), (points**2).sum(axis=1) / width**2
    found = np.empty(len(at))
    for start in range(0, len(at), BLOCK):
        some = at[start : start + BLOCK] / width
        exponent = some.astype(np.float32) @ scaled.T - (size / 2).astype(np.float32)  # up to a constant of the row
        most = exponent.max(axis=1, keepdims=True)
        total = np.log(np.exp(exponent - most).sum(axis=1)) + most[:, 0]
        found[start : start + BLOCK] = total - (some**2).sum(axis=1) / 2
    found -= at.shape[1] * np.log(width * np.sqrt(2 * np.pi)) + np.log(len(points))
    return found


def _nearest(to: np.ndarray, points: np.ndarray) -> np.ndarray:  # (n,)
    distance: np.ndarray = Neighbours(to).distances(points)[:, 0]
    return distance
