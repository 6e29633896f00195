"""Forests on categories: ordered codes by default, or a column for each category."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from learners import ExtraTrees, Forest
from learners.common import one_hot
from learners.common.one_hot import OneHot
from loop.errors import ConfigError
from loop.rows import Rows
from loop.seeds import integer
from loop.testing.learners import blobs, with_category
from loop.testing.tables import mixed_table
from loop.types import Table

forest = pytest.mark.parametrize("kind", [Forest, ExtraTrees], ids=lambda kind: kind.__name__)


def alternating() -> Table:
    """Rows whose label is the last bit of a category's code."""
    codes = np.random.default_rng(0).integers(0, 10, size=600)
    return with_category(replace(blobs(n=600), y=(codes % 2).astype(np.int64)), codes)


def only_category(table: Table) -> Table:
    """Drop all columns but the last."""
    return replace(table, rows=Rows(table.X[:, -1:]), schema=replace(table.schema, columns=table.schema.columns[-1:]))


# The encoding


def test_each_category_has_a_column_behind_the_others() -> None:
    table = with_category(blobs().take(np.arange(4)), np.array([3, 1, np.nan, 3]))
    encoded = OneHot.of(table).encoded(table.X)
    np.testing.assert_array_equal(encoded[:, :2], table.X[:, :2])
    np.testing.assert_array_equal(encoded[:, 2:], [[0, 1], [1, 0], [0, 0], [0, 1]])  # b, d


def test_missing_unknown_and_unseen_categories_are_all_zeros() -> None:
    table = with_category(blobs(), np.arange(300) % 5)
    X = np.repeat(table.X[:1], 4, axis=0)
    X[:, -1] = (np.nan, 7, 99, -1)
    assert not OneHot.of(table).encoded(X)[:, 2:].any()


def test_a_column_of_many_categories_stays_a_column_of_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_hot, "MOST", 3)
    table = with_category(blobs(), np.repeat([0, 1, 2, 3], [10, 20, 30, 240]))
    assert OneHot.of(table).codes == {}
    assert OneHot.of(table).encoded(table.X) is table.X
    counted = replace(table, weight=np.where(table.X[:, 2] == 0, 0.0, 1.0))
    assert OneHot.of(counted).codes == {2: [1, 2, 3]}  # a category without weight needs no column


def test_categories_without_weight_or_values_leave_one_column() -> None:
    table = with_category(blobs(), np.full(300, np.nan))
    assert OneHot.of(table).encoded(table.X).shape == (300, 3)


def test_the_encoding_survives_json_and_leaves_numbers_alone() -> None:
    encoding = OneHot.of(alternating())
    again = OneHot.from_json(json.loads(json.dumps(encoding.to_json())))
    X = alternating().X
    np.testing.assert_array_equal(again.encoded(X), encoding.encoded(X))
    assert OneHot.of(blobs()).encoded(X) is X
    assert encoding.encoded(X.astype(np.float32)).dtype == np.float32


# The forests


def test_ordered_codes_grow_the_same_trees_as_ever() -> None:
    """Redone with scikit-learn alone: the default takes the codes as they are."""
    table, rng = alternating(), np.random.default_rng(0)
    X, y = table.X.astype(np.float32), table.targets[:, 1]
    answers = []
    for own in rng.spawn(5):
        counts = np.bincount(own.choice(600, size=600, p=np.full(600, 1 / 600)), minlength=600)
        settings = {"max_features": "sqrt", "random_state": integer(own)}
        answers.append(DecisionTreeRegressor(**settings).fit(X, y, sample_weight=counts).predict(X))
    grown = Forest(trees=5).fit(table, np.random.default_rng(0)).predict_proba(table.rows)
    np.testing.assert_allclose(grown[:, 1], np.mean(answers, axis=0), atol=1e-12)

    answers = [
        ExtraTreeRegressor(max_features="sqrt", random_state=integer(own)).fit(X, y).predict(X)
        for own in np.random.default_rng(0).spawn(5)
    ]
    grown = ExtraTrees(trees=5).fit(table, np.random.default_rng(0)).predict_proba(table.rows)
    np.testing.assert_allclose(grown[:, 1], np.mean(answers, axis=0), atol=1e-12)


@forest
def test_one_category_is_set_apart_by_one_split(kind: type[Forest]) -> None:
    """The categories on either side of it in the order of codes are too few for a leaf, together they are enough."""
    codes = np.repeat([0, 1, 2, 3, 4], [50, 50, 400, 50, 50])
    table = with_category(replace(blobs(n=600), y=(codes == 2).astype(np.int64)), codes)
    apart = {}
    for categories in ("codes", "one_hot"):
        learner = kind(trees=20, min_leaf=105, max_features=1.0, categories=categories)  # type: ignore[arg-type]
        proba = learner.fit(only_category(table), np.random.default_rng(0)).predict_proba(only_category(table).rows)
        apart[categories] = proba[codes == 2, 1].min() - proba[codes != 2, 1].max()
    assert apart["codes"] < 0.1
    assert apart["one_hot"] > 0.9


@forest
@pytest.mark.parametrize("categories", ["codes", "one_hot"])
def test_a_saved_forest_answers_the_same(kind: type[Forest], categories: str, tmp_path: Path) -> None:
    table = mixed_table(300)
    learner = kind(trees=10, categories=categories).fit(table, np.random.default_rng(0))  # type: ignore[arg-type]
    learner.save(tmp_path / "saved")
    again = kind.load(tmp_path / "saved")
    assert repr(again) == repr(learner)
    np.testing.assert_array_equal(again.predict_proba(table.rows), learner.predict_proba(table.rows))


def test_a_forest_saved_before_there_was_a_choice_is_read(tmp_path: Path) -> None:
    table = alternating()
    learner = Forest(trees=5).fit(table, np.random.default_rng(0))
    learner.save(tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    del settings["settings"]["categories"], settings["learnt"]["one_hot"]
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    np.testing.assert_array_equal(Forest.load(tmp_path).predict_proba(table.rows), learner.predict_proba(Rows(table.X)))


def test_another_way_to_take_categories_is_refused() -> None:
    with pytest.raises(ConfigError, match="categories must be one of codes, one_hot, got 'numbers'"):
        Forest(categories="numbers")  # type: ignore[arg-type]
