"""Every learner of the catalogue against the laws, and what each promises beyond them."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from of_columns import of_columns
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import learners
from learners.common.soft_labels import weighted_copies, with_all_classes
from learners.common.tabular_encoding import NetInput
from learners.mlp import member_folds
from learners.sklearn_adapter import resampled
from loop.catalogue import Catalogue
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing import learners as laws
from loop.testing.learners import LAWS, Make, blobs, fitted_proba
from loop.types import Column, Schema, Table

TESTS = Path(__file__).parents[1]
PATHS = os.pathsep.join([str(TESTS.parent), str(TESTS)])

SMALL: dict[str, dict[str, Any]] = {  # settings that keep the suite fast
    "forest": {"trees": 60},
    "extra_trees": {"trees": 60},
    "sklearn_adapter": {"estimator": RandomForestClassifier(40)},
    "catboost": {"trees": 60, "depth": 4, "rate": 0.15},
    "lightgbm": {"trees": 60, "rate": 0.15},
    "mlp": {"members": 4, "hidden": 16, "steps": 200},
}
VARIANTS: dict[str, dict[str, Any]] = {  # settings that lead through other code: name in the catalogue, and these
    "forest one_hot": {"categories": "one_hot"},
    "extra_trees one_hot": {"categories": "one_hot"},
    "lightgbm all cuts": {"extra_trees": False, "row_share": 1.0, "leaves": 4, "min_leaf": 15},  # 30 rare rows
}


# A foundation model takes hard labels only: the laws that it keeps are in `teachers/test_foundation.py`.
OURS = (name for name in of_columns(learners.LEARNERS) if name != "foundation")
NAMES = (*OURS, *learners.WRAPPERS.names(), *VARIANTS)


def catalogue_of(name: str) -> Catalogue[Learner]:
    return learners.WRAPPERS if name in learners.WRAPPERS.homes else learners.LEARNERS


def maker(name: str) -> Make:
    """Return the function that makes a catalogue entry, or a variant of one, with small settings."""
    if name in VARIANTS:
        plain = maker(name.split()[0])
        return lambda: replace(plain(), **VARIANTS[name])  # type: ignore[type-var]
    kind: Callable[..., Learner] = catalogue_of(name).kind(name)
    if name == "committee":
        members = tuple(maker(part)() for part in ("extra_trees", "linear"))
        return lambda: kind(members=members, folds=3, jobs=1)
    if name == "blend":
        members = (maker("xgboost")(), maker("extra_trees")())
        return lambda: kind(members, weights=(1, 2))
    if name == "thinned":
        return lambda: kind(maker("extra_trees")())
    if name == "xgboost":
        return lambda: kind(trees=40)
    return lambda: kind(**SMALL.get(name, {}))


@pytest.fixture(params=NAMES)
def make(request: pytest.FixtureRequest) -> Make:
    return maker(request.param)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Make], None], make: Make) -> None:
    law(make)


IN_ANOTHER_PROCESS = """
import json, sys
from loop.testing.learners import blobs, fitted_proba
from tests.learners.test_learners import maker
print(json.dumps({name: fitted_proba(maker(name), blobs()).tolist() for name in sys.argv[1:]}))
"""


@pytest.mark.slow
def test_same_numbers_in_another_process() -> None:
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, *NAMES]
    environment = os.environ | {"PYTHONPATH": PATHS, "PYTHONHASHSEED": "12345"}
    other = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    there = json.loads(other.stdout)
    for name in NAMES:
        np.testing.assert_array_equal(fitted_proba(maker(name), blobs()), there[name], err_msg=name)


# The catalogue


def test_catalogue_names_are_importable() -> None:
    for path in (*learners.LEARNERS.homes.values(), *learners.WRAPPERS.homes.values()):
        module, name = path.split(":")
        assert getattr(learners, name) is getattr(import_module(module), name)
        assert name in learners.__all__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Boost3000"):
        learners.Boost3000  # noqa: B018


def test_import_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'xgboost', 'catboost', 'lightgbm', 'sklearn'}"
    code = f"import learners, sys; learners.LEARNERS.names(); sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": PATHS})


# Weighted copies


@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_copies_keep_the_weight_of_every_row_and_class(n_classes: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = blobs(n=300, n_classes=n_classes).take(np.arange(n))
    soft = rng.dirichlet(np.ones(n_classes), size=n)
    table = replace(
        table, rows=Rows(np.arange(n, dtype=float)[:, None]), soft=soft, weight=rng.integers(0, 3, n).astype(float)
    )
    X, y, weight = weighted_copies(table)
    assert (weight > 0).all()
    per_cell = np.zeros((n, n_classes))
    np.add.at(per_cell, (X[:, 0].astype(int), y), weight)
    np.testing.assert_allclose(per_cell.sum(axis=1), table.weight)
    np.testing.assert_allclose(per_cell, table.weight[:, None] * soft, atol=0.01)


def test_hard_rows_are_not_copied() -> None:
    table = blobs()
    for labels in (None, table.targets):
        X, y, weight = weighted_copies(replace(table, soft=labels))
        np.testing.assert_array_equal(X, table.X)
        np.testing.assert_array_equal(y, table.y)
        np.testing.assert_array_equal(weight, table.weight)


def test_with_all_classes_puts_columns_in_their_place() -> None:
    full = with_all_classes(np.array([[0.2, 0.8]]), np.array([0, 2]), 4)
    np.testing.assert_array_equal(full, [[0.2, 0, 0.8, 0]])


# Forests


@pytest.mark.parametrize(("ours", "theirs"), [("Forest", RandomForestClassifier), ("ExtraTrees", ExtraTreesClassifier)])
def test_forest_on_hard_labels_is_the_classification_forest(ours: str, theirs: Any) -> None:
    table, test = blobs(), blobs(seed=1)
    forest = getattr(learners, ours)(trees=200)
    reference = theirs(200, random_state=0).fit(table.X, table.y)
    gap = fitted_proba(lambda: forest, table, test.X) - reference.predict_proba(test.X)
    assert np.abs(gap).mean() < 0.02


# The adapter


def test_adapter_refuses_an_estimator_without_probabilities() -> None:
    with pytest.raises(ConfigError, match="predict_proba"):
        learners.SklearnAdapter(SGDClassifier(loss="hinge"))


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(15),  # takes no sample_weight
        make_pipeline(StandardScaler(), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=20),  # accepts NaN
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize(
    "law",
    [
        laws.check_weight_counts,
        laws.check_soft_labels_are_learnt,
        laws.check_single_class,
        laws.check_missing_values,
        laws.check_seed_decides,
        laws.check_onehot_equals_hard,
    ],
    ids=lambda law: law.__name__,
)
def test_adapter_laws_with_other_estimators(law: Callable[[Make], None], estimator: Any) -> None:
    if isinstance(estimator, KNeighborsClassifier) and law is laws.check_weight_counts:
        estimator = KNeighborsClassifier(100)  # contradicting copies: the vote needs many neighbours
    law(lambda: learners.SklearnAdapter(estimator))


def test_adapter_resamples_each_row_as_often_as_its_share_says() -> None:
    weight = np.random.default_rng(0).exponential(size=50)
    y = np.arange(50) % 2
    drawn = np.bincount(resampled(y, weight, np.random.default_rng(1)), minlength=50)
    assert drawn.sum() == 50
    wanted = 50 * weight / weight.sum()
    assert np.abs(drawn - wanted).max() < 1
    assert abs(drawn[y == 1].sum() - wanted[y == 1].sum()) < 1


def test_adapter_seeds_nested_random_states() -> None:
    bagged = BaggingClassifier(ExtraTreesClassifier(3, random_state=7), 3, random_state=7)
    table, test = blobs(), blobs(seed=1)
    first, second = (fitted_proba(lambda: learners.SklearnAdapter(bagged), table, test.X, seed) for seed in (0, 1))
    assert (first != second).any()
    assert bagged.random_state == 7


# Networks


def test_mlp_leaves_torch_as_it_was() -> None:
    import torch

    before, threads = torch.get_rng_state(), torch.get_num_threads()
    fitted_proba(maker("mlp"), blobs())
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_mlp_predicts_nothing_for_no_rows_and_survives_pickling() -> None:
    table = blobs()
    model = maker("mlp")().fit(table, np.random.default_rng(0))
    assert model.predict_proba(Rows(table.X[:0])).shape == (0, 2)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict_proba(table.rows), model.predict_proba(table.rows)
    )


def test_mlp_learns_what_no_line_separates() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 3))
    table = replace(Table.real(X, (X[:, 0] * X[:, 1] > 0.8).astype(np.int64), blobs().schema))
    train, test = table.take(np.arange(600)), table.take(np.arange(600, 1200))
    network, line = (
        average_precision_score(test.y, fitted_proba(maker(name), train, test.X)[:, 1]) for name in ("mlp", "linear")
    )
    assert network > 0.8 > line + 0.2


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_normal_scores_ignore_a_monotone_change_of_scale(seed: int) -> None:
    table = blobs(seed=seed)
    stretched = replace(table, rows=Rows(np.exp(table.X)))
    np.testing.assert_allclose(
        NetInput().fit(table).transform(table.X)[0], NetInput().fit(stretched).transform(stretched.X)[0], atol=1e-9
    )


def test_normal_scores_keep_a_column_of_zeros_centred() -> None:
    table = blobs()
    table = replace(table, rows=Rows(np.where(table.X > 1, table.X, 0.0)))
    scores = NetInput().fit(table).transform(table.X)[0]
    assert np.abs(scores.mean(axis=0)).max() < 0.5
    assert np.abs(scores).max() < 4


def test_folds_hold_out_each_class_evenly_and_never_train_on_it() -> None:
    y = blobs().y
    judge, rest = member_folds(y, 8, np.random.default_rng(0))
    for own, others in zip(judge, rest, strict=True):
        assert not set(own) & set(others)
        assert 3 <= y[own].sum() <= 4
    assert len(np.unique(judge)) == judge.size


def test_a_pipeline_that_fills_gaps_itself_gets_them() -> None:
    table = blobs()
    missing = table.y == 1
    X = np.where(missing[:, None], np.nan, np.random.default_rng(0).normal(size=(len(table), 1)))
    schema = Schema((Column("a", "numeric", "float64", missing=True),), table.schema.classes)
    table = Table.real(X, table.y, schema)
    pipeline = make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True), LogisticRegression())
    learner = learners.SklearnAdapter(pipeline).fit(table, np.random.default_rng(0))
    proba = learner.predict_proba(Rows(X))[:, 1]
    assert proba[missing].min() > proba[~missing].max() + 0.5
