"""Confidence intervals of a score, and of the difference of two scores on the same rows."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from loop.errors import ConfigError
from loop.evaluation.cluster_bootstrap import standard_error, weighing, weighted_replicates
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import Metric, Ranking, ranked_classes, resolve, score, steps
from loop.types import Interval

_BLOCK = 1_500_000  # drawn rows held at once: about 50 MB with the working arrays

_ROUNDING = 1e-9
_TAIL = 5  # with fewer replicates beyond a bound, the bound is not a reliable quantile

Replicate = Callable[[np.ndarray], np.ndarray]  # drawn rows (b, n) -> scores (b,)
Counts = tuple[np.ndarray, np.ndarray]  # cumulative, of positives and negatives, each (B, steps)


@dataclass(frozen=True, eq=False)
class Paired:
    """Comparison of two models on the same rows; positive means that the challenger is better."""

    difference: Interval  # challenger minus champion, signed so that higher is better
    standard_error: float  # of the difference
    replicates: np.ndarray  # (B,) bootstrap replicates of the difference


def intervals(
    names: Iterable[str],
    judged: JudgeRows,
    proba: np.ndarray,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    replicates: int = 500,
) -> dict[str, Interval]:
    """Return scores with their intervals; see `paired` for the method and the parameters.

    The interval of a mean over rows is the limit of many replicates: normal, from the variance within each class.

    Returns
    -------
    dict of str to Interval
        By name of the metric.
    """
    _check(level, replicates)
    judged = _without_even_weights(judged)

    @functools.cache
    def drawn() -> Counts:
        return draw_counts(judged, proba, rng, replicates)

    def one(name: str) -> Interval:
        metric, estimate = resolve(name), score(name, judged, proba)
        if metric.rows is not None:
            spread = standard_error(metric.rows(judged.y, proba, judged.positive), judged)
            half = NormalDist().inv_cdf((1 + level) / 2) * spread
            return Interval(estimate, estimate - half, estimate + half, level)
        if metric.ranking is not None and proba.shape[1] == 2 and _is_plain(judged):
            return _percentile(estimate, metric.ranking(*drawn()), level)
        (values,) = replicate_scores(metric, judged, (proba,), rng, replicates)
        return _percentile(estimate, values, level)

    return {name: one(name) for name in names}


def paired(
    name: str,
    judged: JudgeRows,
    champion: np.ndarray,
    challenger: np.ndarray,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    replicates: int = 500,
) -> Paired:
    """Compare two models on the same rows by a bootstrap that draws the same rows for both.

    Rows are drawn with replacement within each class, so every replicate has the same number of positives.
    The interval is the plain percentile interval (Efron 1979, *Annals of Statistics* 7:1), chosen by its coverage in
    simulated tables (300 or more per setting) with 20, 40 and 100 positives: at a nominal 0.95 it held the true
    difference of average precision in 0.93-0.97 of them, where the bias-corrected interval fell to 0.90 and the basic
    one to 0.88; for the recall at 1 % false positives in 0.93-0.99, against 0.86 and 0.89. Drawing a positive twice
    raises average precision, but equally for both models, so the difference has little bias to correct. The interval of
    a single model with 20 positives is too narrow by any of the three methods. Where fewer than five replicates lie
    beyond a bound, it is the wider of the percentile and of the normal approximation.

    Rows of one unit, such as a card, are drawn together; a unit belongs to the rarest class among its rows.

    Parameters
    ----------
    name : str
        Metric, as in `loop.evaluation.metrics.resolve`.
    judged : JudgeRows, n rows
        Rows with their weights and the units that are drawn together.
    champion, challenger : numpy.ndarray, shape (n, K), float
        Probabilities of the two models on these rows.
    rng : numpy.random.Generator
    level : float
        Nominal coverage of the interval, between 0 and 1.
    replicates : int
        Number of bootstrap replicates, at least 2.

    Returns
    -------
    Paired

    Raises
    ------
    ConfigError
        If there is no such metric, or level or replicates are out of range.
    DataError
        As `loop.evaluation.metrics.score`.
    """
    _check(level, replicates)
    metric, judged = resolve(name), _without_even_weights(judged)
    old, new = (score(name, judged, proba) for proba in (champion, challenger))
    values = replicate_scores(metric, judged, (champion, challenger), rng, replicates)
    difference = metric.sign * (values[1] - values[0])
    estimate = _percentile(metric.sign * (new - old), difference, level)
    return Paired(estimate, float(difference.std(ddof=1)), difference)


def _check(level: float, replicates: int) -> None:
    if not 0 < level < 1:
        raise ConfigError(f"The level of an interval must lie between 0 and 1, got {level}: use 0.95.")
    if replicates < 2:
        raise ConfigError(f"A bootstrap needs at least 2 replicates, got {replicates}: use 500.")


def _without_even_weights(judged: JudgeRows) -> JudgeRows:
    """Drop weights that are all equal: they change nothing, and rows without weights are drawn faster."""
    return judged if judged.weight is None or np.ptp(judged.weight) else replace(judged, weight=None)


def _is_plain(judged: JudgeRows) -> bool:
    """Tell whether all rows have equal weight and are drawn independently."""
    return judged.weight is None and judged.unit is None


def draw_counts(judged: JudgeRows, proba: np.ndarray, rng: np.random.Generator, replicates: int) -> Counts:
    """Draw the cumulative counts of a ranking: counts per step are multinomial, so no single rows are drawn."""
    is_positive = judged.is_positive
    step = steps(proba[:, judged.positive], is_positive)

    def drawn(mask: np.ndarray) -> np.ndarray:
        counts = np.bincount(step[mask], minlength=int(step.max()) + 1)
        return rng.multinomial(counts.sum(), counts / counts.sum(), replicates).cumsum(axis=1)

    return drawn(is_positive), drawn(~is_positive)


def replicate_scores(
    metric: Metric, judged: JudgeRows, probas: Sequence[np.ndarray], rng: np.random.Generator, replicates: int
) -> np.ndarray:  # (models, B)
    """Score each model on the same drawn rows, in blocks of replicates to bound memory."""
    if not _is_plain(judged):
        return weighted_replicates([weighing(metric, judged, proba) for proba in probas], judged, rng, replicates)
    order = np.argsort(judged.y, kind="stable")
    judged = judged.take(order)
    models = [scorer_of(metric, judged, proba[order]) for proba in probas]
    sizes = np.unique(judged.y, return_counts=True)[1]
    per_block = max(1, _BLOCK // len(judged))
    blocks = []
    for start in range(0, replicates, per_block):
        drawn = draw_rows(sizes, min(per_block, replicates - start), rng)
        blocks.append([model(drawn) for model in models])
    return np.concatenate(blocks, axis=1)


def draw_rows(sizes: np.ndarray, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows of a table sorted by class, within each class: (replicates, n), with columns sorted by class."""
    ends = np.cumsum(sizes)
    strata = [
        rng.integers(end - size, end, (replicates, size), dtype=np.int32) for size, end in zip(sizes, ends, strict=True)
    ]
    return np.concatenate(strata, axis=1)


def scorer_of(metric: Metric, judged: JudgeRows, proba: np.ndarray) -> Replicate:
    """Prepare the scoring of drawn rows of one model; the rows are sorted by class."""
    y, positive = judged.y, judged.positive
    if metric.ranking is not None:
        classes = ranked_classes(y, proba.shape[1], positive)
        rankings = [_ranked(metric.ranking, y == code, proba[:, code]) for code in classes]
        return lambda drawn: np.mean([ranking(drawn) for ranking in rankings], axis=0)

    def weighted(drawn: np.ndarray) -> np.ndarray:
        counts = (np.bincount(rows, minlength=len(y)).astype(np.float64) for rows in drawn)
        return np.array([metric.function(y, proba, positive, weight) for weight in counts])

    return weighted


def _ranked(ranking: Ranking, is_positive: np.ndarray, scores: np.ndarray) -> Replicate:
    """Score a ranking: sorted once, a replicate only counts how often each step was drawn."""
    step = steps(scores, is_positive)
    n_steps = int(step.max()) + 1
    first, last = np.flatnonzero(is_positive)[[0, -1]]
    own = slice(first, last + 1)  # drawn rows are sorted by class, so these columns hold the positives

    def replicate(drawn: np.ndarray) -> np.ndarray:
        drawn_steps = step[drawn]
        drawn_steps += n_steps * np.arange(len(drawn))[:, None]
        counts = np.bincount(drawn_steps.ravel(), minlength=n_steps * len(drawn))
        hits = np.bincount(drawn_steps[:, own].ravel(), minlength=n_steps * len(drawn))
        cumulative = [part.reshape(len(drawn), n_steps).cumsum(axis=1) for part in (hits, counts - hits)]
        return ranking(*cumulative)

    return replicate


def _percentile(estimate: float, replicates: np.ndarray, level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    if tail * len(replicates) < _TAIL - _ROUNDING:
        half = NormalDist().inv_cdf(1 - tail) * replicates.std(ddof=1)
        low, high = min(low, estimate - half), max(high, estimate + half)
    return Interval(float(estimate), float(low), float(high), level)
