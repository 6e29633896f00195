"""Rows that are given, such as those of a file without labels: proposed as they are, each once."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from loop import seeds
from loop.data.encoding import check_range, encode_features
from loop.data.split import equal_to
from loop.errors import DataError
from loop.protocols import Finite, Generator
from loop.rows import Rows
from loop.types import NOBODY, OUTSIDE, Request, Samples, Schema, Table

# Real rows with labels and given rows (N rows) to label distributions (N, K); NaN = none, and the row is left out.
Labels = Callable[[Table, Rows, np.random.Generator], np.ndarray]


@dataclass(eq=False)
class GivenRows:
    """Proposes given rows inside the region that is asked for, in random order and without replacement.

    Rows that equal a real row of the table it is fitted on are refused. Its rows have no parents, and they stay
    proposals: their features are real, their labels are not known.

    Parameters
    ----------
    frame : DataFrame, N rows
        Has the columns of the table; others are ignored. It is never written to, and copies share it.
    label : callable, optional
        Labels rows, see `Labels`; those that get no label are never proposed. None = labels are not known: the class is
        -1, the label distribution missing, and a class that is asked for counts as any, so a teacher must label them.
    notes : sequence of str
        What is told of the rows at the start of a run.

    Examples
    --------
    >>> supply = Supply(GivenRows(frame), Gap(), ByTeacher(), name="taught: pool", rows=2000)  # doctest: +SKIP
    """

    frame: pd.DataFrame = field(repr=False)
    label: Labels | None = None
    notes: tuple[str, ...] = ()

    rows_: Rows = field(init=False, repr=False)  # (N, d)
    proba_: np.ndarray = field(init=False, repr=False)  # (N, K), NaN = label not known
    open_: np.ndarray = field(init=False, repr=False)  # (N,) bool: which may be proposed
    schema_: Schema = field(init=False, repr=False)
    refused_: int = field(init=False, repr=False)  # rows that equal a real row of the table

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Encode the rows by the schema of the table, refuse those it holds already, and label the others.

        Raises
        ------
        DataError
            If the table has no real rows, or a column is missing or of another type.
        """
        real = table.take(table.is_real)
        if not len(real):
            raise DataError(
                f"given rows must be compared with real rows, got none of {len(table):,}: fit them on real data."
            )
        rows = encode_features(table.schema, self.frame)
        check_range(table.schema, rows.X)
        known = equal_to(rows.X, real.X)
        self.schema_, self.rows_, self.refused_ = table.schema, rows, int(known.sum())
        self.proba_, self.open_ = np.full((len(rows), table.n_classes), np.nan), ~known
        if self.label is not None:
            self.proba_ = self.label(real, self.rows_, rng)
            self.open_ &= ~np.isnan(self.proba_).any(axis=1)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw rows of the region, each at most once; of the class too, where labels are known."""
        fits = self.open_ & request.region.contains(self.rows_)
        if self.label is not None and request.label is not None:
            fits &= _class_of(self.proba_) == request.label
        draws = seeds.stream(seeds.root(rng), "any" if request.label is None else int(request.label))
        chosen = draws.permutation(np.flatnonzero(fits))[: request.n]
        return Samples(self._proposals(chosen), request, len(chosen))

    def without(self, rows: Rows) -> Self:
        """Return the same rows without those that equal one of ``rows``."""
        other = copy.copy(self)
        other.open_ = self.open_ & ~equal_to(self.rows_.X, rows.X)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy.copy(self)  # a large table, and one for each lane: no array is ever written to

    def _proposals(self, chosen: np.ndarray) -> Table:
        n, proba = len(chosen), self.proba_[chosen]
        certain = self.label is not None and bool(np.isin(self.proba_[self.open_], (0, 1)).all())
        nobody = np.full(n, NOBODY)
        return Table(
            self.rows_.take(chosen),
            _class_of(proba),
            self.schema_,
            weight=np.ones(n),
            generation=np.full(n, OUTSIDE),
            supply=nobody,
            parents=nobody[:, None].copy(),
            soft=None if certain else proba,
        )


def _class_of(proba: np.ndarray) -> np.ndarray:
    """Return the most probable class of each row (n,), -1 = label not known."""
    known = ~np.isnan(proba).any(axis=1)
    classes: np.ndarray = np.where(known, np.where(known[:, None], proba, 0).argmax(axis=1), NOBODY)
    return classes


def _conforms(rows: GivenRows) -> tuple[Generator, Finite]:
    return rows, rows
