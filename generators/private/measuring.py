"""The fit of a tree of noisy marginals: what is measured, in which order, and with which part of the budget."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from generators.private.accounting import Ledger
from generators.private.bought import kept_categories, with_range
from generators.private.cells import Cells
from generators.private.columns import BinnedColumn, with_floor
from generators.private.estimates import class_counts, joint, projected
from generators.private.histograms import denoised, equal_bins
from generators.private.noise import Noise
from generators.private.structure import pair_counts, parents_of, tree_edges
from generators.private.tree_model import ROOT, TreeModel, bins_for, chances_of
from loop.errors import DataError
from loop.types import Column, Schema

# Parts of the budget; what is not needed goes to the others in proportion.
PARTS = {"rows": 1, "bought": 6, "histograms": 15, "marginals": 25, "edges": 9, "pairs": 50}
FEWEST_BINS, USUAL_BINS = 4, 16  # fewer: no pair is worth its noise, and each column hangs on the label alone


@dataclass(frozen=True, eq=False)
class Measured:
    """All that is known of the rows, once they are forgotten."""

    schema: Schema  # with the ranges and categories that were bought
    columns: tuple[BinnedColumn, ...]
    model: TreeModel


def measured(X: np.ndarray, y: np.ndarray, schema: Schema, bought: Sequence[str], noise: Noise, most: int) -> Measured:
    """Measure rows (n, d) with labels (n,): nothing but the answers of ``noise`` leaves this function.

    Parameters
    ----------
    X, y : np.ndarray
        Encoded rows and their labels.
    schema : Schema
        As stated by the user; infinite ends of ranges are bought.
    bought : sequence of str
        Columns whose categories are those of the rows, and bought.
    noise : Noise
        Spends the whole budget.
    most : int
        Bins of a column at most.
    """
    plan = _Plan(schema, bought, noise.ledger)
    columns, X, y = _with_bought(X, y, schema, bought, noise, plan)
    schema = replace(schema, columns=columns) if columns != schema.columns else schema
    rows, _ = noise.counts("number of rows", np.array([len(y)]), plan.rho("rows"))
    bins, plan.tree = plan.size(int(rows[0]), noise.sensitivity, most)
    binned = tuple(_binned(column, x, noise, bins, plan) for column, x in zip(columns, X.T, strict=True))
    codes = np.column_stack([column.bins(x) for column, x in zip(binned, X.T, strict=True)])
    marginals = _marginals(codes, y, binned, schema.n_classes, noise, plan.rho("marginals"))
    model = _model(codes, y, marginals, noise, plan)
    return Measured(schema, binned, model)


class _Plan:
    """How the budget is divided, from the statement alone, then from the noisy number of rows."""

    def __init__(self, schema: Schema, bought: Sequence[str], ledger: Ledger) -> None:
        self.ordered = [c for c, discrete in zip(schema.columns, schema.discrete, strict=True) if not discrete]
        self.asked = len(bought) + sum(not _has_range(column) for column in self.ordered)  # ranges and categories
        self.d, self.classes, self.ledger = len(schema.columns), schema.n_classes, ledger
        self.tree = self.d > 1

    def rho(self, part: str) -> float:
        """Return what a part may spend in all."""
        parts = dict(PARTS)
        if not self.asked:
            parts.pop("bought")
        if not self.ordered:
            parts.pop("histograms")
        if not self.tree:
            parts["marginals"] += parts.pop("edges") + parts.pop("pairs")
        return self.ledger.rho * parts[part] / sum(parts.values())

    def size(self, rows: int, sensitivity: int, most: int) -> tuple[int, bool]:
        """Return the number of bins of a column, and whether pairs are worth being measured."""
        if self.d == 1:
            return min(USUAL_BINS, most), False
        deviation = sensitivity / np.sqrt(2 * self.rho("pairs") / (self.d - 1))
        bins = bins_for(rows / self.classes, deviation)
        return (min(bins, most), True) if bins >= FEWEST_BINS else (min(USUAL_BINS, most), False)


def _is_filled(column: Column) -> bool:
    """Tell whether a column can hold a value."""
    if column.kind == "boolean":
        return True
    return bool(column.categories) if column.kind == "categorical" else _has_range(column)


def _has_range(column: Column) -> bool:
    return bool(np.isfinite(column.low) and np.isfinite(column.high))


def _with_bought(
    X: np.ndarray, y: np.ndarray, schema: Schema, bought: Sequence[str], noise: Noise, plan: _Plan
) -> tuple[tuple[Column, ...], np.ndarray, np.ndarray]:
    """Return columns with ranges and categories, and rows that hold no others.

    A category that is not known to exist counts as missing, or its row is left out where nothing may be missing.
    """
    columns, X = list(schema.columns), X.copy()
    rho = plan.rho("bought") / plan.asked if plan.asked else 0.0
    for at, column in enumerate(columns):
        seen = X[~np.isnan(X[:, at]), at]
        if column.name in bought:
            counts = np.bincount(seen.astype(np.int64), minlength=len(column.categories))
            delta = noise.ledger.threshold_delta / len(bought)
            kept = kept_categories(column.name, counts, noise, rho, delta)
            number = np.append(np.where(kept, np.cumsum(kept) - 1.0, np.nan), np.nan)
            X[:, at] = number[np.nan_to_num(X[:, at], nan=len(kept)).astype(np.int64)]
            known = tuple(each for each, keep in zip(column.categories, kept.tolist(), strict=True) if keep)
            columns[at] = replace(column, categories=known, low=0.0, high=max(len(known) - 1.0, 0.0))
        elif not schema.discrete[at] and not _has_range(column):
            columns[at] = with_range(column, seen, noise, rho) or column
        if not columns[at].missing and not _is_filled(columns[at]):
            raise DataError(
                f"a column without missing values must have known values, and of {column.name[:60]!r} none stood out "
                "of the noise: state its range or categories in the schema, or raise epsilon."
            )
    gaps = np.array([column.missing for column in columns])
    whole = ~(np.isnan(X) & ~gaps).any(axis=1)
    changed = any(one is not other for one, other in zip(columns, schema.columns, strict=True))
    return (tuple(columns) if changed else schema.columns), X[whole], y[whole]


def _binned(column: Column, x: np.ndarray, noise: Noise, bins: int, plan: _Plan) -> BinnedColumn:
    if column.kind in ("categorical", "boolean"):
        return BinnedColumn(len(column.categories) or 2 * (column.kind == "boolean"), column.missing)
    if not _has_range(column):  # no value was found
        return BinnedColumn(0, missing=True)
    cells = Cells.of(column)
    counts = np.bincount(cells.place(np.clip(x[~np.isnan(x)], column.low, column.high)), minlength=len(cells))
    rho = plan.rho("histograms") / len(plan.ordered)
    noisy, deviation = noise.counts(f"histogram of {column.name}", counts, rho)
    mass = denoised(noisy, deviation)
    return BinnedColumn(0, column.missing, cells, with_floor(mass), equal_bins(mass, bins))


def _marginals(
    codes: np.ndarray, y: np.ndarray, columns: Sequence[BinnedColumn], classes: int, noise: Noise, rho: float
) -> list[np.ndarray]:
    """Return noisy rows (b, K) of each bin and class, none negative, with the same rows of a class in each."""
    noisy = []
    for at, column in enumerate(columns):
        counts = np.bincount(codes[:, at] * classes + y, minlength=len(column) * classes).reshape(-1, classes)
        noisy.append(noise.counts("a marginal", counts, rho / len(columns))[0])
    rows = class_counts(noisy)
    return [
        np.column_stack([projected(of_class, all_) for of_class, all_ in zip(m.T, rows, strict=True)]) for m in noisy
    ]


def _model(codes: np.ndarray, y: np.ndarray, marginals: list[np.ndarray], noise: Noise, plan: _Plan) -> TreeModel:
    rows, d = marginals[0].sum(axis=0), len(marginals)
    edges = tree_edges(codes, y, marginals, noise, plan.rho("edges")) if plan.tree else ()
    parent = parents_of(edges, d)
    chances = [chances_of(with_floor(each.T[None])) for each in marginals]
    sizes = tuple(len(each) for each in marginals)
    for column, above in enumerate(parent):
        if above != ROOT:
            counts = pair_counts(codes, y, sizes, (above, column), len(rows))
            noisy, deviation = noise.counts("a pair of columns", counts, plan.rho("pairs") / (d - 1))
            tables = [
                joint(noisy[:, :, k], marginals[above][:, k], marginals[column][:, k], deviation)
                for k in range(len(rows))
            ]
            chances[column] = chances_of(with_floor(np.stack(tables, axis=1)))
    return TreeModel(rows / rows.sum(), parent, tuple(chances))
