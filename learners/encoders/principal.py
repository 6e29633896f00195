"""The few directions in which features vary most, small enough to be kept in a schema."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from loop.errors import DataError
from loop.support import record_checks as checks

MOST_ROWS = 20_000  # that directions are learnt from, spread over all
_CHECK = checks.fields({"features": checks.integer(1, 10_000), "centre": checks.text, "directions": checks.text})


@dataclass(frozen=True, eq=False)
class Principal:
    """Principal components of features (Pearson 1901), in single precision and with fixed signs."""

    centre: np.ndarray  # (m,) float32
    directions: np.ndarray  # (m, e) float32, orthonormal

    @classmethod
    def of(cls, features: np.ndarray, most: int) -> Self:
        """Learn at most so many directions from features (n, m)."""
        some = features[np.linspace(0, len(features) - 1, min(len(features), MOST_ROWS)).astype(int)].astype(np.float64)
        centre = some.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(some - centre, rowvar=False).reshape(some.shape[1], -1))
        useful = int((values > 1e-9 * max(values[-1], 1e-30)).sum())
        chosen = vectors[:, ::-1][:, : max(1, min(most, useful))]
        largest = chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])]
        return cls(centre.astype(np.float32), (chosen * np.where(largest < 0, -1.0, 1.0)).astype(np.float32))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components, the one of most variance first."""
        return tuple(f"component_{number + 1}" for number in range(self.directions.shape[1]))

    def of_rows(self, features: np.ndarray) -> np.ndarray:
        """Return the components (n, e), float64, of features (n, m).

        They are summed row by row, so that a row's components are the same to the last digit in any company.
        """
        centred = features.astype(np.float64) - self.centre
        made: np.ndarray = np.einsum("nm,me->ne", centred, self.directions.astype(np.float64), optimize=False)
        return made

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON can write."""
        told = {"centre": self.centre, "directions": self.directions}
        return {"features": len(self.centre)} | {name: _text_of(array) for name, array in told.items()}

    @classmethod
    def from_json(cls, content: object, place: str) -> Self:
        """Read back what `to_json` has returned; DataError if it is something else."""
        told = _CHECK(content, place)
        m = told["features"]
        centre, directions = (_array_of(told[name], f"{place}.{name}") for name in ("centre", "directions"))
        if len(centre) != m or not len(directions) or len(directions) % m:
            raise DataError(f"{place} must have an entry in centre and directions for each of {m} features")
        return cls(centre, directions.reshape(m, -1))


def _text_of(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode("ascii")


def _array_of(told: str, place: str) -> np.ndarray:
    try:
        array = np.frombuffer(base64.b64decode(told, validate=True), dtype="<f4")
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{place} must be numbers in base64, got {told[:40]!r}") from error
    if not np.isfinite(array).all():
        raise DataError(f"{place} must be finite numbers, and some are not")
    return array.astype(np.float32)
