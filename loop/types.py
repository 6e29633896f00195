"""Values passed between stages. All are frozen; the arrays inside are never written to.

In shapes, ``n`` counts rows, ``d`` columns and ``K`` classes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from loop.data.date_parts import DateParts
from loop.encoders import ArrayColumn
from loop.rows import Rows

DAY = 86_400  # seconds
OUTSIDE, NOBODY = -1, -1  # generation of rows made outside of a loop or not yet marked; no parent, no supply
Kind = Literal["numeric", "integer", "boolean", "categorical", "datetime"]
# How rows inside a region were made: drawn there; from real rows; resampled by weight; drawn anywhere, some discarded.
SamplingMethod = Literal["native", "seeds", "importance", "rejection"]


@dataclass(frozen=True, eq=False)
class Column:
    """Kind and range of one feature column.

    Every column is held as float64: categorical values as codes ``0..len(categories)-1``, booleans as 0 and 1,
    datetimes as seconds since 1970-01-01 UTC, a missing value as NaN.
    """

    name: str
    kind: Kind
    dtype: str  # pandas dtype that `decode` restores
    low: float = -np.inf  # smallest and largest value seen, in encoded units
    high: float = np.inf
    categories: tuple[object, ...] = ()  # for categorical columns: value of code i at position i
    missing: bool = False  # were missing values seen?
    decimals: int | None = None  # of numbers and seconds of datetimes: decimals that hold every value seen; None = any
    days: bool = False  # of datetimes: was every value seen a date, that is midnight in UTC or without time zone?


@dataclass(frozen=True, eq=False)
class Schema:
    """Columns in order, class names in code order, and the class to catch."""

    columns: tuple[Column, ...]
    classes: tuple[object, ...]
    positive: int = 1  # code of the class to catch: the rarest unless the user names it
    target: str = "target"
    excluded: tuple[tuple[str, str], ...] = ()  # (column, reason) of columns that are not features
    target_dtype: str = "object"  # pandas dtype that `decode` restores
    date_parts: tuple[DateParts, ...] = ()  # how columns that are parts of dates are made from the dates
    arrays: tuple[ArrayColumn, ...] = ()  # how columns are made from arrays that rows hold beside their columns

    @property
    def names(self) -> tuple[str, ...]:  # of the columns
        return tuple(column.name for column in self.columns)

    @property
    def n_classes(self) -> int:  # K
        return len(self.classes)

    @property
    def categorical(self) -> np.ndarray:  # (d,) bool
        return np.array([column.kind == "categorical" for column in self.columns], dtype=bool)

    @property
    def discrete(self) -> np.ndarray:  # (d,) bool: categorical or boolean, values that must not be averaged
        return np.array([column.kind in ("categorical", "boolean") for column in self.columns], dtype=bool)


@dataclass(frozen=True, eq=False)
class Table:
    """Encoded rows with their labels and their origin. Build one with `Table.real`, then `take` and `concat`."""

    rows: Rows
    y: np.ndarray  # (n,) int64 class codes; for a soft label the most probable class
    schema: Schema
    weight: np.ndarray  # (n,) float64
    generation: np.ndarray  # (n,) int64: 0 = real, g = made in generation g, `OUTSIDE` (-1) = made outside of a loop
    supply: np.ndarray  # (n,) int64: entry of the list of origins; -1 = real, or made outside of a loop
    parents: np.ndarray  # (n, p) int64: row numbers of the real rows it was made from, -1 = none; of a real row: itself
    soft: np.ndarray | None = None  # (n, K) float64 label distribution, None = all labels are hard
    unit: np.ndarray | None = None  # (n,) int64: rows of one unit, such as a card, are not independent; None = all are
    judging: np.ndarray | None = None  # (n,) float64, weight as judge rows: 0 = fitted on only; None = all count alike

    @classmethod
    def real(cls, rows: Rows | np.ndarray, y: np.ndarray, schema: Schema, weight: np.ndarray | None = None) -> "Table":
        """Wrap real rows, or their columns (n, d) if they have no more; each is its own parent, under its position."""
        n, rows = len(rows), rows if isinstance(rows, Rows) else Rows(rows)
        weight = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
        trail = (np.zeros(n, np.int64), np.full(n, NOBODY), np.arange(n, dtype=np.int64)[:, None])
        return cls(rows, np.asarray(y, dtype=np.int64), schema, weight, *trail)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def X(self) -> np.ndarray:  # (n, d) float64, NaN = missing: for what looks at columns alone
        return self.rows.X

    @property
    def n_classes(self) -> int:  # K
        return self.schema.n_classes

    @property
    def targets(self) -> np.ndarray:
        """Label distributions, shape (n, K): the soft labels, or one-hot rows where labels are hard."""
        return np.asarray(np.eye(self.n_classes)[self.y]) if self.soft is None else self.soft

    @property
    def is_real(self) -> np.ndarray:  # (n,) bool
        return np.asarray(self.generation == 0)

    @property
    def row_number(self) -> np.ndarray:
        """Row numbers (n,) of real rows in the input, from 0; -1 for rows that are not real."""
        return np.where(self.is_real, self.parents[:, 0], NOBODY)

    def numbered(self, rows: np.ndarray) -> "Table":
        """Return the same real rows with other row numbers (n,), for example those of the input."""
        return replace(self, parents=np.asarray(rows, dtype=np.int64)[:, None])

    def take(self, rows: np.ndarray) -> "Table":
        """Return the rows chosen by an index or mask of shape (m,); this table if it chooses all in order."""
        if (taken := self.rows.take(rows)) is self.rows:
            return self
        held = {name: each[rows] for name, each in vars(self).items() if isinstance(each, np.ndarray)}
        return replace(self, rows=taken, **held)

    @staticmethod
    def concat(tables: Sequence["Table"]) -> "Table":
        """Stack tables of one schema, see `Rows.concat`; units and judging are lost, hard labels soft if any is."""

        def stack(name: str) -> Any:
            return np.concatenate([getattr(table, name) for table in tables])

        soft = stack("targets") if any(table.soft is not None for table in tables) else None
        width = max(table.parents.shape[1] for table in tables)
        padded = [np.pad(t.parents, ((0, 0), (0, width - t.parents.shape[1])), constant_values=NOBODY) for t in tables]
        trail = (stack("weight"), stack("generation"), stack("supply"), np.concatenate(padded))
        return Table(Rows.concat([table.rows for table in tables]), stack("y"), tables[0].schema, *trail, soft)


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, eq=False)
class Condition:
    """One side of a box: ``low < x <= high`` for ordered columns, ``x in codes`` for discrete ones."""

    column: int
    low: float = -np.inf
    high: float = np.inf
    codes: frozenset[int] | None = None
    missing: bool = False  # does a missing value satisfy the condition?

    def holds(self, rows: Rows) -> np.ndarray:  # (n,) bool
        x = rows.X[:, self.column]
        inside = np.isin(x, list(self.codes)) if self.codes is not None else (x > self.low) & (x <= self.high)
        holds: np.ndarray = np.where(np.isnan(x), self.missing, inside).astype(bool)
        return holds


@dataclass(frozen=True, eq=False)
class Region:
    """A box in feature space, readable as a rule, optionally with rows to start from; an empty rule is "anywhere".

    Counts are of rows that chose or confirmed the region; the deficit is of the latter.
    """

    rule: tuple[Condition, ...] = ()
    text: str = "anywhere"
    label: int | None = None  # class that is weak, None = no particular class
    rows: int = 0
    positives: int = 0
    deficit: Interval | None = None  # mean weakness inside minus outside
    seeds: np.ndarray | None = None  # (m,) int positions in the finder's table
    seed_weight: np.ndarray | None = None  # (m,) >= 0, how often each seed should start a proposal

    def contains(self, rows: Rows) -> np.ndarray:
        """Tell which rows lie inside, as a mask of shape (n,)."""
        inside: np.ndarray = np.ones(len(rows), dtype=bool)
        for condition in self.rule:
            inside &= condition.holds(rows)
        return inside


@dataclass(frozen=True, eq=False)
class Request:
    """A request for n rows inside a region, of one class or (None) of any."""

    region: Region
    label: int | None
    n: int


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows from a generator: at most ``request.n``; fewer are allowed and counted."""

    table: Table  # proposals, with the requested label or the parent's
    request: Request
    tried: int  # rows drawn before any was discarded: tried >= len(table)
    sampling_method: SamplingMethod = "native"  # how the region was reached

    @property
    def shortfall(self) -> int:
        return self.request.n - len(self.table)

    @property
    def acceptance(self) -> float:  # share of the rows drawn that were delivered
        return len(self.table) / max(self.tried, 1)


@dataclass(frozen=True, eq=False)
class Verdict:
    """Which candidates are kept and, for each refused row, the first reason."""

    keep: np.ndarray  # (n,) bool
    reason: np.ndarray  # (n,) object: "" where kept, else the reason

    @classmethod
    def refuse(cls, refused: np.ndarray, reason: str) -> "Verdict":
        """Refuse the rows of a mask (n,) for one reason."""
        return cls(~refused, np.where(refused, reason, "").astype(object))

    def then(self, other: "Verdict") -> "Verdict":
        """Combine with a later verdict on the same rows; the first reason is kept."""
        return Verdict(self.keep & other.keep, np.where(self.keep, other.reason, self.reason).astype(object))

    def counts(self) -> dict[str, int]:
        """Count the refused rows by reason; the counts add up to the number of refused rows."""
        return dict(Counter(str(reason) for reason in self.reason[~self.keep]))


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a group of synthetic rows came from: one entry of the list of origins."""

    supply: str  # name of the supply
    generation: int
    lane: int  # -1 = the deliverable lane
    region: str
    label: str  # the class requested, "any" if none
    generator: str
    acquisition: str
    labeller: str


@dataclass(frozen=True)
class Decision:
    """Whether a generation is kept, with the paired difference behind it."""

    kept: bool
    reason: str
    difference: Interval  # challenger minus champion on the pooled judge rows, higher is better
    expected: float  # the difference after shrinking towards the prior


@dataclass(frozen=True, eq=False)
class Generation:
    """Record of one generation of the loop: the rows of one supply, and whether they are kept."""

    index: int  # 1, 2, ...
    regions: tuple[Region, ...]
    requests: tuple[tuple[str, int], ...]  # (region text, rows requested) of the deliverable lane
    counts: dict[str, int]  # proposed, short, unchosen, refused by reason, kept
    scores: dict[str, Interval]  # of the champion after the decision, on the pooled judge rows
    challenger: dict[str, Interval]  # of the challenger, kept or not
    decision: Decision
    drift: dict[str, float]
    seconds: dict[str, float]  # per stage
    rows: Table  # new rows of the deliverable lane, whether kept or rolled back
    origins: tuple[Origin, ...]  # `rows.supply` indexes them
    evaluations: int  # how often the judge rows were evaluated so far
    lane_rows: tuple[Table, ...] = ()  # new rows of the judging lanes, in order, for resumed runs
    supply: str = "taught"  # name of the supply that made the rows


@dataclass(frozen=True)
class LoopVerdict:
    """The claim at the end. Call the difference a gain only if it is ``proven``."""

    kept: int  # generations kept
    gain: float  # score of the champion minus score of the learner on real rows alone
    interval: Interval  # of the gain, corrected for the number of evaluations of the judge rows
    proven: bool
    sentence: str
