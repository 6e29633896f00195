"""Which columns depend on each other: edges of a tree, chosen one by one with noise."""

import numpy as np

from generators.private.noise import Noise
from generators.private.tree_model import ROOT

MOST_CELLS = 2**18  # of a pair of columns and the label; larger pairs are never joined

Edge = tuple[int, int]


def pair_counts(bins: np.ndarray, y: np.ndarray, sizes: tuple[int, ...], edge: Edge, classes: int) -> np.ndarray:
    """Return how many rows are in each pair of bins and class, shape (a, b, K)."""
    one, other = edge
    shape = (sizes[one], sizes[other], classes)
    flat = (bins[:, one] * shape[1] + bins[:, other]) * classes + y
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def tree_edges(
    bins: np.ndarray, y: np.ndarray, marginals: list[np.ndarray], noise: Noise, rho: float
) -> tuple[Edge, ...]:
    """Choose the edges of a tree by the exponential mechanism, as Kruskal's algorithm would by the largest score.

    The score of a pair is how far its counts are from what the noisy marginals give if the two columns are independent
    within a class, as a sum of absolute differences: one row more or less changes it by 1 at most.

    Parameters
    ----------
    bins : np.ndarray
        Shape (n, d).
    y : np.ndarray
        Shape (n,).
    marginals : list of np.ndarray
        Of each column, noisy rows (b, K), already paid for; they add up to the same for each column.
    noise : Noise
    rho : float
        What all choices together may spend.

    References
    ----------
    McKenna, Miklau, Sheldon (2021), Winning the NIST contest, algorithm 1.
    """
    sizes, d = tuple(len(each) for each in marginals), len(marginals)
    rows = marginals[0].sum(axis=0)
    scores: dict[Edge, int] = {}
    for one in range(d):
        for other in range(one):
            if sizes[one] * sizes[other] * len(rows) <= MOST_CELLS:
                alone = np.round(marginals[one][:, None] * marginals[other] / rows)
                apart = pair_counts(bins, y, sizes, (one, other), len(rows)) - alone.astype(np.int64)
                scores[one, other] = int(np.abs(apart).sum())
    part, edges = list(range(d)), list[Edge]()
    while open_ := [edge for edge in scores if part[edge[0]] != part[edge[1]]]:
        at = noise.choice("an edge of the tree", [scores[edge] for edge in open_], rho / (d - 1))
        one, other = open_[at]
        edges.append((one, other))
        part = [part[one] if each == part[other] else each for each in part]
    return tuple(edges)


def parents_of(edges: tuple[Edge, ...], d: int) -> tuple[int, ...]:
    """Return the parent of each of d columns: one column of each connected part is a root."""
    parent = [ROOT] * d
    found: list[int] = []
    for start in range(d):
        queue = [start] if start not in found else []
        for above in queue:
            found.append(above)
            for one, other in (*edges, *((b, a) for a, b in edges)):
                if one == above and other not in found and other not in queue:
                    parent[other] = above
                    queue.append(other)
    return tuple(parent)
