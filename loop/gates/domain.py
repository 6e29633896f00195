"""Refuse rows with values that the schema does not allow."""

from dataclasses import dataclass

import numpy as np

from loop.errors import ConfigError
from loop.types import Column, Table, Verdict


@dataclass(frozen=True)
class Domain:
    """Refuse rows with values that no real row could have.

    Parameters
    ----------
    margin : float
        Largest distance of an ordered value beyond the observed range, as a share of that range.

    Raises
    ------
    ConfigError
        If margin is negative.
    """

    margin: float = 0.0

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise ConfigError(f"Domain.margin must be a share of 0 or more, got {self.margin}: use 0 for no margin.")

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        """Judge candidates against the schema of ``reference``.

        The reason is the first that applies of "not finite", "missing not allowed", "unknown category", "not whole" and
        "out of range".
        """
        columns = reference.schema.columns
        X = candidates.X

        def refuse(reason: str, *violations: np.ndarray) -> Verdict:
            return Verdict.refuse(np.any(violations, axis=0) if violations else np.zeros(len(X), bool), reason)

        def where(*kinds: str) -> list[tuple[Column, np.ndarray]]:
            return [(column, x) for column, x in zip(columns, X.T, strict=True) if column.kind in kinds]

        ordered = where("numeric", "integer", "datetime")
        missing_allowed = np.array([column.missing for column in columns], dtype=bool)
        return (
            Verdict.refuse(np.isinf(X).any(axis=1), "not finite")
            .then(Verdict.refuse((np.isnan(X) & ~missing_allowed).any(axis=1), "missing not allowed"))
            .then(refuse("unknown category", *(~_is_code(x, len(c.categories)) for c, x in where("categorical"))))
            .then(refuse("not whole", *(~_is_whole(x) for _, x in where("integer"))))
            .then(refuse("not whole", *(~_is_code(x, 2) for _, x in where("boolean"))))
            .then(refuse("out of range", *(self._is_outside(x, c) for c, x in ordered)))
        )

    def _is_outside(self, x: np.ndarray, column: Column) -> np.ndarray:
        span = column.high - column.low
        slack = self.margin * span if np.isfinite(span) else 0.0
        outside: np.ndarray = (x < column.low - slack) | (x > column.high + slack)
        return outside


def _is_whole(x: np.ndarray) -> np.ndarray:
    whole: np.ndarray = ~np.isfinite(x) | (x == np.round(x))
    return whole


def _is_code(x: np.ndarray, n_codes: int) -> np.ndarray:
    code: np.ndarray = np.isnan(x) | (_is_whole(x) & (x >= 0) & (x < n_codes))
    return code
