"""Distances and coverage between synthetic and real rows, or between two generations.

Fidelity is monitored but does not measure usefulness: rows in weak regions differ from the rest on purpose.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from loop import seeds
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.gates.copies import Space
from loop.types import Table

_BINS = 10
_DETECTION_ROWS = 1_000  # a side
_DETECTION_TREES = 20
_COVERAGE_ROWS = 1_000  # a side
_COLUMN_ROWS = 10_000  # a side: enough to know distances to about 0.01
_RARE = 0.05  # share below which a category is rare
_SHRINKS = 0.02  # smaller losses of coverage are sampling noise


def psi(reference: np.ndarray, sample: np.ndarray, discrete: bool = False) -> float:
    """Return the population stability index of two samples of one column or score, in nats.

    The sum over bins of (p - q) log(p / q). Bins are tenths of the reference, or the discrete values. Missing values
    have a bin of their own, as has a value that holds a tenth of the reference. Half a row is added to every bin, so
    that empty bins stay finite. Below 0.1 is usually read as stable, above 0.25 as drift.

    Parameters
    ----------
    reference, sample : numpy.ndarray, shapes (n,) and (m,), float
        NaN = missing. If either is empty, the index is 0.
    discrete : bool
        Whether the values are codes.

    Returns
    -------
    float
    """
    if not len(reference) or not len(sample):
        return 0.0
    edges = _values(reference, sample) if discrete else _edges(reference)
    bins = [np.where(np.isnan(x), len(edges) + 1, np.searchsorted(edges, x)) for x in (reference, sample)]
    p, q = (_smoothed_shares(part, len(edges) + 2) for part in bins)
    return float(((p - q) * np.log(p / q)).sum())


def _smoothed_shares(bins: np.ndarray, n_bins: int) -> np.ndarray:
    counts = np.bincount(bins, minlength=n_bins) + 0.5
    shares: np.ndarray = counts / counts.sum()
    return shares


def _values(*samples: np.ndarray) -> np.ndarray:
    values = np.unique(np.concatenate(samples))
    known: np.ndarray = values[~np.isnan(values)]
    return known


def _edges(reference: np.ndarray) -> np.ndarray:
    known: np.ndarray = reference[~np.isnan(reference)]
    if not len(known):
        return known
    tenths = np.quantile(known, np.arange(1, _BINS) / _BINS, method="inverted_cdf")
    values, times = np.unique(tenths, return_counts=True)
    return np.unique(np.concatenate([values, np.nextafter(values[times > 1], -np.inf)]))


def _ordered_distances(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance and the Wasserstein distance in standard deviations of ``real``."""
    real, synthetic = (np.sort(x[~np.isnan(x)]) for x in (real, synthetic))
    if not len(real) or not len(synthetic):
        return 0.0, 0.0
    values = np.sort(np.concatenate([real, synthetic]))
    gap = np.abs(
        np.searchsorted(real, values, "right") / len(real)
        - np.searchsorted(synthetic, values, "right") / len(synthetic)
    )
    area = float(gap[:-1] @ np.diff(values))
    return float(gap.max()), area / (float(real.std()) or 1.0)


def _total_variation(real: np.ndarray, synthetic: np.ndarray) -> float:
    if not len(real) or not len(synthetic):
        return 0.0
    values = np.append(_values(real, synthetic), np.nan)
    codes = [np.searchsorted(values, x) for x in (real, synthetic)]  # NaN sorts last
    shares = [np.bincount(code, minlength=len(values)) / len(code) for code in codes]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def columns(real: Table, synthetic: Table) -> list[dict[str, str | float]]:
    """Compare column by column: one dict per column, for a table.

    Each has ``column``, ``kind``, ``psi`` and the missing shares ``missing_real`` and ``missing_synthetic``; ordered
    columns add ``ks`` (Kolmogorov-Smirnov, 0 to 1) and ``wasserstein`` (in standard deviations of the real
    values), both without missing values; discrete ones ``total_variation`` (0 to 1, missing as a category).
    """
    rows: list[dict[str, str | float]] = []
    for position, (column, discrete) in enumerate(zip(real.schema.columns, real.schema.discrete.tolist(), strict=True)):
        a, b = real.X[:, position], synthetic.X[:, position]
        row: dict[str, str | float] = {"column": column.name, "kind": column.kind, "psi": psi(a, b, discrete)}
        row["missing_real"], row["missing_synthetic"] = (float(np.isnan(x).sum() / max(len(x), 1)) for x in (a, b))
        if discrete:
            row["total_variation"] = _total_variation(a, b)
        else:
            row["ks"], row["wasserstein"] = _ordered_distances(a, b)
        rows.append(row)
    return rows


def report(real: Table, synthetic: Table, rng: np.random.Generator) -> dict[str, float]:
    """Compare synthetic rows with real ones, or the rows of a generation with those of the one before.

    Parameters
    ----------
    real, synthetic : Table
        Rows of one schema, ``real`` with at least one; without synthetic rows every distance is 0.
    rng : numpy.random.Generator
        Draws the samples that detection, coverage and, of large tables, the columns are measured on.

    Returns
    -------
    dict
        All finite. ``drift/psi_max``, ``drift/psi_mean``, ``drift/ks_max``, ``drift/total_variation_max`` and
        ``drift/wasserstein_max``: over the columns, see `columns`; ``drift/label_shift``: total variation of the mean
        labels; ``drift/detection_auc``: how well trees separate the two, 0.5 = not at all; ``drift/coverage``: share
        of real rows with a synthetic row near them, about 0.9 at best; ``drift/rare_category_coverage``: share of the
        categories with under 5 % of the real rows that synthetic rows hold, too.
    """
    root = seeds.root(rng)
    some, made = (_some(table, seeds.stream(root, "columns")) for table in (real, synthetic))
    by_column = columns(some, made)

    def of(name: str) -> list[float]:
        return [float(row[name]) for row in by_column if name in row] or [0.0]

    return {
        "drift/psi_max": max(of("psi")),
        "drift/psi_mean": float(np.mean(of("psi"))),
        "drift/ks_max": max(of("ks")),
        "drift/total_variation_max": max(of("total_variation")),
        "drift/wasserstein_max": max(of("wasserstein")),
        "drift/label_shift": _label_shift(real, synthetic),
        "drift/detection_auc": detection_auc(real.X, synthetic.X, seeds.stream(root, "detection")),
        "drift/coverage": _coverage(real, synthetic, Space(some), seeds.stream(root, "coverage")),
        "drift/rare_category_coverage": _rare_category_coverage(real, synthetic),
    }


def _label_shift(real: Table, synthetic: Table) -> float:
    if not len(synthetic):
        return 0.0
    return float(np.abs(real.targets.mean(axis=0) - synthetic.targets.mean(axis=0)).sum() / 2)


def _sample(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(n, min(n, size), replace=False)


def _some(table: Table, rng: np.random.Generator) -> Table:
    """Return the table, or of a large one a sample of rows."""
    return table if len(table) <= _COLUMN_ROWS else table.take(_sample(len(table), _COLUMN_ROWS, rng))


def detection_auc(real: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> float:
    """Return the out-of-fold ROC AUC of a small forest, mean of two folds; below 0.5 suggests copies of real rows."""
    from sklearn.ensemble import ExtraTreesClassifier  # here, to keep `import loop` fast

    if min(len(real), len(synthetic)) < 4:
        return 0.5
    parts = [X[_sample(len(X), _DETECTION_ROWS, rng)] for X in (real, synthetic)]
    X = np.concatenate(parts)
    made = np.repeat([0, 1], [len(part) for part in parts])
    fold = np.concatenate([np.arange(len(part)) % 2 for part in parts])
    areas = []
    for held in (0, 1):
        fit, judge = fold != held, fold == held
        forest = ExtraTreesClassifier(
            n_estimators=_DETECTION_TREES, min_samples_leaf=5, class_weight="balanced", random_state=seeds.integer(rng)
        )
        proba = forest.fit(X[fit], made[fit]).predict_proba(X[judge])
        areas.append(score("roc_auc", JudgeRows(made[judge], 1), proba))
    return float(np.mean(areas))


def _coverage(real: Table, synthetic: Table, space: Space, rng: np.random.Generator) -> float:
    """Return the share of real rows with a synthetic row near them.

    Near means: within the distance at which 9 of 10 real rows have another real row. Rows like the real ones thus score
    about 0.9 in any dimension. All three samples have the same size, so the number of synthetic rows does not matter.
    """
    size = min(_COVERAGE_ROWS, len(real) // 2, len(synthetic))
    if size == 0:
        return 0.0
    judged, others = np.split(_sample(len(real), 2 * size, rng), 2)
    made = synthetic.X[_sample(len(synthetic), size, rng)]
    usual, _ = space.distances(real.X[judged], real.X[others])
    nearest, _ = space.distances(real.X[judged], made)
    return float(np.mean(nearest <= np.quantile(usual, 0.9)))


def _rare_category_coverage(real: Table, synthetic: Table) -> float:
    """Return the share of rare real categories that also occur in synthetic rows; 1 if none is rare."""
    seen: list[np.ndarray] = []
    for position in np.flatnonzero(real.schema.discrete):
        values, counts = np.unique(real.X[:, position], return_counts=True)
        rare = values[(counts < _RARE * len(real)) & ~np.isnan(values)]
        seen.append(np.isin(rare, synthetic.X[:, position]))
    found = np.concatenate(seen) if seen else np.zeros(0)
    return float(found.mean()) if len(found) else 1.0


def collapse(history: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether coverage, of rows or of rare categories, fell in each of the last two generations.

    Parameters
    ----------
    history : sequence of dict
        One `report` per generation, in order. A loss of two percentage points or less is noise and does not count.
    """
    if len(history) < 3:
        return False
    names = ("drift/coverage", "drift/rare_category_coverage")
    return any(all(np.diff([entry[name] for entry in history[-3:]]) < -_SHRINKS) for name in names)
