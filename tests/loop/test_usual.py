"""A `LoopClassifier` with as little said as possible, and with classifiers of scikit-learn as they are."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from tiny import LEARNER, TEACHER

from generators import Neighbourhood
from learners import Committee, SklearnAdapter, XGBoost
from loop import LoopClassifier
from loop.errors import ConfigError
from loop.usual import parts_of


def frame(n: int = 160) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "shop": rng.choice(["x", "y"], n)})
    X.loc[::11, "b"] = np.nan
    return X, (X["a"] + rng.normal(size=n) > 0.9).to_numpy()


def quick(**settings: Any) -> LoopClassifier:
    usual = {"teacher": None, "generations": 1, "lanes": 2, "jobs": 1, "random_state": 0}
    return LoopClassifier(**usual | settings)


def test_nothing_needs_to_be_said() -> None:
    parts = parts_of(LoopClassifier())
    assert isinstance(parts.learner, XGBoost)
    assert isinstance(parts.supplies[-1].generator, Neighbourhood)
    assert isinstance(parts.teacher, Committee)
    assert type(parts.supplies[-1].acquisition).__name__ == "Gap"


def test_what_is_said_is_taken() -> None:
    parts = parts_of(LoopClassifier(LEARNER, generator=Neighbourhood(neighbours=3), teacher=TEACHER))
    assert parts.learner is LEARNER
    assert parts.teacher is TEACHER
    assert parts_of(LoopClassifier(teacher=None)).teacher is None
    alone = parts_of(LoopClassifier(teacher=LEARNER)).teacher
    assert isinstance(alone, Committee)
    assert alone.members == (LEARNER,)


CLASSIFIERS = {
    "linear": LogisticRegression(),
    "tree": DecisionTreeClassifier(max_depth=3),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_of_scikit_learn_works_as_it_is(name: str) -> None:
    X, y = frame()
    with pytest.warns(UserWarning, match="is used as learners.SklearnAdapter"):
        bare = quick(learner=CLASSIFIERS[name]).fit(X, y)
    wrapped = quick(learner=SklearnAdapter(CLASSIFIERS[name])).fit(X, y)
    np.testing.assert_array_equal(bare.predict_proba(X), wrapped.predict_proba(X))


@pytest.mark.parametrize("role", ["learner", "surrogate", "augmented_learner", "teacher"])
def test_it_works_in_every_role(role: str) -> None:
    with pytest.warns(UserWarning, match=f"{role} is scikit-learn's LogisticRegression"):
        parts = parts_of(LoopClassifier(**{"learner": LEARNER, "teacher": None} | {role: LogisticRegression()}))
    part = parts.teacher.members[0] if role == "teacher" else getattr(parts, role)  # type: ignore[union-attr]
    assert isinstance(part, SklearnAdapter)


def test_its_settings_are_parameters_and_it_is_cloned() -> None:
    model = quick(learner=LogisticRegression(C=3.0))
    assert model.get_params()["learner__C"] == 3.0
    other = clone(model).set_params(learner__C=0.5)
    assert (model.learner.C, other.learner.C) == (3.0, 0.5)
    X, y = frame()
    with pytest.warns(UserWarning, match="LogisticRegression"):
        search = GridSearchCV(model, {"learner__C": [0.1, 1.0]}, cv=2).fit(X, y)
    assert search.best_params_["learner__C"] in (0.1, 1.0)
    assert isinstance(search.best_estimator_.learner, BaseEstimator)  # what was given stays what it was


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learner": LogisticRegression}, r"write LogisticRegression\(\)"),
        ({"learner": "forest"}, "learner must have fit and predict_proba, got str"),
        ({"learner": LinearSVC()}, "CalibratedClassifierCV"),
        ({"learner": LinearRegression()}, "predict_proba"),
        ({"teacher": "committee"}, "teacher must be auto, None or a teacher"),
        ({"teacher": 3}, "teacher must have fit and predict_proba, got int"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* is scikit-learn's")
def test_what_is_no_part_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        quick(**settings).fit(*frame())


def test_progress_is_printed_if_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = frame()
    quick(learner=LEARNER).fit(X, y)
    assert capsys.readouterr().out == ""
    model = quick(learner=LEARNER, verbose=True, generations=2).fit(X, y)
    first, *turns = capsys.readouterr().out.splitlines()
    assert first.startswith(f"160 rows, {y.sum()} of class True")
    assert len(turns) == len(model.history_)
    assert turns[0].startswith("generation 1 of 2, after ")
