"""What CatBoost and LightGBM promise beyond the laws: absence told in one sentence, soft labels, native categories."""

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from learners import LEARNERS, CatBoost, LightGBM
from learners.common.extras import needs_extra
from loop.errors import ConfigError
from loop.rows import Rows
from loop.testing.learners import blobs, with_category
from loop.testing.tables import mixed_table
from loop.types import Column, Schema, Table

ROOT = Path(__file__).parents[2]
BOOSTERS = (CatBoost, LightGBM)
booster = pytest.mark.parametrize("kind", BOOSTERS, ids=lambda kind: kind.__name__)
# Every row and column in every tree: what is left of the randomness moves no label mean.
SURE: dict[type, Any] = {
    CatBoost: CatBoost(trees=200, depth=3, rate=0.3, l2=0.0),
    LightGBM: LightGBM(trees=200, rate=0.3, min_leaf=1, row_share=1.0, column_share=1.0, extra_trees=False),
}


def fitted(table: Table, learner: Any) -> Any:
    return copy.deepcopy(learner).fit(table, np.random.default_rng(0))


def one_category(codes: np.ndarray, soft: np.ndarray) -> Table:
    """Rows that one categorical column of ten categories tells apart, with soft labels (n, K)."""
    columns = (Column("kind", "categorical", "str", categories=tuple("abcdefghij")),)
    schema = Schema(columns, tuple(range(soft.shape[1])))
    table = Table.real(codes.astype(float)[:, None], soft.argmax(axis=1), schema)
    return replace(table, soft=soft)


# The library


@booster
def test_a_missing_library_is_told_with_the_command_that_installs_it(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = kind.__name__.lower()
    monkeypatch.setitem(sys.modules, name, None)  # Python then raises ImportError
    with pytest.raises(ConfigError, match=r"pip install 'weakspot\[boosters\]'") as told:
        LEARNERS.make(name)
    assert kind.__name__ in str(told.value)
    assert "\n" not in str(told.value)
    assert name in LEARNERS.names()


def test_a_library_without_its_system_library_is_told_like_a_missing_one() -> None:
    with pytest.raises(ConfigError, match=r"LightGBM .*libgomp.*pip install"), needs_extra("LightGBM"):
        raise OSError("libgomp.so.1: cannot open shared object file")


def test_names_classes_and_help_load_no_library() -> None:
    code = (
        "import sys, learners\n"
        "learners.LEARNERS.names(), learners.LEARNERS.kind('catboost'), learners.LightGBM\n"
        "from experiments.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print('LOADED', *({'catboost', 'lightgbm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "compare" in done.stdout
    assert done.stdout.split("LOADED")[1].split() == []


@booster
def test_nothing_is_printed_and_no_file_is_written(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for table in (mixed_table(200), blobs(n_classes=3), blobs().take(np.arange(2))):
        fitted(table, kind(trees=20)).predict_proba(table.rows)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


# Labels and weights


@booster
def test_a_leaf_holds_the_mean_of_its_soft_labels(kind: type) -> None:
    """The only column is a category of no order in its codes: all signal is in it, and each answer is a mean."""
    rng = np.random.default_rng(0)
    codes = np.arange(600) % 8
    means = np.array([0.9, 0.1, 0.7, 0.05, 0.8, 0.3, 0.5, 0.2])
    share = np.clip(means[codes] + rng.uniform(-0.05, 0.05, 600), 0, 1)
    table = one_category(codes, np.column_stack([1 - share, share]))
    answers = fitted(table, SURE[kind]).predict_proba(Rows(np.arange(8.0)[:, None]))[:, 1]
    np.testing.assert_allclose(answers, [share[codes == code].mean() for code in range(8)], atol=0.01)


@booster
def test_soft_labels_of_three_classes_are_learnt_by_category(kind: type) -> None:
    codes = np.arange(600) % 3
    means = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.5, 0.2]])
    answers = fitted(one_category(codes, means[codes]), SURE[kind]).predict_proba(Rows(np.arange(3.0)[:, None]))
    np.testing.assert_allclose(answers, means, atol=0.03)


@booster
def test_a_weight_counts_like_as_many_copies(kind: type) -> None:
    rng = np.random.default_rng(0)
    codes, share = rng.integers(0, 4, size=400), rng.uniform(0.1, 0.9, size=400)
    table = one_category(codes, np.column_stack([1 - share, share]))
    times = rng.integers(1, 4, size=400)
    weighted = fitted(replace(table, weight=times.astype(float)), SURE[kind]).predict_proba(table.rows)
    copied = fitted(table.take(np.repeat(np.arange(400), times)), SURE[kind]).predict_proba(table.rows)
    np.testing.assert_allclose(weighted, copied, atol=0.005)
    means = np.array([np.average(share[codes == code], weights=times[codes == code]) for code in range(4)])
    np.testing.assert_allclose(weighted[:, 1], means[codes], atol=0.005)


@booster
def test_a_share_that_a_rounding_left_above_one_is_one(kind: type) -> None:
    table = blobs()
    soft = table.targets.copy()
    soft[table.y == 1] = [0.0, 1 + 3e-7]
    exact = fitted(replace(table, soft=table.targets), kind(trees=20)).predict_proba(table.rows)
    np.testing.assert_array_equal(fitted(replace(table, soft=soft), kind(trees=20)).predict_proba(table.rows), exact)


@booster
@pytest.mark.parametrize("n_classes", [2, 3])
def test_where_there_is_nothing_to_learn_the_answer_is_the_class_shares(
    kind: type, n_classes: int, tmp_path: Path
) -> None:
    table = blobs(n_classes=n_classes)
    alike = replace(table, rows=Rows(np.full((len(table), 3), [1.0, np.nan, 2.0])))
    shares = np.bincount(table.y) / len(table)
    one_row = table.take(np.array([0]))
    negligible = replace(one_row, soft=np.array([[0.9995] + [0.0005 / (n_classes - 1)] * (n_classes - 1)]))
    for given, wanted in ((alike, shares), (one_row, np.eye(n_classes)[one_row.y[0]]), (negligible, [1, 0, 0])):
        learner = fitted(given, kind(trees=20))
        learner.save(tmp_path / "saved")
        for each in (learner, kind.load(tmp_path / "saved")):  # type: ignore[attr-defined]
            answers = each.predict_proba(table.rows)
            np.testing.assert_allclose(answers, np.tile(wanted[:n_classes], (len(table), 1)), atol=1e-3)


# Categories


@booster
def test_a_category_alone_carries_the_signal_through_saving(kind: type, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 10, size=600)
    table = with_category(replace(blobs(n=600), y=(codes % 2).astype(np.int64)), codes)
    fit, test = table.take(np.arange(300)), table.take(np.arange(300, 600))
    learner = fitted(fit, kind())
    assert average_precision_score(test.y, learner.predict_proba(test.rows)[:, 1]) > 0.99
    learner.save(tmp_path / "saved")
    again = kind.load(tmp_path / "saved")  # type: ignore[attr-defined]
    np.testing.assert_array_equal(again.predict_proba(test.rows), learner.predict_proba(test.rows))
    assert repr(again) == repr(learner)


@booster
def test_a_missing_category_is_a_category(kind: type) -> None:
    rng = np.random.default_rng(0)
    codes = np.where(rng.random(400) < 0.3, np.nan, rng.integers(0, 9, size=400))
    table = one_category(codes, np.eye(2)[np.isnan(codes).astype(int)])
    proba = fitted(table, kind()).predict_proba(table.rows)[:, 1]
    assert proba[np.isnan(codes)].min() > proba[~np.isnan(codes)].max() + 0.5


@booster
def test_a_code_that_the_schema_does_not_know_counts_as_missing(kind: type) -> None:
    codes = np.where(np.arange(300) % 4 == 0, np.nan, np.arange(300) % 5)
    learner = fitted(with_category(blobs(), codes), kind(trees=50))
    X = np.repeat(blobs().X[:1], 4, axis=0)
    X[:, -1] = (np.nan, 10, -1, 1e9)
    proba = learner.predict_proba(Rows(X))
    np.testing.assert_array_equal(proba, np.tile(proba[0], (4, 1)))


# Machines and threads


@booster
def test_threads_that_ask_at_once_get_the_same_answers(kind: type) -> None:
    table = mixed_table(400)
    learner = fitted(table, kind(trees=50))
    alone = learner.predict_proba(table.rows)
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(learner.predict_proba, [table.rows] * 40):
            np.testing.assert_array_equal(answers, alone)


@booster
def test_fits_side_by_side_are_those_of_one_after_the_other(kind: type) -> None:
    table = mixed_table(300)

    def answers(seed: int) -> np.ndarray:
        proba: np.ndarray = kind(trees=20).fit(table, np.random.default_rng(seed)).predict_proba(table.rows)
        return proba

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answers, range(8)))
    for seed, proba in enumerate(together):
        np.testing.assert_array_equal(proba, answers(seed))


@booster
def test_the_number_of_threads_changes_no_answer_of_a_fitted_learner(kind: type) -> None:
    table = mixed_table(300)
    learner = fitted(table, kind(trees=20, jobs=2))
    two = learner.predict_proba(table.rows)
    learner.jobs = 1
    np.testing.assert_array_equal(learner.predict_proba(table.rows), two)


@booster
def test_a_fitted_learner_survives_pickling(kind: type) -> None:
    table = mixed_table(200)
    learner = fitted(table, kind(trees=20))
    again = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(again.predict_proba(table.rows), learner.predict_proba(table.rows))


def test_extra_trees_cut_at_random() -> None:
    table = blobs()
    sure = replace(SURE[LightGBM], trees=5)
    assert sure.fit(table, np.random.default_rng(0)).predict_proba(table.rows) == pytest.approx(
        sure.fit(table, np.random.default_rng(1)).predict_proba(table.rows)
    )
    random = replace(sure, extra_trees=True)
    first = random.fit(table, np.random.default_rng(0)).predict_proba(table.rows)
    assert (first != random.fit(table, np.random.default_rng(1)).predict_proba(table.rows)).any()


def test_a_tree_sees_a_row_however_small_the_share() -> None:
    table = blobs().take(np.array([0, 1, 2]))
    table = replace(table, y=np.array([0, 1, 0]))
    proba = fitted(table, LightGBM(row_share=0.1)).predict_proba(table.rows)
    np.testing.assert_allclose(proba[:, 1], 1 / 3, atol=0.01)


def test_environment_of_threads_is_left_alone() -> None:
    before = dict(os.environ)
    for kind in BOOSTERS:
        fitted(blobs(), kind(trees=5))
    assert dict(os.environ) == before


@pytest.mark.parametrize(("columns", "share"), [(1, 1.0), (300, 1.0), (1_200, 0.25)])
def test_catboost_tries_some_of_many_columns(columns: int, share: float) -> None:
    pytest.importorskip("catboost")
    schema = Schema(tuple(Column(f"c{at}", "numeric", "float64") for at in range(columns)), ("no", "yes"))
    X = np.random.default_rng(0).normal(size=(40, columns))
    fitted = CatBoost(trees=2, depth=1).fit(Table.real(X, (X[:, 0] > 0).astype(int), schema), np.random.default_rng(0))
    assert fitted.booster_.get_all_params()["rsm"] == pytest.approx(share)
