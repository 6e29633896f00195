"""Metrics agree with scikit-learn, with counting by hand, and with what row weights mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import METRICS, evaluate, per_class_recall, resolve, score

RANKINGS = ("average_precision", "roc_auc", "recall_at_fpr_01", "recall_at_fpr_30", "recall_at_precision_50")
ALL = (*METRICS, "recall_at_fpr_30", "recall_at_precision_50")

seeds = st.integers(0, 10**6)
few_levels = st.sampled_from([2, 5, 1000])  # how many distinct scores: ties are where rankings go wrong


def rows(seed: int, levels: int, n_classes: int = 2, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    raw = rng.integers(1, levels + 1, (n, n_classes)).astype(float) + (y[:, None] == np.arange(n_classes))
    weight = np.where(np.arange(n) < n_classes, 1.0, rng.choice([0.0, 0.5, 1.0, 3.0], n))
    return y, raw / raw.sum(axis=1, keepdims=True), weight


@settings(max_examples=60, deadline=None)
@given(seed=seeds, levels=few_levels, positive=st.sampled_from([0, 1]))
def test_two_classes_agree_with_scikit_learn(seed: int, levels: int, positive: int) -> None:
    y, proba, weight = rows(seed, levels)
    hit, p, used = y == positive, proba[:, positive], weight > 0
    hit, p, w = hit[used], p[used], weight[used]
    truth = {
        "average_precision": sk.average_precision_score(hit, p, sample_weight=w),
        "roc_auc": sk.roc_auc_score(hit, p, sample_weight=w),
        "brier": sk.brier_score_loss(hit, p, sample_weight=w),
        "log_loss": sk.log_loss(y[used], proba[used], sample_weight=w, labels=[0, 1]),
        "accuracy": sk.accuracy_score(y[used], proba[used].argmax(axis=1), sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y[used], proba[used].argmax(axis=1), sample_weight=w),
    }
    fpr, tpr, _ = sk.roc_curve(hit, p, sample_weight=w, drop_intermediate=False)
    truth["recall_at_fpr_30"] = tpr[fpr <= 0.3 + 1e-9].max()
    precision, recall, _ = sk.precision_recall_curve(hit, p, sample_weight=w)
    truth["recall_at_precision_50"] = recall[precision >= 0.5 - 1e-9].max()
    for name, expected in truth.items():
        assert score(name, JudgeRows(y, positive, weight), proba) == pytest.approx(expected, abs=1e-12), name


@settings(max_examples=30, deadline=None)
@given(seed=seeds, levels=few_levels)
def test_more_classes_agree_with_scikit_learn(seed: int, levels: int) -> None:
    y, proba, _ = rows(seed, levels, n_classes=3)
    onehot = np.eye(3)[y]
    truth = {
        "average_precision": sk.average_precision_score(onehot, proba, average="macro"),
        "roc_auc": sk.roc_auc_score(y, proba, multi_class="ovr", average="macro"),
        "brier": ((proba - onehot) ** 2).sum(axis=1).mean(),
        "log_loss": sk.log_loss(y, proba),
        "balanced_accuracy": sk.balanced_accuracy_score(y, proba.argmax(axis=1)),
    }
    for name, expected in truth.items():
        assert score(name, JudgeRows(y, 1), proba) == pytest.approx(expected, abs=1e-12), name


@settings(max_examples=30, deadline=None)
@given(seed=seeds, levels=few_levels, n_classes=st.sampled_from([2, 3]))
def test_a_weight_is_a_number_of_rows_and_their_order_is_nothing(seed: int, levels: int, n_classes: int) -> None:
    y, proba, _ = rows(seed, levels, n_classes)
    rng = np.random.default_rng(seed)
    times = np.where(np.arange(len(y)) < n_classes, 1, rng.integers(0, 4, len(y)))
    repeated = rng.permutation(np.repeat(np.arange(len(y)), times))
    for name in ALL:
        weighted = score(name, JudgeRows(y, 1, times.astype(float)), proba)
        assert weighted == pytest.approx(score(name, JudgeRows(y[repeated], 1), proba[repeated]), abs=1e-12), name


def test_macro_means_leave_out_absent_classes() -> None:
    y, proba, _ = rows(0, 1000, n_classes=3)
    present = y != 2
    one = sk.roc_auc_score(y[present] == 0, proba[present, 0])
    other = sk.roc_auc_score(y[present] == 1, proba[present, 1])
    assert score("roc_auc", JudgeRows(y[present], 1), proba[present]) == pytest.approx((one + other) / 2)
    assert np.isnan(per_class_recall(y[present], proba[present])[2])


def test_recall_by_hand() -> None:
    y = np.array([1, 0, 1, 1, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.2, 0.1])
    proba = np.column_stack([1 - p, p])
    assert score("recall_at_fpr_01", JudgeRows(y, 1), proba) == pytest.approx(1 / 3)
    assert score("recall_at_fpr_25", JudgeRows(y, 1), proba) == pytest.approx(2 / 3)  # the limit met exactly counts
    assert score("recall_at_fpr_50", JudgeRows(y, 1), proba) == 1  # a tie of both classes is entered whole
    assert score("recall_at_precision_90", JudgeRows(y, 1), proba) == pytest.approx(1 / 3)
    assert score("recall_at_precision_60", JudgeRows(y, 1), proba) == 1
    assert score("recall_at_precision_90", JudgeRows(1 - y, 1), proba) == 0  # no threshold is precise enough
    np.testing.assert_allclose(per_class_recall(y, proba), [2 / 4, 3 / 3])


def test_a_limit_in_percent_is_met_in_spite_of_rounding() -> None:
    y = np.array([0] * 29 + [1] + [0] * 71)  # 29 of 100 false alarms above the only positive
    p = np.linspace(1, 0, 101)
    assert score("recall_at_fpr_29", JudgeRows(y, 1), np.column_stack([1 - p, p])) == 1


def test_calibration_error_finds_the_planted_bias() -> None:
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 8, 200_000)
    y = (rng.random(200_000) < truth).astype(int)
    for bias in (0.0, 0.05):
        stated = np.minimum(truth + bias, 1)
        measured = score("calibration_error", JudgeRows(y, 1), np.column_stack([1 - stated, stated]))
        assert measured == pytest.approx(bias, abs=0.004)


def test_every_metric_prefers_the_better_model_in_its_own_direction() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.2).astype(int)
    true = 1 / (1 + np.exp(4 - 6 * y - rng.normal(size=4000)))
    blurred = np.clip(0.5 * true + 0.5 * rng.random(4000), 0.001, 0.999)
    good, bad = (evaluate(ALL, JudgeRows(y, 1), np.column_stack([1 - p, p])) for p in (true, blurred))
    for name in ALL:
        assert resolve(name).name == name
        assert resolve(name).sign * (good[name] - bad[name]) > 0, name


def test_bad_input_is_named() -> None:
    y, proba, _ = rows(0, 5)
    with pytest.raises(ConfigError, match=r"average_precision.*got 'f1'"):
        resolve("f1")
    with pytest.raises(ConfigError, match="recall_at_fpr_1"):
        score("recall_at_fpr_1", JudgeRows(y, 1), proba)
    for name in RANKINGS:
        with pytest.raises(DataError, match="two classes"):
            score(name, JudgeRows(np.zeros_like(y), 1), proba)
    with pytest.raises(DataError, match="1 missing"):
        score("brier", JudgeRows(y, 1), np.where(np.arange(120).reshape(60, 2) == 7, np.nan, proba))
    with pytest.raises(DataError, match="0 rows"):
        score("brier", JudgeRows(y[:0], 1), proba[:0])
