"""Refuse copies of known rows; with the standardised space in which distances are measured."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.data.split import duplicate_groups
from loop.support.setting_checks import check_bounds
from loop.types import Table, Verdict

_LEVELS = 50  # categories of a column with distances between them; rarer ones coincide, to bound memory


class Space:
    """Embedding of mixed columns in which Euclidean distance counts standard deviations and mismatches.

    An ordered column contributes its difference in standard deviations of the reference; a discrete one contributes 1
    where the values differ; and a column that is missing in one row of two contributes about 1. Infinities, which
    `loop.gates.Domain` refuses, count as missing.

    Parameters
    ----------
    reference : Table
        Rows from which means, standard deviations and most common categories are taken; at least one.
    """

    def __init__(self, reference: Table) -> None:
        self._discrete = reference.schema.discrete
        ordered = np.where(np.isfinite(reference.X), reference.X, np.nan)[:, ~self._discrete]
        known = np.maximum((~np.isnan(ordered)).sum(axis=0), 1)
        self._mean = np.nansum(ordered, axis=0) / known
        variance = np.nansum((ordered - self._mean) ** 2, axis=0) / known
        self._scale = np.sqrt(np.where(variance > 0, variance, 1.0))
        self._gaps = np.array([c.missing for c in reference.schema.columns], dtype=bool)[~self._discrete]
        self._levels = [_commonest(column) for column in reference.X[:, self._discrete].T]

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Map rows (n, d) to points (n, D)."""
        ordered = (X[:, ~self._discrete] - self._mean) / self._scale
        missing = ~np.isfinite(ordered)
        columns = X[:, self._discrete].T
        onehot = [column[:, None] == levels for column, levels in zip(columns, self._levels, strict=True)]
        absent = np.isnan(X[:, self._discrete])
        corners = np.concatenate([*onehot, absent], axis=1) * np.sqrt(0.5)  # of a simplex with edges of length 1
        return np.concatenate([np.where(missing, 0.0, ordered), missing[:, self._gaps], corners], axis=1)

    def distances(self, X: np.ndarray, to: np.ndarray, neighbours: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and positions (n, neighbours) of the rows of ``to`` nearest to each row of X."""
        from sklearn.neighbors import NearestNeighbors  # here, to keep `import loop` fast

        index = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(self.embed(to))
        distance, position = index.kneighbors(self.embed(X))
        return distance, position


def _commonest(values: np.ndarray) -> np.ndarray:
    levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    chosen: np.ndarray = levels[np.argsort(-counts, kind="stable")[:_LEVELS]]
    return chosen


@dataclass(frozen=True)
class Copies:
    """Refuse copies of reference rows and of earlier candidates; labels are ignored.

    Parameters
    ----------
    near : float
        A candidate closer than this to a reference row is a copy too, in standardised units (see `Space`);
        0 refuses exact copies only.

    Raises
    ------
    ConfigError
        If near is negative.
    """

    near: float = 0.0

    def __post_init__(self) -> None:
        check_bounds(self, least={"near": 0})

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates against the rows of ``reference``; the reason tells what was copied."""
        suspects = reference.X[_shares_values(reference.X, candidates.X)]
        codes = duplicate_groups(np.concatenate([suspects, candidates.X]))
        real, made = codes[: len(suspects)], codes[len(suspects) :]
        copied = np.isin(made, real)
        if self.near > 0 and len(reference) and not copied.all():
            distance, _ = Space(reference).distances(candidates.X[~copied], reference.X)
            copied[~copied] = distance[:, 0] < self.near
        verdict = Verdict.refuse(copied, "copy of a real row")
        return verdict.then(Verdict.refuse(pd.Series(made).duplicated().to_numpy(), "copy of a candidate"))


def _shares_values(X: np.ndarray, with_rows: np.ndarray) -> np.ndarray:  # positions (m,)
    """Return the rows of X (n, d) with every value also in that column of the other rows: only these can be copies."""
    rows = np.arange(len(X))
    for own, other in zip(X.T, with_rows.T, strict=True):
        missing = np.isnan(own[rows]) & np.isnan(other).any()
        rows = rows[np.isin(own[rows], other) | missing]
    return rows
