"""Mode-specific normalisation: rows of mixed columns as vectors for a network, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.special import digamma, softmax

from loop.data.schema_difference import difference
from loop.data.value_grid import tidy
from loop.errors import ConditionError, DataError
from loop.support.record_checks import amount, fields, listed, number
from loop.types import Schema, Table

MOST_MODES = 10  # Gaussians of a column at most
LEAST_WEIGHT = 0.005  # Gaussians below it are dropped
CONCENTRATION = 1e-3  # Dirichlet prior of the weights: sparse, so that unused Gaussians vanish
POINTS = 500  # quantiles the mixture is fitted to
ROUNDS = 100
FLOOR = 1e-3  # least spread of a Gaussian, in standard deviations of the column
ATOM = 0.05  # a value of an ordered column with at least this share of the rows is an atom
FEW = 20  # an ordered column with at most this many distinct values has atoms only
REACH = 4.0  # spreads of a Gaussian that are mapped to [-1, 1]
MOST_LEVELS = 200  # modes of a discrete column; rarer categories share the last


_NUMBERS = {
    **dict.fromkeys(("mean", "spread", "weight", "atoms", "rare"), listed(number)),
    "rare_share": listed(amount),
}
MODES = listed(fields(_NUMBERS, known_only=True))  # what `Modes.to_json` returns


@dataclass(frozen=True, eq=False)
class ColumnModes:
    """How one column is encoded: as a mode, and for Gaussian modes also the position within the mode.

    The modes are g Gaussians, then a atoms (single values in rising order, missing last), then, if there are rare
    values, one mode that they share. A vector holds the position in [-1, 1] (if g > 0), then the mode one-hot.
    """

    mean: np.ndarray  # (g,)
    spread: np.ndarray  # (g,)
    weight: np.ndarray  # (g,)
    atoms: np.ndarray  # (a,)
    rare: np.ndarray  # (r,)
    rare_share: np.ndarray  # (r,) sums to 1

    @classmethod
    def ordered(cls, x: np.ndarray) -> Self:
        """Learn a column of numbers (n,): repeated and missing values are atoms, the rest is a mixture."""
        values, count = np.unique(x, return_counts=True)
        atom = np.isnan(values) | (count >= ATOM * len(x)) | (len(values) <= FEW)
        smooth = np.sort(x[~np.isin(x, values[atom]) & ~np.isnan(x)])
        return cls(*_mixture(smooth), values[atom], np.empty(0), np.empty(0))

    @classmethod
    def discrete(cls, x: np.ndarray) -> Self:
        """Learn a column of codes (n,): the most frequent ones, and missing, are atoms."""
        values, count = np.unique(x, return_counts=True)
        order = np.argsort(-count, kind="stable")
        rarer = order[MOST_LEVELS - 1 :] if len(order) > MOST_LEVELS else order[:0]
        none = np.empty(0)
        share = count[rarer] / max(count[rarer].sum(), 1)
        return cls(none, none, none, np.delete(values, rarer), values[rarer], share)

    def fault(self, codes: int | None) -> str | None:
        """Return the rule that the modes of a column with so many codes, None = of numbers, break; None if none."""
        gaussians, single = (self.mean, self.spread, self.weight), np.concatenate([self.atoms, self.rare])
        if not all(len(each) == len(self.mean) and np.isfinite(each).all() for each in gaussians):
            return "have mean, spread and weight of each Gaussian"
        if not ((self.spread > 0) & (self.weight > 0)).all() or not self.n_modes:
            return "have spreads and weights above 0, and a mode"
        if len(self.rare) != len(self.rare_share) or (len(self.rare) and not np.isclose(self.rare_share.sum(), 1)):
            return "have a share of each rare value, with the sum 1"
        seen = self.atoms[~np.isnan(self.atoms)]
        if (np.diff(seen) <= 0).any() or np.isnan(self.atoms[:-1]).any() or np.isinf(single).any():
            return "have rising single values, a missing one last"
        if codes is not None and (len(self.mean) or not np.isin(single[~np.isnan(single)], np.arange(codes)).all()):
            return f"have codes below {codes}"
        return None

    @property
    def n_modes(self) -> int:
        """Number of modes, the one shared by rare values included."""
        return len(self.mean) + len(self.atoms) + bool(len(self.rare))

    @property
    def scalar(self) -> int:
        """Width of the position within a mode: 0 or 1."""
        return int(len(self.mean) > 0)

    def modes(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the mode (n,) of each value; among Gaussians it is drawn by its responsibility for the value.

        -1 marks a value that the column cannot encode.
        """
        place = np.searchsorted(self.atoms, x)
        found = np.append(self.atoms, np.inf)[place]
        is_atom = (found == x) | (np.isnan(found) & np.isnan(x))
        other = np.where(np.isin(x, self.rare), self.n_modes - 1, -1)
        if self.scalar:
            off = (x[:, None] - self.mean) / self.spread
            likely = softmax(np.log(self.weight / self.spread) - off**2 / 2, axis=1)
            other = np.where(np.isnan(x), -1, _draw(likely, rng))
        modes: np.ndarray = np.where(is_atom, len(self.mean) + place, other)
        return modes

    def holds(self, x: np.ndarray) -> np.ndarray:
        """Tell which values (n,) can be encoded and decoded: known single values, or those a Gaussian reaches."""
        single = np.concatenate([self.atoms, self.rare])
        found = np.isin(x, single) | (np.isnan(x) & np.isnan(single).any())
        held: np.ndarray = found | (np.abs(x[:, None] - self.mean) <= REACH * self.spread).any(axis=1)
        return held

    def encode(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return vectors (n, scalar + n_modes); the position within an atom is 0."""
        modes = self.modes(x, rng)
        onehot = modes[:, None] == np.arange(self.n_modes)
        if not self.scalar:
            vectors: np.ndarray = onehot.astype(np.float32)
            return vectors
        gaussian = np.minimum(modes, len(self.mean) - 1)
        place = (x - self.mean[gaussian]) / (REACH * self.spread[gaussian])
        place = np.where((modes >= 0) & (modes < len(self.mean)), np.clip(place, -1, 1), 0)
        return np.column_stack([place, onehot]).astype(np.float32)

    def decode(self, vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a mode from the probabilities in each vector, and return its value (n,); rare values are drawn, too."""
        modes = _draw(vectors[:, self.scalar :].astype(np.float64), rng)
        values: np.ndarray = np.concatenate([self.mean, self.atoms, self.rare[:1]])[modes]
        if self.scalar:
            spread = np.append(self.spread, np.zeros(self.n_modes - len(self.spread)))
            values = values + REACH * spread[modes] * vectors[:, 0]
        if len(self.rare):
            is_rare = modes == self.n_modes - 1
            values[is_rare] = rng.choice(self.rare, size=is_rare.sum(), p=self.rare_share)
        return values


@dataclass(frozen=True, eq=False)
class Modes:
    """The encoding of whole rows: all columns in order, the label last as a column of codes.

    Mode-specific normalisation of Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019 (arXiv 1907.00503, section
    4.2). Missing values and single values that many rows share have their own modes, as a mixture would blur them.
    """

    schema: Schema
    columns: tuple[ColumnModes, ...]  # (d + 1,)

    @classmethod
    def of(cls, table: Table) -> Self:
        """Learn the columns of a table."""
        learn = [ColumnModes.discrete if discrete else ColumnModes.ordered for discrete in table.schema.discrete]
        columns = [of(x) for of, x in zip(learn, table.X.T, strict=True)]
        none = np.empty(0)
        label = ColumnModes(none, none, none, np.unique(table.y).astype(np.float64), none, none)
        return cls(table.schema, (*columns, label))

    @classmethod
    def for_fit(cls, table: Table, before: Self | None) -> tuple[Self, bool]:
        """Return the encoding for a fit, and whether it is the one before, which is kept where it covers the table."""
        if before is None or not before.covers(table):
            return cls.of(table), False
        return replace(before, schema=table.schema), True  # the range may differ

    @property
    def starts(self) -> np.ndarray:
        """First position of each column's part, and the width of the whole, shape (d + 2,)."""
        return np.cumsum([0, *(column.scalar + column.n_modes for column in self.columns)])

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.starts[-1])

    @property
    def scalars(self) -> np.ndarray:
        """Indices in a vector of the positions within modes, shape (s,)."""
        return np.array([start for start, column in zip(self.starts, self.columns, strict=False) if column.scalar], int)

    @property
    def spans(self) -> tuple[slice, ...]:
        """Indices in a vector of each column's one-hot modes."""
        ends = self.starts[1:].tolist()
        return tuple(slice(end - column.n_modes, end) for end, column in zip(ends, self.columns, strict=True))

    @property
    def parts(self) -> tuple[tuple[int, bool], ...]:
        """Width of each piece of a vector in order, and whether it holds a column's modes or a position within one."""
        pieces = [[(1, False)] * column.scalar + [(column.n_modes, True)] for column in self.columns]
        return tuple(piece for of_column in pieces for piece in of_column)

    @property
    def gaussian(self) -> np.ndarray:
        """Which vector entries are Gaussian modes whose position is at ``scalars[i]``, shape (width, s) bool."""
        owner = np.zeros((self.width, len(self.scalars)), dtype=bool)
        smooth = [column for column in self.columns if column.scalar]
        for place, (start, column) in enumerate(zip(self.scalars, smooth, strict=True)):
            owner[start + 1 : start + 1 + len(column.mean), place] = True
        return owner

    def covers(self, table: Table) -> bool:
        """Tell whether all rows can be encoded: the schemas agree, and every value has a mode that reaches it."""
        if difference(self.schema, table.schema):
            return False
        pairs = zip(self.columns, [*table.X.T, table.y.astype(np.float64)], strict=True)
        return all(column.holds(x).all() for column, x in pairs)

    def encode(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return vectors (n, width) float32 of rows X (n, d) and labels y (n,)."""
        values = [*X.T, y.astype(np.float64)]
        return np.hstack([column.encode(x, rng) for column, x in zip(self.columns, values, strict=True)])

    def decode(self, vectors: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return rows X (n, d) and labels y (n,) of vectors (n, width); modes are drawn by their probabilities."""
        parts = np.split(vectors, self.starts[1:-1], axis=1)
        values = [column.decode(part, rng) for column, part in zip(self.columns, parts, strict=True)]
        return tidy(np.column_stack(values[:-1]), self.schema), values[-1].astype(np.int64)

    def check_label(self, label: int | None) -> None:
        """Raise ConditionError if no real row has the requested label."""
        seen = self.columns[-1].atoms.astype(int).tolist()
        if label is not None and label not in seen:
            raise ConditionError(f"a label must occur in the real rows, {label} does not: ask for one of {seen}.")

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns as JSON values."""
        return [{name: array.tolist() for name, array in asdict(column).items()} for column in self.columns]

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]], schema: Schema) -> Self:
        """Rebuild the encoding from what `to_json` returned and the check `MODES` has taken.

        Raises
        ------
        DataError
            If there is not one for each column and the label, or one is no encoding; the caller adds the file.
        """
        if len(columns) != len(schema.columns) + 1:
            raise DataError(f"modes must be those of {len(schema.columns)} columns and the label, got {len(columns)}")
        arrays = ({name: np.array(values, dtype=np.float64) for name, values in column.items()} for column in columns)
        made = cls(schema, tuple(ColumnModes(**column) for column in arrays))
        sizes = [len(each.categories) if each.kind == "categorical" else 2 for each in schema.columns]
        discrete, codes = [*schema.discrete.tolist(), True], [*sizes, schema.n_classes]
        for at, (column, is_discrete, size) in enumerate(zip(made.columns, discrete, codes, strict=True)):
            if fault := column.fault(size if is_discrete else None):
                raise DataError(f"modes of column {at} must {fault}")
        return made


def _mixture(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit at most ten Gaussians to sorted values (n,); return means, spreads and weights (g,), empty without values.

    Expectation maximisation with a sparse Dirichlet posterior of the weights, under which Gaussians that explain
    little vanish (Corduneanu, Bishop 2001, Variational Bayesian Model Selection for Mixture Distributions). Nothing
    is drawn: the Gaussians start at quantiles. If outliers are beyond the reach of all, one more spans the whole range.
    """
    if not len(x):
        return x, x, x
    points = np.quantile(x, (np.arange(POINTS) + 0.5) / POINTS) if len(x) > POINTS else x
    centre, scale = points.mean(), points.std() or 1.0
    z = ((points - centre) / scale)[:, None]
    mean = np.quantile(z, (np.arange(MOST_MODES) + 0.5) / MOST_MODES)
    spread, log_weight = np.full(MOST_MODES, 1 / MOST_MODES), np.zeros(MOST_MODES)
    for _ in range(ROUNDS):
        share = softmax(log_weight - np.log(spread) - ((z - mean) / spread) ** 2 / 2, axis=1)
        count = share.sum(axis=0) + np.finfo(float).tiny
        mean = (share * z).sum(axis=0) / count
        spread = np.sqrt((share * (z - mean) ** 2).sum(axis=0) / count + FLOOR**2)
        log_weight = digamma(count + CONCENTRATION)
    kept = count >= LEAST_WEIGHT * len(points)
    mean, spread, weight = centre + scale * mean[kept], scale * spread[kept], count[kept] / count[kept].sum()
    if (np.abs((x[:, None] - mean) / spread).min(axis=1) <= REACH).all():
        return mean, spread, weight
    whole = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / (2 * REACH), 1 / len(x)
    mean, spread, weight = (np.append(part, one) for part, one in zip((mean, spread, weight), whole, strict=True))
    return mean, spread, weight


def _draw(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one index for each row of probabilities (n, m), which need not sum to one."""
    cumulative = chances.cumsum(axis=1)
    drawn: np.ndarray = (cumulative <= rng.random((len(chances), 1)) * cumulative[:, -1:]).sum(axis=1)
    return drawn.clip(max=chances.shape[1] - 1)
