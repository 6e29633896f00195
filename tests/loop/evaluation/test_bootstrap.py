"""The bootstrap's replicates are scores of drawn rows, and its intervals cover the truth."""

import tracemalloc

import numpy as np
import pytest
from judged_models import two_models

from loop.errors import ConfigError, DataError
from loop.evaluation.bootstrap import draw_counts, draw_rows, intervals, paired, replicate_scores, scorer_of
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import METRICS, resolve, score


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", [*METRICS, "recall_at_fpr_20"])
def test_a_replicate_is_the_score_of_the_drawn_rows(name: str, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), [40, 12, 8][:n_classes])
    proba = rng.integers(1, 6, (len(y), n_classes)) + 1.0 * (y[:, None] == np.arange(n_classes))
    proba /= proba.sum(axis=1, keepdims=True)
    judged, drawn = JudgeRows(y, 1), draw_rows(np.bincount(y), 20, rng)
    assert (y[drawn] == y).all(), "rows are drawn within their class"
    expected = [score(name, judged.take(rows), proba[rows]) for rows in drawn]
    np.testing.assert_allclose(scorer_of(resolve(name), judged, proba)(drawn), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "recall_at_fpr_05"])
def test_drawing_how_often_each_step_comes_is_drawing_rows(name: str) -> None:
    judged, proba, _ = two_models(600, 40, np.random.default_rng(10))
    proba = np.round(proba, 2)  # ties, too
    metric, rng = resolve(name), np.random.default_rng(11)
    assert metric.ranking is not None
    by_step = metric.ranking(*draw_counts(judged, proba, rng, 4000))
    (by_row,) = replicate_scores(metric, judged, (proba,), rng, 4000)
    levels = [0.025, 0.25, 0.5, 0.75, 0.975]
    np.testing.assert_allclose(
        np.quantile(by_step, levels), np.quantile(by_row, levels), atol=0.1 * by_row.std() + 0.02
    )
    assert by_step.std() == pytest.approx(by_row.std(), rel=0.05)


def test_the_interval_covers_the_true_difference() -> None:
    judged, champion, challenger = two_models(400_000, 20_000, np.random.default_rng(1), edge=0.5)
    truth = score("average_precision", judged, challenger) - score("average_precision", judged, champion)
    rng = np.random.default_rng(2)
    intervals = [
        paired("average_precision", *two_models(800, 40, rng, edge=0.5), rng, replicates=300).difference
        for _ in range(200)
    ]
    covered = np.mean([each.low <= truth <= each.high for each in intervals])
    assert covered >= 0.9
    assert np.mean([each.high - each.low for each in intervals]) < 0.25, "covers by being right, not by being wide"


def test_equal_models_are_seldom_told_apart_and_the_same_model_never() -> None:
    rng = np.random.default_rng(3)
    found = [paired("average_precision", *two_models(800, 40, rng), rng, replicates=200) for _ in range(100)]
    assert np.mean([each.difference.low > 0 for each in found]) <= 0.07
    judged, champion, _ = two_models(800, 40, rng)
    same = paired("roc_auc", judged, champion, champion.copy(), rng)
    assert (same.difference.low, same.difference.high, same.standard_error) == (0, 0, 0)


def test_the_standard_error_is_that_of_the_mean() -> None:
    rng = np.random.default_rng(4)
    judged, proba, _ = two_models(5000, 2500, rng)
    y = judged.y
    right = proba.argmax(axis=1) == y
    theory = np.sqrt(sum((y == c).mean() ** 2 * right[y == c].var() / (y == c).sum() for c in (0, 1)))
    found = intervals(["accuracy"], judged, proba, rng)["accuracy"]
    assert found.estimate == right.mean()
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(theory, rel=0.001)
    oracle = np.column_stack([1 - y, y]).astype(float)
    assert paired("accuracy", judged, proba, oracle, rng).standard_error == pytest.approx(theory, rel=0.15)


@pytest.mark.parametrize("name", ["average_precision", "brier"])
def test_higher_is_better_whatever_the_metric(name: str) -> None:
    judged, worse, better = two_models(4000, 800, np.random.default_rng(5), edge=1.5)
    gain = paired(name, judged, worse, better, np.random.default_rng(0))
    loss = paired(name, judged, better, worse, np.random.default_rng(0))
    assert gain.difference.low > 0
    np.testing.assert_allclose(gain.replicates, -loss.replicates)
    assert gain.replicates.mean() == pytest.approx(gain.difference.estimate, abs=2 * gain.standard_error)


def test_inputs_stay_and_seeds_decide() -> None:
    judged, champion, challenger = two_models(500, 30, np.random.default_rng(6))
    before = [part.copy() for part in (judged.y, champion, challenger)]
    one, other, third = (
        paired("average_precision", judged, champion, challenger, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.replicates, other.replicates)
    assert not np.array_equal(one.replicates, third.replicates)
    for part, copy in zip((judged.y, champion, challenger), before, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_a_higher_level_is_wider() -> None:
    judged, proba, _ = two_models(500, 30, np.random.default_rng(7))
    name = "average_precision"
    narrow, wide = (
        intervals([name], judged, proba, np.random.default_rng(0), level=level)[name] for level in (0.8, 0.99)
    )
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_memory_stays_bounded() -> None:
    judged, champion, challenger = two_models(100_000, 1_000, np.random.default_rng(8))
    tracemalloc.start()
    paired("average_precision", judged, champion, challenger, np.random.default_rng(0), replicates=45)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6


def test_bad_input_is_named() -> None:
    judged, proba, _ = two_models(50, 5, np.random.default_rng(9))
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"got 95"):
        intervals(["brier"], judged, proba, rng, level=95)
    with pytest.raises(ConfigError, match="got 1"):
        paired("brier", judged, proba, proba, rng, replicates=1)
    with pytest.raises(DataError, match="two classes"):
        intervals(["average_precision"], JudgeRows(np.zeros_like(judged.y), 1), proba, rng)
